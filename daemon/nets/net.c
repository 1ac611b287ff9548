// SPDX-License-Identifier: MIT
#include "nets/net.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/device.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/layer.h"
#include "nets/net_debug.h"
#include "nets/safetensors.h"
#include "nets/sampler.h"
#include "nets/stack.h"
#include "nets/words.h"
#include "log.h"

#define MAX_LANES 64
#define RUN_TIMEOUT_NS UINT64_C(10000000000)

static const struct stack_kind *const kinds[] = {&lstm_kind};

struct net {
    struct device *device;
    struct net_info info;
    struct words *composers;
    struct words *offered;
    char *name, *family, *licence, *stats;
    struct form form;
    struct sampler *sampler;
    struct stack *stack;
    struct binding *clears[STACK_MAX_STATES + 1]; ///< of each state, and of the input
    struct batch *batch;                          ///< NET_RUN_STEPS steps
    uint32_t pending[MAX_LANES];                  ///< LANE_CLEAR_* with the next run
};

/** The metadata's text for `key`, or `otherwise`; NULL when memory is short. */
static char *text_of(const struct safetensors *file, const char *key, const char *otherwise)
{
    const char *value = safetensors_metadata(file, key);
    return strdup(value ? value : otherwise);
}

static int read_metadata(struct net *net, const struct safetensors *file,
                         const struct stack_kind **ret_kind)
{
    const char *path = safetensors_path(file);
    const char *format = safetensors_metadata(file, "format");
    const char *kind = safetensors_metadata(file, "net");
    if (!format || strcmp(format, "fermata-net-1") != 0) {
        log_error("%s is no net of ours: its format is \"%s\", not \"fermata-net-1\"", path,
                  format ? format : "");
        return -EBADMSG;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kind && strcmp(kind, kinds[i]->name) == 0)
            *ret_kind = kinds[i];
    if (!*ret_kind) {
        log_error("%s: this version knows no net of the kind \"%s\"", path, kind ? kind : "");
        return -EBADMSG;
    }

    const char *composers = safetensors_metadata(file, "composers");
    const char *offered = safetensors_metadata(file, "offered");
    int r = words_parse(composers ? composers : "", &net->composers);
    if (r == 0)
        r = words_parse(offered ? offered : composers, &net->offered);
    if (r == 0 && net->composers->count == 0)
        r = -EBADMSG;
    for (uint32_t i = 0; r == 0 && i < net->offered->count; i++)
        if (words_find(net->composers, net->offered->words[i]) < 0)
            r = -EBADMSG;
    if (r == -EBADMSG)
        log_error("%s: its metadata name no composers, or offer one that it does not have", path);
    if (r < 0)
        return r;

    net->name = text_of(file, "net", "");
    net->family = text_of(file, "family", "");
    net->licence = text_of(file, "licence", "");
    net->stats = text_of(file, "stats", "{}");
    if (!net->name || !net->family || !net->licence || !net->stats)
        return -ENOMEM;
    const char *loss = safetensors_metadata(file, "validation_loss");
    net->info = (struct net_info){
        .name = net->name,
        .family = net->family,
        .licence = net->licence,
        .composers = net->composers->words,
        .composer_count = net->composers->count,
        .offered = net->offered->words,
        .offered_count = net->offered->count,
        .stats = net->stats,
    };
    if (!spa_atod(loss, &net->info.validation_loss))
        net->info.validation_loss = NAN;
    return 0;
}

static int bind_clears(struct net *net)
{
    struct kernel *kernel = net->form.clear;
    struct buffer *words = net->form.lane_words;
    uint32_t count = net->stack->state_count;
    int r = 0;
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = binding_new(kernel, (struct buffer *[]){net->stack->states[i].now[0], words},
                        &net->clears[i]);
    if (r == 0)
        r = binding_new(kernel, (struct buffer *[]){sampler_input(net->sampler), words},
                        &net->clears[count]);
    return r;
}

static void record_clear(const struct net *net, struct batch *batch, const struct binding *clear,
                         uint32_t features, uint32_t mask)
{
    uint32_t push[2] = {mask, features / 4 * net->form.lanes};
    batch_dispatch(batch, clear, push, sizeof push, (push[1] + 31) / 32, 1);
}

static int record(const struct net *net, struct batch *batch, uint32_t steps)
{
    const struct stack *stack = net->stack;
    int r = batch_begin(batch);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < stack->state_count; i++)
        record_clear(net, batch, net->clears[i], stack->states[i].features, LANE_CLEAR_STATE);
    record_clear(net, batch, net->clears[stack->state_count], STACK_INPUTS, LANE_CLEAR_FRAME);
    batch_barrier(batch);
    for (uint32_t step = 0; step < steps; step++) {
        stack->kind->record(stack, batch, step);
        sampler_record(net->sampler, batch, step);
    }
    // Every run begins at an even step.
    for (uint32_t i = 0; steps % 2 && i < stack->state_count; i++) {
        const struct stack_state *state = &stack->states[i];
        if (state->now[0] != state->now[1])
            batch_copy(batch, state->now[1], 0, state->now[0], 0, buffer_size(state->now[0]));
    }
    return batch_end(batch);
}

