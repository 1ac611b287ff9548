// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_DRAWS_H
#define FERMATA_TESTS_GPU_DRAWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * draws: numbers that are random enough for a test, and the same on every machine: the linear
 * congruential generator of Knuth and Lewis (Numerical Recipes, 2nd edition, section 7.1). `seed`
 * moves on with each.
 */

/** 0 to `count` - 1. */
uint32_t draws_below(uint32_t *seed, uint32_t count);

/** Uniform in -`scale` to `scale`; values that bfloat16 has where `cut`. */
void draws_fill(uint32_t *seed, float scale, bool cut, float *ret_values, size_t count);

#endif
