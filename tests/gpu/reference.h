// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_REFERENCE_H
#define FERMATA_TESTS_GPU_REFERENCE_H

#include <stdint.h>

#include "weights.h"

/** reference: the LSTM as plain C loops, one lane, sums in double: what kernels must agree with. */
struct reference {
    float x[256];
    float h1[512], c1[512], h2[512], c2[512];
    float logits[384];
};

/** The net's input for a frame of cells, as net.h and issue 2 describe it. */
void reference_encode(const uint8_t cells[128], float ret_x[256]);

/** One step from `state->x`. */
void reference_step(const struct weights *weights, uint32_t composer, struct reference *state);

#endif
