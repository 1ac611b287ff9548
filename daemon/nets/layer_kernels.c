// SPDX-License-Identifier: MIT
#include "nets/layer_kernels.h"

#include <stdbool.h>
#include <string.h>

#include "compute/device.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/programs.h"

#define IMAGE_TILE 8

int layer_kernels_get(struct layer_kernels *kernels, const struct form *form,
                      enum layer_kernel which, struct kernel **ret_kernel)
{
    const uint32_t gated = form->rows > 1 ? form->rows / 2 : 1;
    // Where much is computed with each texel of weights, a CPU driver (lavapipe) is faster with
    // image loads, which it inlines; elsewhere with texel fetches.
    const bool images = form->tile >= IMAGE_TILE && device_info(form->device)->kind == DEVICE_CPU;
    const struct program *recurrent = images ? &program_recurrent_image : &program_recurrent_texel;
    const char *buffers = images ? "itttsss" : "ttttsss";
    const struct form_kernel all[LAYER_KERNELS] = {
        [LAYER_RECURRENT] = {recurrent, &program_recurrent_plain, buffers, {0}, 0},
        [LAYER_RECURRENT_BYTES] = {recurrent, &program_recurrent_plain, buffers, {1}, 1},
        [LAYER_DENSE] = {&program_dense_texel, &program_dense_plain, "tttss", {0}, 0},
        [LAYER_DENSE_BYTES] = {&program_dense_texel, &program_dense_plain, "tttss", {1}, 1},
        // gates, units of an invocation
        [LAYER_CONVOLVE] =
            {&program_convolve_texel, &program_convolve_plain, "ttttsssss", {1, form->rows}, 2},
        [LAYER_GATE] =
            {&program_convolve_texel, &program_convolve_plain, "ttttsssss", {2, gated}, 2},
        [LAYER_BRANCH] = {&program_branch_texel, &program_branch_plain, "tttsss", {0}, 0},
    };
    int r =
        kernels->kernels[which] ? 0 : form_new_kernel(form, &all[which], &kernels->kernels[which]);
    if (r == 0)
        *ret_kernel = kernels->kernels[which];
    return r;
}

void layer_kernels_finish(struct layer_kernels *kernels)
{
    for (int i = 0; i < LAYER_KERNELS; i++)
        kernel_free(kernels->kernels[i]);
    memset(kernels, 0, sizeof *kernels);
}
