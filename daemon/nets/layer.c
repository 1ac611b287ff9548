// SPDX-License-Identifier: MIT
#include "nets/layer.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/matrix.h"
#include "nets/safetensors.h"

#define GATES 4

struct layer {
    struct buffer *weights;
    struct buffer *biases;
    struct binding *bindings[2];
    uint32_t push[4];
    uint32_t groups[2]; ///< the dispatch's grid
};

static int upload_weights(struct layer *layer, const struct layer_place *place,
                          const struct matrix_order *order, const struct safetensors_tensor *tensor)
{
    struct matrix_source source = {{tensor}, 1};
    size_t size = (size_t)order->rows * order->columns * 2;
    uint32_t *texels = malloc(size);
    if (!texels)
        return -ENOMEM;
    matrix_pack(order, &source, texels);
    int r = matrix_upload(place->form, texels, size, &layer->weights);
    free(texels);
    return r;
}

/** Uploads bias + composer, of each composer where the layer has them; dense layers row by row,
 * recurrent ones unit by unit with the four gates together. */
static int upload_biases(struct layer *layer, const struct layer_place *place,
                         const struct matrix_order *order, const struct safetensors_tensor *bias,
                         const struct safetensors_tensor *composer)
{
    const struct form *form = place->form;
    uint32_t tables = composer ? place->composers : 1;
    uint32_t units = order->rows / order->gates;
    size_t size = (size_t)tables * order->rows * sizeof(float);
    float *values = malloc(size), *out = values;
    if (!values)
        return -ENOMEM;
    for (uint32_t table = 0; table < tables; table++)
        for (uint32_t unit = 0; unit < units; unit++)
            for (uint32_t gate = 0; gate < order->gates; gate++) {
                uint32_t row = gate * units + unit;
                float value = safetensors_float(bias, row);
                if (composer)
                    value += safetensors_float(composer, (uint64_t)table * order->rows + row);
                *out++ = value;
            }
    enum buffer_texel texel = order->gates > 1 ? BUFFER_RGBA32F : BUFFER_R32F;
    int r = buffer_new(form->device, size, BUFFER_DEVICE, form->texel ? texel : BUFFER_NO_TEXEL,
                       &layer->biases);
    if (r == 0)
        r = buffer_write(layer->biases, 0, values, size);
    free(values);
    return r;
}

/** Finds the layer's tensors, checks their shapes and uploads them. */
static int upload(struct layer *layer, const struct layer_place *place, const char *name,
                  const struct matrix_order *order, uint32_t *ret_bias_stride)
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
    *ret_bias_stride = composer ? order->rows / order->gates : 0;
    r = upload_weights(layer, place, order, weight);
    if (r == 0)
        r = upload_biases(layer, place, order, bias, composer);
    return r;
}

int layer_new_recurrent(const struct layer_place *place, const char *name, uint32_t inputs,
                        uint32_t units, struct buffer *const input[2],
                        struct buffer *const hidden[2], struct buffer *cells,
                        struct layer **ret_layer)
{
    const struct form *form = place->form;
    struct layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return -ENOMEM;
    struct matrix_order order = {
        .rows = GATES * units,
        .columns = inputs + units,
        .height = GATES,
        .width = form->texel ? form->width : units,
        .gates = GATES,
    };
    uint32_t stride = 0;
    int r = upload(layer, place, name, &order, &stride);
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(place->recurrent,
                        (struct buffer *[]){layer->weights, layer->biases, input[parity],
                                            hidden[parity], hidden[!parity], cells,
                                            form->lane_words},
                        &layer->bindings[parity]);
    if (r < 0) {
        layer_free(layer);
        return r;
    }
    layer->push[0] = inputs / MATRIX_BLOCK;
    layer->push[1] = units / MATRIX_BLOCK;
    layer->push[2] = stride;
    layer->push[3] = units;
    layer->groups[0] = form->texel ? form->lanes / form->tile
                                   : (units + FORM_PLAIN_LOCAL_SIZE - 1) / FORM_PLAIN_LOCAL_SIZE;
    layer->groups[1] = form->texel ? units / form->width : form->lanes;
    *ret_layer = layer;
    return 0;
}

int layer_new_dense(const struct layer_place *place, const char *name, uint32_t inputs,
                    uint32_t rows, enum layer_activation activation, struct buffer *const input[2],
                    struct buffer *output, struct layer **ret_layer)
{
    const struct form *form = place->form;
    struct layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return -ENOMEM;
    struct matrix_order order = {
        .rows = rows,
        .columns = inputs,
        .height = form->rows,
        .width = form->texel ? form->width : rows,
        .gates = 1,
    };
    uint32_t stride = 0;
    int r = upload(layer, place, name, &order, &stride);
    for (int parity = 0; parity < 2 && r == 0; parity++)
        r = binding_new(place->dense,
                        (struct buffer *[]){layer->weights, layer->biases, input[parity], output,
                                            form->lane_words},
                        &layer->bindings[parity]);
    if (r < 0) {
        layer_free(layer);
        return r;
    }
    float lowest = activation == LAYER_RELU ? 0.0f : -FLT_MAX;
    layer->push[0] = inputs / MATRIX_BLOCK;
    layer->push[1] = stride;
    memcpy(&layer->push[2], &lowest, sizeof lowest);
    layer->push[3] = rows;
    layer->groups[0] = form->texel ? form->lanes / form->tile
                                   : (rows + FORM_PLAIN_LOCAL_SIZE - 1) / FORM_PLAIN_LOCAL_SIZE;
    layer->groups[1] = form->texel ? rows / (form->width * form->rows) : form->lanes;
    *ret_layer = layer;
    return 0;
}

void layer_free(struct layer *layer)
{
    if (!layer)
        return;
    for (int parity = 0; parity < 2; parity++)
        binding_free(layer->bindings[parity]);
    buffer_free(layer->weights);
    buffer_free(layer->biases);
    free(layer);
}

void layer_record(const struct layer *layer, struct batch *batch, uint32_t step)
{
    batch_dispatch(batch, layer->bindings[step & 1], layer->push, sizeof layer->push,
                   layer->groups[0], layer->groups[1]);
    batch_barrier(batch);
}
