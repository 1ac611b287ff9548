// SPDX-License-Identifier: MIT
#include "nets/layer.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/layer_kernels.h"
#include "nets/matrix.h"
#include "nets/safetensors.h"

#define GATES 4

struct layer {
    struct kernel *kernel; ///< the place's
    bool tables;           ///< each composer has biases of its own
    bool bytes;            ///< weights are kept as bytes
    struct buffer *weights;
    struct buffer *biases;
    struct buffer *past; ///< of convolutions
    struct binding *bindings[2];
    uint32_t push[6];
    uint32_t groups[2]; ///< the dispatch's grid
};

static int upload_weights(struct layer *layer, const struct layer_place *place,
                          const struct matrix_order *order, const struct safetensors_tensor *tensor)
{
    struct matrix_source source = {{tensor}, 1};
    size_t size = matrix_size(order, layer->bytes);
    uint32_t *texels = malloc(size);
    if (!texels)
        return -ENOMEM;
    if (layer->bytes)
        matrix_pack_bytes(order, &source, texels);
    else
        matrix_pack(order, &source, texels);
    int r = matrix_upload(place->form, texels, size, &layer->weights);
    free(texels);
    return r;
}

/** Uploads bias + composer, of each composer where the layer has them; recurrent layers unit by
 * unit with the four gates together, the others row by row. */
static int upload_biases(struct layer *layer, const struct layer_place *place,
                         const struct matrix_order *order, const struct safetensors_tensor *bias,
                         const struct safetensors_tensor *composer)
{
    const struct form *form = place->form;
    uint32_t tables = composer ? place->composers : 1;
    uint32_t gates = order->gates == GATES ? GATES : 1;
    uint32_t units = order->rows / gates;
    size_t size = (size_t)tables * order->rows * sizeof(float);
    float *values = malloc(size), *out = values;
    if (!values)
        return -ENOMEM;
    for (uint32_t table = 0; table < tables; table++)
        for (uint32_t unit = 0; unit < units; unit++)
            for (uint32_t gate = 0; gate < gates; gate++) {
                uint32_t row = gate * units + unit;
                float value = safetensors_float(bias, row);
                if (composer)
                    value += safetensors_float(composer, (uint64_t)table * order->rows + row);
                *out++ = value;
            }
    enum buffer_texel texel = gates > 1 ? BUFFER_RGBA32F : BUFFER_R32F;
    int r = buffer_new(form->device, size, BUFFER_DEVICE, form->texel ? texel : BUFFER_NO_TEXEL,
                       &layer->biases);
    if (r == 0)
        r = buffer_write(layer->biases, 0, values, size);
    free(values);
    return r;
}

/** Finds the layer's tensors, checks their shapes and uploads them. */
static int upload(struct layer *layer, const struct layer_place *place, const char *name,
                  const struct matrix_order *order)
{
    const struct safetensors_tensor *weight, *bias, *composer = NULL;
    char tensor[64];
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    int r = safetensors_matrix(place->file, tensor, order->rows, order->columns, &weight);
    if (r < 0)
        return r;
    snprintf(tensor, sizeof tensor, "%s.bias", name);
    r = safetensors_matrix(place->file, tensor, order->rows, 0, &bias);
    if (r < 0)
        return r;
    snprintf(tensor, sizeof tensor, "%s.composer", name);
    if (safetensors_find(place->file, tensor)) {
        r = safetensors_matrix(place->file, tensor, place->composers, order->rows, &composer);
        if (r < 0)
            return r;
    }
    layer->tables = composer != NULL;
    r = upload_weights(layer, place, order, weight);
    if (r == 0)
        r = upload_biases(layer, place, order, bias, composer);
    return r;
}

