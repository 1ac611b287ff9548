// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_SAMPLER_H
#define FERMATA_NETS_SAMPLER_H

#include <stdint.h>

struct batch;
struct buffer;
struct form;
struct net_lane;

/**
 * sampler: what stands between a stack's logits and its next input, on the device: it draws (or
 * is given) each lane's next frame, hands it out, and writes it as the net's next input. The rules
 * are in net.h, the arithmetic in shaders/sample.comp.
 */
struct sampler;

/** `spread` is the standard deviation of a drawn velocity around its mean, of 1; `steps` the
 * longest run. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int sampler_new(const struct form *form, float spread, uint32_t steps,
                struct sampler **ret_sampler);
void sampler_free(struct sampler *sampler);

/** The buffers of STACK_INPUTS and STACK_LOGITS features; owned by the sampler. */
struct buffer *sampler_input(const struct sampler *sampler);
struct buffer *sampler_logits(const struct sampler *sampler);

/** Records the drawing of frame number `step` of a run, and a barrier behind it. */
void sampler_record(const struct sampler *sampler, struct batch *batch, uint32_t step);

/**
 * Sets what the next run does. `lanes` has `count` entries; `clear[lane]` are LANE_CLEAR_STATE and
 * LANE_CLEAR_FRAME. Forced frames are read for the first `steps` steps.
 */
void sampler_set(struct sampler *sampler, const struct net_lane *lanes, const uint32_t *clear,
                 uint32_t count, uint32_t steps);

/** Reads the first `steps` frames of each of the first `count` lanes:
 * [count][steps][NET_FRAME_CELLS]. */
void sampler_get(const struct sampler *sampler, uint32_t count, uint32_t steps,
                 uint8_t *ret_frames);

#endif
