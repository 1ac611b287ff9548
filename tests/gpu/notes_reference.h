// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_NOTES_REFERENCE_H
#define FERMATA_TESTS_GPU_NOTES_REFERENCE_H

#include <stdint.h>

#include "notes_weights.h"

/**
 * notes_reference: the transformer as plain C loops in double, one lane: what kernels must agree
 * with. It remembers everything, and looks at no more than the windows.
 */
struct notes_reference;

struct notes_conditions {
    uint32_t composer, kind;
    int8_t control[NOTES_CONTROLS];
};

struct notes_reference *notes_reference_new(const struct notes_weights *weights);
void notes_reference_free(struct notes_reference *reference);

/** Hears the former note (or the start) under these conditions, and then `note`; its logits, 319
 * values, each field's given the former fields of `note`. */
void notes_reference_step(struct notes_reference *reference,
                          const struct notes_conditions *conditions, const uint8_t note[4],
                          double ret_logits[319]);

#endif