/** The kernel for this layer's weights; where it has none for bytes, they become bfloat16. */
static enum layer_kernel in_bytes(const struct layer_place *place, const char *name,
                                  enum layer_kernel which)
{
    char tensor[64];
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    const struct safetensors_tensor *weight = safetensors_find(place->file, tensor);
    if (!weight || weight->type != SAFETENSORS_I8)
        return which;
    return which == LAYER_RECURRENT ? LAYER_RECURRENT_BYTES
           : which == LAYER_DENSE   ? LAYER_DENSE_BYTES
                                    : which;
}

/** Columns in a texel. */
static uint32_t block_of(const struct layer *layer)
{
    return layer->bytes ? MATRIX_BYTES_BLOCK : MATRIX_BLOCK;
}

/** A layer with its weights and grid, not yet bound. */
static int new_layer(const struct layer_place *place, const char *name, enum layer_kernel which,
                     const struct matrix_order *order, struct layer **ret_layer)
{
    const struct form *form = place->form;
    struct layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return -ENOMEM;
    which = in_bytes(place, name, which);
    layer->bytes = which == LAYER_RECURRENT_BYTES || which == LAYER_DENSE_BYTES;
    int r = layer_kernels_get(place->kernels, form, which, &layer->kernel);
    if (r == 0)
        r = upload(layer, place, name, order);
    if (r < 0) {
        layer_free(layer);
        return r;
    }
    uint32_t units = order->rows / order->gates; // an invocation of the plain form has one
    layer->groups[0] = form->texel ? form->lanes / form->tile
                                   : (units + FORM_PLAIN_LOCAL_SIZE - 1) / FORM_PLAIN_LOCAL_SIZE;
    layer->groups[1] = form->texel ? order->rows / (order->width * order->height) : form->lanes;
    *ret_layer = layer;
    return 0;
}

/** Of a layer whose invocations have `units` rows of each gate. */
static struct matrix_order order_of(const struct form *form, uint32_t rows, uint32_t columns,
                                    uint32_t gates, uint32_t units)
{
    return (struct matrix_order){
        .rows = rows,
        .columns = columns,
        .height = gates * units,
        .width = form->texel ? form->width : rows / gates,
        .gates = gates,
    };
}

/** Hands `layer` out, or frees it if something went wrong with it. */
static int finish(struct layer *layer, int r, struct layer **ret_layer)
{
    if (r < 0)
        layer_free(layer);
    else
        *ret_layer = layer;
    return r;
}

int layer_new_recurrent(const struct layer_place *place, const char *name, uint32_t inputs,
                        uint32_t units, struct buffer *const input[2],
                        struct buffer *const hidden[2], struct buffer *cells,
                        struct layer **ret_layer)
{
    uint32_t rows = place->form->rows, together = rows < GATES ? 1 : rows / GATES;
    struct matrix_order order =
        order_of(place->form, GATES * units, inputs + units, GATES, together);
    struct layer *layer = NULL;
    int r = new_layer(place, name, LAYER_RECURRENT, &order, &layer);
    if (r < 0)
        return r;
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(layer->kernel,
                        (struct buffer *[]){layer->weights, layer->biases, input[parity],
                                            hidden[parity], hidden[!parity], cells,
                                            place->form->lane_words},
                        &layer->bindings[parity]);
    layer->push[0] = inputs / block_of(layer);
    layer->push[1] = units / block_of(layer);
    layer->push[2] = layer->tables ? units : 0;
    layer->push[3] = units;
    return finish(layer, r, ret_layer);
}

/** A dense layer's push constants, to which others may add. */
static void push_dense(struct layer *layer, const struct matrix_order *order, bool rectified)
{
    float lowest = rectified ? 0.0f : -FLT_MAX;
    layer->push[0] = order->columns / block_of(layer);
    layer->push[1] = layer->tables ? order->rows : 0;
    memcpy(&layer->push[2], &lowest, sizeof lowest);
    layer->push[3] = order->rows;
}

