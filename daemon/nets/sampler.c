// SPDX-License-Identifier: MIT
#include "nets/sampler.h"

#include <errno.h>
#include <stdlib.h>

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
};

int sampler_new(const struct form *form, float spread, uint32_t steps, struct buffer *forced,
                struct buffer *tokens, struct sampler **ret_sampler)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        return -ENOMEM;
    sampler->form = form;
    sampler->spread = spread;
    sampler->steps = steps;

    struct form_kernel kernel = {&program_sample, &program_sample, "ssssss", {0}, 0};
    size_t frames = (size_t)form->lanes * NET_FRAME_CELLS;
    int r = form_new_activation(form, STACK_LOGITS, &sampler->logits);
    if (r == 0)
        r = form_new_activation(form, STACK_INPUTS, &sampler->input);
    if (r == 0)
        r = buffer_new(form->device, frames, BUFFER_DEVICE, BUFFER_NO_TEXEL, &sampler->frames);
    if (r == 0)
        r = form_new_kernel(form, &kernel, &sampler->kernel);
    if (r == 0)
        r = binding_new(sampler->kernel,
                        (struct buffer *[]){sampler->logits, sampler->frames, sampler->input,
                                            forced, tokens, form->lane_words},
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
    free(sampler);
}

struct buffer *sampler_input(const struct sampler *sampler)
{
    return sampler->input;
}

struct buffer *sampler_frames(const struct sampler *sampler)
{
    return sampler->frames;
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
