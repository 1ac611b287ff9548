// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_LAYER_KERNELS_H
#define FERMATA_NETS_LAYER_KERNELS_H

struct form;
struct kernel;

enum layer_kernel {
    LAYER_RECURRENT,
    LAYER_RECURRENT_BYTES, ///< with weights of one byte
    LAYER_DENSE,
    LAYER_DENSE_BYTES,
    LAYER_CONVOLVE, ///< and rectify
    LAYER_GATE,     ///< convolve, filter and gate
    LAYER_BRANCH,
    LAYER_KERNELS,
};

/** layer_kernels: what the layers of one net compute with; compiled for the first layer that wants
 * it. All zero when new. */
struct layer_kernels {
    struct kernel *kernels[LAYER_KERNELS];
};

/** The kernel stays with `kernels`. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int layer_kernels_get(struct layer_kernels *kernels, const struct form *form,
                      enum layer_kernel which, struct kernel **ret_kernel);

void layer_kernels_finish(struct layer_kernels *kernels);

#endif
