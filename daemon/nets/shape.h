// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_SHAPE_H
#define FERMATA_NETS_SHAPE_H

#include <stdint.h>

struct safetensors;

#define SHAPE_MOST_LAYERS 16

/** shape: the sizes of a transformer, out of its file's metadata and tensors. */
struct shape {
    uint32_t width;
    uint32_t heads;  ///< of 64 features: width / 64
    uint32_t hidden; ///< of the perceptrons
    uint32_t layers;
    uint32_t windows[SHAPE_MOST_LAYERS]; ///< notes that each layer hears; powers of two
    /** Of the 32 rotated pairs of a head, in 2^-32 turns: even ones for each note, odd ones for
     * each tick. */
    uint32_t frequencies[32];
};

/** Returns 0 or -EBADMSG: something is missing, or of a size that the kernels do not have (logged
 * with what it is). */
int shape_init(struct shape *shape, const struct safetensors *file);

#endif
