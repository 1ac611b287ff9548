// SPDX-License-Identifier: MIT
#include "nets/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <spa/utils/string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/layer.h"
#include "nets/layer_kernels.h"
#include "nets/matrix.h"
#include "nets/net.h"
#include "nets/programs.h"
#include "nets/safetensors.h"
#include "nets/sampler.h"
#include "nets/stack.h"
#include "log.h"

struct roll_engine {
    struct engine engine;
    const struct form *form;
    struct layer_kernels kernels;
    struct kernel *clear;
    struct sampler *sampler;
    struct stack *stack;
    struct binding *clears[STACK_MAX_STATES + 1]; ///< of each state, and of the input
};

static void roll_engine_free(struct engine *engine)
{
    struct roll_engine *roll = (struct roll_engine *)engine;
    if (!roll)
        return;
    for (size_t i = 0; i < sizeof roll->clears / sizeof roll->clears[0]; i++)
        binding_free(roll->clears[i]);
    if (roll->stack)
        roll->stack->kind->free(roll->stack);
    sampler_free(roll->sampler);
    layer_kernels_finish(&roll->kernels);
    kernel_free(roll->clear);
    free(roll);
}

static int bind_clears(struct roll_engine *roll)
{
    struct form_kernel clear = {&program_clear, &program_clear, "ss", {0}, 0};
    struct buffer *words = roll->form->lane_words;
    uint32_t count = roll->stack->state_count;
    int r = form_new_kernel(roll->form, &clear, &roll->clear);
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = binding_new(roll->clear, (struct buffer *[]){roll->stack->states[i].now[0], words},
                        &roll->clears[i]);
    if (r == 0)
        r = binding_new(roll->clear, (struct buffer *[]){sampler_input(roll->sampler), words},
                        &roll->clears[count]);
    return r;
}

static int build(struct roll_engine *roll, const struct engine_place *place,
                 const struct engine_kind *kind)
{
    double sigma = 0.1;
    const char *text = safetensors_metadata(place->file, "velocity_sigma");
    if (text && (!spa_atod(text, &sigma) || !(sigma >= 0 && sigma <= 1))) {
        log_error("%s: its velocity_sigma \"%s\" is no number of 0 to 1",
                  safetensors_path(place->file), text);
        return -EBADMSG;
    }
    // Half as wide as the data: full spread sounds erratic frame by frame.
    int r = sampler_new(roll->form, 0.5f * (float)sigma, kind->steps, place->forced, place->tokens,
                        &roll->sampler);
    struct layer_place layers = {
        .form = roll->form,
        .file = place->file,
        .composers = place->info->composer_count,
        .kernels = &roll->kernels,
    };
    if (r == 0)
        r = kind->stack->new (&layers, sampler_input(roll->sampler), sampler_logits(roll->sampler),
                              &roll->stack);
    if (r == 0)
        r = bind_clears(roll);
    return r;
}

static int roll_engine_new(const struct engine_place *place, const struct engine_kind *kind,
                           struct engine **ret_engine)
{
    struct roll_engine *roll = calloc(1, sizeof *roll);
    if (!roll)
        return -ENOMEM;
    roll->engine.kind = kind;
    roll->form = place->form;
    int r = build(roll, place, kind);
    if (r < 0) {
        roll_engine_free(&roll->engine);
        return r;
    }
    *ret_engine = &roll->engine;
    return 0;
}

static void record_clear(const struct roll_engine *roll, struct batch *batch,
                         const struct binding *clear, uint32_t features, uint32_t mask)
{
    uint32_t push[2] = {mask, features / 4 * roll->form->lanes};
    batch_dispatch(batch, clear, push, sizeof push, (push[1] + 31) / 32, 1);
}