static int run(struct net *net, struct batch *batch, const struct net_lane *lanes, uint32_t steps,
               uint8_t *ret_frames)
{
    for (uint32_t i = 0; i < net->info.lanes; i++)
        assert(!lanes[i].active || lanes[i].composer < net->info.composer_count);
    sampler_set(net->sampler, lanes, net->pending, net->info.lanes, steps);
    int r = batch_run(batch, RUN_TIMEOUT_NS);
    if (r < 0)
        return r;
    memset(net->pending, 0, sizeof net->pending);
    sampler_get(net->sampler, net->info.lanes, steps, ret_frames);
    return 0;
}

/** Some drivers compile at the first dispatch: that must not wait for the first music. */
static int warm_up(struct net *net)
{
    struct net_lane *lanes = calloc(net->info.lanes, sizeof *lanes);
    uint8_t *frames = malloc((size_t)net->info.lanes * NET_FRAME_CELLS);
    int r = lanes && frames ? net_debug_run(net, lanes, 1, frames) : -ENOMEM;
    free(lanes);
    free(frames);
    return r;
}

static int build(struct net *net, const struct safetensors *file, const struct stack_kind *kind)
{
    double sigma = 0.1;
    const char *text = safetensors_metadata(file, "velocity_sigma");
    if (text && (!spa_atod(text, &sigma) || !(sigma >= 0 && sigma <= 1))) {
        log_error("%s: its velocity_sigma \"%s\" is no number of 0 to 1", safetensors_path(file),
                  text);
        return -EBADMSG;
    }
    int r = form_init(&net->form, net->device, net->info.lanes, kind->largest_matrix);
    if (r == 0) // half as wide as the data: full spread sounds erratic frame by frame
        r = sampler_new(&net->form, 0.5f * (float)sigma, NET_RUN_STEPS, &net->sampler);
    struct layer_place place = {&net->form, file, net->info.composer_count};
    if (r == 0)
        r = kind->new (&place, sampler_input(net->sampler), sampler_logits(net->sampler),
                       &net->stack);
    if (r == 0)
        r = bind_clears(net);
    if (r == 0)
        r = batch_new(net->device, &net->batch);
    if (r == 0)
        r = record(net, net->batch, NET_RUN_STEPS);
    if (r == 0)
        r = warm_up(net);
    return r;
}

int net_new(struct device *device, const char *path, uint32_t lanes, struct net **ret_net)
{
    assert(lanes >= 1 && lanes <= MAX_LANES);
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return -ENOMEM;
    net->device = device;
    struct safetensors *file = NULL;
    const struct stack_kind *kind = NULL;
    int r = safetensors_new(path, &file);
    if (r == 0)
        r = read_metadata(net, file, &kind);
    if (r == 0) {
        net->info.lanes = lanes;
        r = build(net, file, kind);
    }
    safetensors_free(file);
    if (r < 0) {
        net_free(net);
        return r;
    }
    device_keep_pipelines(device);
    *ret_net = net;
    return 0;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    batch_free(net->batch);
    for (size_t i = 0; i < sizeof net->clears / sizeof net->clears[0]; i++)
        binding_free(net->clears[i]);
    if (net->stack)
        net->stack->kind->free(net->stack);
    sampler_free(net->sampler);
    form_finish(&net->form);
    words_free(net->composers);
    words_free(net->offered);
    free(net->name);
    free(net->family);
    free(net->licence);
    free(net->stats);
    free(net);
}

const struct net_info *net_info(const struct net *net)
{
    return &net->info;
}

int net_find_composer(const struct net *net, const char *name)
{
    return words_find(net->composers, name);
}

void net_reset(struct net *net, uint32_t lane)
{
    assert(lane < net->info.lanes);
    net->pending[lane] = LANE_CLEAR_STATE | LANE_CLEAR_FRAME;
}

int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_frames)
{
    return run(net, net->batch, lanes, NET_RUN_STEPS, ret_frames);
}

int net_debug_run(struct net *net, const struct net_lane *lanes, uint32_t steps,
                  uint8_t *ret_frames)
{
    assert(steps >= 1 && steps <= NET_RUN_STEPS);
    struct batch *batch = NULL;
    int r = batch_new(net->device, &batch);
    if (r == 0)
        r = record(net, batch, steps);
    if (r == 0)
        r = run(net, batch, lanes, steps, ret_frames);
    batch_free(batch);
    return r;
}

void net_debug_forget(struct net *net, uint32_t lane)
{
    assert(lane < net->info.lanes);
    net->pending[lane] |= LANE_CLEAR_STATE;
}

int net_debug_peek(struct net *net, uint32_t lane, const char *name, float *ret_values, size_t room)
{
    struct buffer *buffer = NULL;
    uint32_t features = 0;
    if (strcmp(name, "x") == 0) {
        buffer = sampler_input(net->sampler);
        features = STACK_INPUTS;
    } else if (strcmp(name, "logits") == 0) {
        buffer = sampler_logits(net->sampler);
        features = STACK_LOGITS;
    }
    for (uint32_t i = 0; i < net->stack->state_count; i++)
        if (strcmp(name, net->stack->states[i].name) == 0) {
            buffer = net->stack->states[i].now[0];
            features = net->stack->states[i].features;
        }
    if (!buffer)
        return -ENOENT;
    float *all = malloc(buffer_size(buffer));
    if (!all)
        return -ENOMEM;
    int r = buffer_read(buffer, 0, all, buffer_size(buffer));
    for (uint32_t i = 0; r == 0 && i < features && i < room; i++)
        ret_values[i] = all[form_index(&net->form, i, lane)];
    free(all);
    return r < 0 ? r : (int)features;
}

const char *net_debug_form(const struct net *net)
{
    return net->form.texel ? "texel" : "plain";
}
