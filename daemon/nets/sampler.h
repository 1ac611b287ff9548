// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_SAMPLER_H
#define FERMATA_NETS_SAMPLER_H

#include <stdint.h>

struct batch;
struct buffer;
struct form;

/**
 * sampler: what stands between a stack's logits and its next input, on the device: it draws (or
 * is given) each lane's next frame, hands it out, and writes it as the net's next input. The rules
 * are in net.h, the arithmetic in shaders/sample.comp.
 */
struct sampler;

/** `spread` is the standard deviation of a drawn velocity around its mean, of 1; `steps`, `forced`
 * and `tokens` are those of engine.h. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int sampler_new(const struct form *form, float spread, uint32_t steps, struct buffer *forced,
                struct buffer *tokens, struct sampler **ret_sampler);
void sampler_free(struct sampler *sampler);

/** The buffers of STACK_INPUTS and STACK_LOGITS features; owned by the sampler. */
struct buffer *sampler_input(const struct sampler *sampler);
struct buffer *sampler_logits(const struct sampler *sampler);
/** The last frame of each lane, NET_FRAME_CELLS bytes, one lane behind the other. */
struct buffer *sampler_frames(const struct sampler *sampler);

/** Records the drawing of frame number `step` of a run, and a barrier behind it. */
void sampler_record(const struct sampler *sampler, struct batch *batch, uint32_t step);

#endif
