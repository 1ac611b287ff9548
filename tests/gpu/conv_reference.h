// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_CONV_REFERENCE_H
#define FERMATA_TESTS_GPU_CONV_REFERENCE_H

#include <stdint.h>

#include "conv_weights.h"

#define CONV_MOST_STEPS 512

/** conv_reference: conv1d and wavenet as plain C loops over all that was ever heard, one lane, sums
 * in double: what kernels with their rings must agree with. */
struct conv_reference;

struct conv_reference *conv_reference_new(const struct conv_weights *weights);
void conv_reference_free(struct conv_reference *reference);

/** Forgets everything. */
void conv_reference_reset(struct conv_reference *reference);

/** One step from the input x; at most CONV_MOST_STEPS after a reset. */
void conv_reference_step(struct conv_reference *reference, uint32_t composer, const float x[256],
                         float ret_logits[384]);

#endif
