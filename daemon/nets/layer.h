// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_LAYER_H
#define FERMATA_NETS_LAYER_H

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct buffer;
struct form;
struct layer_kernels;
struct safetensors;

/**
 * layer: one layer of a net, its weights resident in device memory, bound to the buffers it reads
 * and writes.
 *
 * A layer NAME has the tensors NAME.weight [rows, columns] and NAME.bias [rows], and, where the
 * composer colours it, NAME.composer [composers, rows], which is added to the bias. Weights are
 * kept as bfloat16: those of a BF16 file exactly, those of an F32 file rounded to nearest even.
 * Those of an I8 matrix stay bytes in recurrent and dense layers, and are rounded to bfloat16 in
 * the others.
 *
 * A net whose state changes from step to step keeps it in two buffers and goes from one to the
 * other: even steps read [0] and write [1], odd steps the other way. Hence the pairs below; where
 * nothing alternates, both are the same buffer.
 */
struct layer;

struct layer_place {
    const struct form *form;
    const struct safetensors *file;
    uint32_t composers;
    struct layer_kernels *kernels;
};

/**
 * An LSTM layer: rows are the gates i, f, g, o of `units` units each; columns are `inputs` values
 * of `input[step & 1]`, then the `units` of `hidden[step & 1]`. Writes `hidden[~step & 1]` and
 * `cells`. Sizes are multiples of 128.
 * Returns 0, -EBADMSG (logged), -ENOMEM, -ENODEV or -EIO.
 */
int layer_new_recurrent(const struct layer_place *place, const char *name, uint32_t inputs,
                        uint32_t units, struct buffer *const input[2],
                        struct buffer *const hidden[2], struct buffer *cells,
                        struct layer **ret_layer);

enum layer_activation {
    LAYER_LINEAR,
    LAYER_RELU,
};

/** A dense layer from `input[step & 1]` to `output`. Sizes and errors as above. */
int layer_new_dense(const struct layer_place *place, const char *name, uint32_t inputs,
                    uint32_t rows, enum layer_activation activation, struct buffer *const input[2],
                    struct buffer *output, struct layer **ret_layer);

struct layer_convolution {
    uint32_t inputs; ///< features
    uint32_t units;
    uint32_t taps; ///< frames that are heard: the present one, that of `dilation` ago, ...
    uint32_t dilation;
    bool gated; ///< twice as many rows: filters, then gates; tanh(filter) sigmoid(gate). Else relu
};

/**
 * A causal dilated convolution from `input` to `output`: `inputs` columns of each tap, the oldest
 * tap first. What it heard before stays with the layer, as frames of `inputs` values: the next
 * power of two above (taps - 1) * dilation of them, and one (shaders/past.glsl); where in it each
 * lane is, in `places[step & 1]`, LAYER_PLACE features, of which it writes `places[~step & 1]`. All
 * convolutions of a net may share them. A lane whose place is zeroed has heard nothing. There are
 * as many units as inputs, or more. Sizes and errors as above.
 */
int layer_new_convolution(const struct layer_place *place, const char *name,
                          const struct layer_convolution *shape, struct buffer *input,
                          struct buffer *const places[2], struct buffer *output,
                          struct layer **ret_layer);

#define LAYER_PLACE 128

struct layer_branches {
    uint32_t inputs;
    uint32_t residual; ///< rows that are added to the one output
    uint32_t skips;    ///< rows that are added to the other
    bool first, last;  ///< the skips begin with it; are rectified behind it
};

/** A dense layer from `input` whose rows are added to two outputs. Sizes and errors as above. */
int layer_new_branches(const struct layer_place *place, const char *name,
                       const struct layer_branches *shape, struct buffer *input,
                       struct buffer *residual, struct buffer *skips, struct layer **ret_layer);

/** The past of a convolution, and its features; NULL of another layer. */
struct buffer *layer_past(const struct layer *layer, uint32_t *ret_features);

void layer_free(struct layer *layer);

/** Records the layer's work of step number `step`, and a barrier behind it. */
void layer_record(const struct layer *layer, struct batch *batch, uint32_t step);

#endif
