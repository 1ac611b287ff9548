// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_WEIGHTS_H
#define FERMATA_TESTS_GPU_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * weights: an untrained LSTM in memory, made of a seed, and as the file that the daemon reads. Its
 * activations are not trivial, its onsets few, and it would love to play what no piano can: the
 * pitches outside 21..108 have the largest onset logits of all.
 */
struct weights {
    uint32_t composers;
    float *lstm1, *lstm1_bias, *lstm1_composer;    ///< [2048][768], [2048], [composers][2048]
    float *lstm2, *lstm2_bias;                     ///< [2048][1024], [2048]
    float *dense1, *dense1_bias, *dense1_composer; ///< [256][512], [256], [composers][256]
    float *dense2, *dense2_bias;                   ///< [256][256], [256]
    float *dense3, *dense3_bias;                   ///< [384][256], [384]
};

/** Matrices hold values that bfloat16 represents exactly. */
void weights_init(struct weights *weights, uint32_t seed, uint32_t composers);
void weights_finish(struct weights *weights);

/** Writes the file: matrices as BF16, or as F32. `broken` names a tensor to write with one row too
 * few in its shape, or one that is left out if it begins with '-'; NULL for a sound file. */
void weights_write(const struct weights *weights, const char *path, bool f32, const char *broken);

#endif
