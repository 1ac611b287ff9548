// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_CONV_WEIGHTS_H
#define FERMATA_TESTS_GPU_CONV_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#define CONV_MOST_TENSORS 40

/** One layer's tensors: weight as bfloat16 has it, bias, and a table of the composers or NULL. */
struct conv_layer {
    char name[12];
    uint32_t rows, columns;
    float *weight, *bias, *composer;
};

/** conv_weights: an untrained conv1d or wavenet in memory, made of a seed, and as the file that the
 * daemon reads. What it heard longest ago counts as much as what it hears now. */
struct conv_weights {
    const char *net;
    uint32_t composers;
    struct conv_layer layers[CONV_MOST_TENSORS / 2];
    uint32_t count;
    float *values; ///< all of them
};

/** `net` is "conv1d" or "wavenet". */
void conv_weights_init(struct conv_weights *weights, const char *net, uint32_t seed,
                       uint32_t composers);
void conv_weights_finish(struct conv_weights *weights);

/** The layer called `name`. */
const struct conv_layer *conv_weights_layer(const struct conv_weights *weights, const char *name);

/** Writes the file. `broken` names a tensor to write with one row too few in its shape, or one that
 * is left out if it begins with '-'; NULL for a sound file. */
void conv_weights_write(const struct conv_weights *weights, const char *path, const char *broken);

#endif
