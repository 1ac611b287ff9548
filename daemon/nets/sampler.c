// SPDX-License-Identifier: MIT
#include "nets/sampler.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/net.h"
#include "nets/programs.h"
#include "nets/stack.h"

struct sampler {
    const struct form *form;
    float spread;
    uint32_t steps;
    struct kernel *kernel;
    struct binding *binding;
    struct buffer *logits;
    struct buffer *input;
    struct buffer *frames; ///< [lane][NET_FRAME_CELLS], the last frame of each
    struct buffer *forced; ///< [lane][steps][NET_FRAME_CELLS]
    struct buffer *cells;  ///< [lane][steps][NET_FRAME_CELLS]
};

static int make_buffers(struct sampler *sampler)
{
    const struct form *form = sampler->form;
    size_t frames = (size_t)form->lanes * NET_FRAME_CELLS, runs = frames * sampler->steps;
    int r = form_new_activation(form, STACK_LOGITS, &sampler->logits);
    if (r == 0)
        r = form_new_activation(form, STACK_INPUTS, &sampler->input);
    if (r == 0)
        r = buffer_new(form->device, frames, BUFFER_DEVICE, BUFFER_NO_TEXEL, &sampler->frames);
    if (r == 0)
        r = buffer_new(form->device, runs, BUFFER_UPLOAD, BUFFER_NO_TEXEL, &sampler->forced);
    if (r == 0)
        r = buffer_new(form->device, runs, BUFFER_READ, BUFFER_NO_TEXEL, &sampler->cells);
    return r;
}

int sampler_new(const struct form *form, float spread, uint32_t steps, struct sampler **ret_sampler)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        return -ENOMEM;
    sampler->form = form;
    sampler->spread = spread;
    sampler->steps = steps;

    struct kernel_config config = {
        .name = program_sample.name,
        .code = program_sample.code,
        .code_bytes = program_sample.bytes,
        .buffers = "ssssss",
    };
    config.constant_count = form_constants(form, 0, config.constants);
    int r = make_buffers(sampler);
    if (r == 0)
        r = kernel_new(form->device, &config, &sampler->kernel);
    if (r == 0)
        r = binding_new(sampler->kernel,
                        (struct buffer *[]){sampler->logits, sampler->frames, sampler->input,
                                            sampler->forced, sampler->cells, form->lane_words},
                        &sampler->binding);
    if (r < 0) {
        sampler_free(sampler);
        return r;
    }
    *ret_sampler = sampler;
    return 0;
}

void sampler_free(struct sampler *sampler)
{
    if (!sampler)
        return;
    binding_free(sampler->binding);
    kernel_free(sampler->kernel);
    buffer_free(sampler->logits);
    buffer_free(sampler->input);
    buffer_free(sampler->frames);
    buffer_free(sampler->forced);
    buffer_free(sampler->cells);
    free(sampler);
}

struct buffer *sampler_input(const struct sampler *sampler)
{
    return sampler->input;
}

struct buffer *sampler_logits(const struct sampler *sampler)
{
    return sampler->logits;
}

void sampler_record(const struct sampler *sampler, struct batch *batch, uint32_t step)
{
    struct {
        uint32_t step, steps;
        float spread;
    } push = {step, sampler->steps, sampler->spread};
    batch_dispatch(batch, sampler->binding, &push, sizeof push, sampler->form->lanes, 1);
    batch_barrier(batch);
}

static float logit(float threshold)
{
    float p = isnan(threshold) ? 0.5f : fminf(fmaxf(threshold, 0.001f), 0.999f);
    return logf(p / (1.0f - p));
}

void sampler_set(struct sampler *sampler, const struct net_lane *lanes, const uint32_t *clear,
                 uint32_t count, uint32_t steps)
{
    struct lane_words *words = buffer_map(sampler->form->lane_words);
    uint8_t *forced = buffer_map(sampler->forced);
    for (uint32_t i = 0; i < count; i++) {
        const struct net_lane *lane = &lanes[i];
        words[i] = (struct lane_words){
            .flags = clear[i] | (lane->active ? LANE_ACTIVE : 0u) |
                     (lane->sampling == NET_HARD ? LANE_HARD : 0u) |
                     (lane->forced ? LANE_FORCED : 0u),
            .composer = lane->composer,
            .threshold = logit(lane->threshold),
            .seed = {(uint32_t)lane->seed, (uint32_t)(lane->seed >> 32)},
            .step = {(uint32_t)lane->step, (uint32_t)(lane->step >> 32)},
        };
        if (lane->active && lane->forced)
            memcpy(forced + (size_t)i * sampler->steps * NET_FRAME_CELLS, lane->forced,
                   (size_t)steps * NET_FRAME_CELLS);
    }
}

void sampler_get(const struct sampler *sampler, uint32_t count, uint32_t steps, uint8_t *ret_frames)
{
    const uint8_t *cells = buffer_map(sampler->cells);
    size_t wanted = (size_t)steps * NET_FRAME_CELLS;
    for (uint32_t i = 0; i < count; i++)
        memcpy(ret_frames + i * wanted, cells + (size_t)i * sampler->steps * NET_FRAME_CELLS,
               wanted);
}