static void roll_engine_record(const struct engine *engine, struct batch *batch, uint32_t steps)
{
    const struct roll_engine *roll = (const struct roll_engine *)engine;
    const struct stack *stack = roll->stack;
    for (uint32_t i = 0; i < stack->state_count; i++)
        record_clear(roll, batch, roll->clears[i], stack->states[i].features, LANE_CLEAR_STATE);
    record_clear(roll, batch, roll->clears[stack->state_count], STACK_INPUTS, LANE_CLEAR_FRAME);
    batch_barrier(batch);
    for (uint32_t step = 0; step < steps; step++) {
        stack->kind->record(stack, batch, step);
        sampler_record(roll->sampler, batch, step);
    }
    // Every run begins at an even step.
    for (uint32_t i = 0; steps % 2 && i < stack->state_count; i++) {
        const struct stack_state *state = &stack->states[i];
        if (state->now[0] != state->now[1])
            batch_copy(batch, state->now[1], 0, state->now[0], 0, buffer_size(state->now[0]));
    }
}

static uint32_t roll_engine_keeps(const struct engine *engine,
                                  struct engine_view ret_views[ENGINE_MOST_VIEWS])
{
    const struct roll_engine *roll = (const struct roll_engine *)engine;
    const struct stack *stack = roll->stack;
    uint32_t count = 0, features = 0;
    // Every run begins at an even step.
    for (uint32_t i = 0; i < stack->state_count; i++)
        ret_views[count++] =
            (struct engine_view){stack->states[i].now[0], stack->states[i].features, false};
    for (uint32_t i = 0; i < stack->layer_count; i++) {
        struct buffer *past = layer_past(stack->layers[i], &features);
        if (past)
            ret_views[count++] = (struct engine_view){past, features, false};
        assert(count <= ENGINE_MOST_VIEWS - 2);
    }
    ret_views[count++] = (struct engine_view){sampler_input(roll->sampler), STACK_INPUTS, false};
    ret_views[count++] =
        (struct engine_view){sampler_frames(roll->sampler), NET_FRAME_CELLS / 4, true};
    return count;
}

static bool roll_engine_look(const struct engine *engine, const char *name,
                             struct engine_view *ret_view)
{
    const struct roll_engine *roll = (const struct roll_engine *)engine;
    struct engine_view view = {0};
    if (strcmp(name, "x") == 0)
        view = (struct engine_view){sampler_input(roll->sampler), STACK_INPUTS, false};
    else if (strcmp(name, "logits") == 0)
        view = (struct engine_view){sampler_logits(roll->sampler), STACK_LOGITS, false};
    for (uint32_t i = 0; i < roll->stack->state_count; i++) {
        const struct stack_state *state = &roll->stack->states[i];
        if (strcmp(name, state->name) == 0)
            view = (struct engine_view){state->now[0], state->features, false};
    }
    if (!view.buffer)
        return false;
    *ret_view = view;
    return true;
}

static int roll_texels(const struct engine_kind *kind, const struct safetensors *file,
                       uint32_t lanes, uint64_t *ret_texels)
{
    (void)file;
    uint64_t matrix = kind->stack->largest_matrix / MATRIX_BLOCK;
    uint64_t past = kind->stack->longest_past / 4 * (lanes + 7); // whole tiles
    *ret_texels = matrix > past ? matrix : past;
    return 0;
}

#define ROLL_ENGINE(kind_name, stack_kind, tile)                                                   \
    {                                                                                              \
        .name = (kind_name), .stack = &(stack_kind), .vocabulary = NET_ROLL,                       \
        .steps = NET_RUN_STEPS, .token_bytes = NET_FRAME_CELLS, .cpu_tile = (tile),                \
        .texels = roll_texels, .new = roll_engine_new, .free = roll_engine_free,                   \
        .record = roll_engine_record, .keeps = roll_engine_keeps, .look = roll_engine_look,        \
    }

// The tiles are what was fastest on CPUs (models/report/speed.md).
const struct engine_kind roll_engines[ROLL_ENGINES] = {
    ROLL_ENGINE("lstm", lstm_kind, 4),
    ROLL_ENGINE("conv1d", conv1d_kind, 8),
    ROLL_ENGINE("wavenet", wavenet_kind, 8),
};