int layer_new_dense(const struct layer_place *place, const char *name, uint32_t inputs,
                    uint32_t rows, enum layer_activation activation, struct buffer *const input[2],
                    struct buffer *output, struct layer **ret_layer)
{
    const struct form *form = place->form;
    struct matrix_order order = order_of(form, rows, inputs, 1, form->rows);
    struct layer *layer = NULL;
    int r = new_layer(place, name, LAYER_DENSE, &order, &layer);
    if (r < 0)
        return r;
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(layer->kernel,
                        (struct buffer *[]){layer->weights, layer->biases, input[parity], output,
                                            form->lane_words},
                        &layer->bindings[parity]);
    push_dense(layer, &order, activation == LAYER_RELU);
    return finish(layer, r, ret_layer);
}

/** Frames in the ring of a convolution; see shaders/past.glsl. */
static uint32_t past_slots(const struct layer_convolution *shape)
{
    uint32_t slots = 1;
    while (slots <= (shape->taps - 1) * shape->dilation) // the present one needs another
        slots *= 2;
    return slots;
}

int layer_new_convolution(const struct layer_place *place, const char *name,
                          const struct layer_convolution *shape, struct buffer *input,
                          struct buffer *const places[2], struct buffer *output,
                          struct layer **ret_layer)
{
    const struct form *form = place->form;
    uint32_t gates = shape->gated ? 2 : 1;
    uint32_t units = form->rows > gates ? form->rows / gates : 1;
    struct matrix_order order =
        order_of(form, gates * shape->units, shape->taps * shape->inputs, gates, units);
    struct layer *layer = NULL;
    assert(shape->taps >= 2 && shape->units >= shape->inputs);
    int r = new_layer(place, name, shape->gated ? LAYER_GATE : LAYER_CONVOLVE, &order, &layer);
    if (r < 0)
        return r;
    // Behind the ring a frame that is always silent.
    r = form_new_activation(form, (past_slots(shape) + 1) * shape->inputs, &layer->past);
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(layer->kernel,
                        (struct buffer *[]){layer->weights, layer->biases, input, layer->past,
                                            layer->past, places[parity], places[!parity], output,
                                            form->lane_words},
                        &layer->bindings[parity]);
    layer->push[0] = shape->inputs / MATRIX_BLOCK;
    layer->push[1] = layer->tables ? order.rows : 0;
    layer->push[2] = shape->units;
    layer->push[3] = shape->taps;
    layer->push[4] = shape->dilation;
    layer->push[5] = past_slots(shape);
    return finish(layer, r, ret_layer);
}

int layer_new_branches(const struct layer_place *place, const char *name,
                       const struct layer_branches *shape, struct buffer *input,
                       struct buffer *residual, struct buffer *skips, struct layer **ret_layer)
{
    const struct form *form = place->form;
    struct matrix_order order =
        order_of(form, shape->residual + shape->skips, shape->inputs, 1, form->rows);
    struct layer *layer = NULL;
    int r = new_layer(place, name, LAYER_BRANCH, &order, &layer);
    if (r < 0)
        return r;
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(layer->kernel,
                        (struct buffer *[]){layer->weights, layer->biases, input, residual, skips,
                                            form->lane_words},
                        &layer->bindings[parity]);
    push_dense(layer, &order, shape->last);
    layer->push[4] = shape->residual;
    layer->push[5] = shape->first;
    return finish(layer, r, ret_layer);
}

void layer_free(struct layer *layer)
{
    if (!layer)
        return;
    for (int parity = 0; parity < 2; parity++)
        binding_free(layer->bindings[parity]);
    buffer_free(layer->weights);
    buffer_free(layer->biases);
    buffer_free(layer->past);
    free(layer);
}

struct buffer *layer_past(const struct layer *layer, uint32_t *ret_features)
{
    *ret_features = layer->past ? (layer->push[5] + 1) * layer->push[0] * MATRIX_BLOCK : 0;
    return layer->past;
}

void layer_record(const struct layer *layer, struct batch *batch, uint32_t step)
{
    batch_dispatch(batch, layer->bindings[step & 1], layer->push, sizeof layer->push,
                   layer->groups[0], layer->groups[1]);
    batch_barrier(batch);
}
