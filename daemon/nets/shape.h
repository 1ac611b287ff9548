// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_SHAPE_H
#define FERMATA_NETS_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

struct safetensors;
struct safetensors_tensor;

#define SHAPE_MOST_LAYERS 16

/** shape: the sizes of a transformer, out of its file's metadata and tensors. */
struct shape {
    uint32_t width;
    uint32_t heads;  ///< of 64 features: width / 64
    uint32_t hidden; ///< of the perceptrons
    uint32_t layers;
    uint32_t windows[SHAPE_MOST_LAYERS]; ///< notes that each layer hears; powers of two
    bool bytes;                          ///< the layers' matrices and the heads' hidden ones are I8
    /** Of the 32 rotated pairs of a head, in 2^-32 turns: even ones for each note, odd ones for
     * each tick. */
    uint32_t frequencies[32];
};

/** Returns 0 or -EBADMSG: something is missing, or of a size that the kernels do not have (logged
 * with what it is). */
int shape_init(struct shape *shape, const struct safetensors *file);

/** safetensors_matrix() of one of the matrices that `bytes` speaks of: of that type and no other.
 */
int shape_matrix(const struct shape *shape, const struct safetensors *file, const char *name,
                 uint64_t rows, uint64_t columns, const struct safetensors_tensor **ret_tensor);

#endif
