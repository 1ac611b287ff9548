// SPDX-License-Identifier: MIT
#include "nets/matrix.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/form.h"
#include "nets/safetensors.h"

static uint32_t row_at(const struct matrix_order *order, uint32_t group, uint32_t r,
                       uint32_t invocation)
{
    uint32_t units = order->height / order->gates;
    return r / units * (order->rows / order->gates) + (group * units + r % units) * order->width +
           invocation;
}

static uint32_t bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) // NaN stays NaN
        return bits >> 16 | 0x40;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/** The tensor that has this row of the source, and which of its own it is; NULL beyond the last. */
static const struct safetensors_tensor *find_row(const struct matrix_source *source, uint64_t *row)
{
    for (uint32_t i = 0; i < source->count; i++) {
        if (*row < source->tensors[i]->shape[0])
            return source->tensors[i];
        *row -= source->tensors[i]->shape[0];
    }
    return NULL;
}

uint32_t *matrix_pack(const struct matrix_order *order, const struct matrix_source *source,
                      uint32_t *ret_texels)
{
    uint32_t *out = ret_texels;
    uint32_t groups = order->rows / (order->width * order->height);
    for (uint32_t group = 0; group < groups; group++)
        for (uint32_t block = 0; block < order->columns / MATRIX_BLOCK; block++)
            for (uint32_t r = 0; r < order->height; r++)
                for (uint32_t i = 0; i < order->width; i++) {
                    uint64_t row = row_at(order, group, r, i);
                    const struct safetensors_tensor *tensor = find_row(source, &row);
                    uint64_t low = row * order->columns + (uint64_t)block * MATRIX_BLOCK;
                    uint64_t high = low + MATRIX_BLOCK / 2;
                    for (uint32_t c = 0; c < MATRIX_BLOCK / 2; c++)
                        *out++ = !tensor ? 0
                                         : bfloat16(safetensors_float(tensor, low + c)) |
                                               bfloat16(safetensors_float(tensor, high + c)) << 16;
                }
    return out;
}

void matrix_pack_bytes(const struct matrix_order *order, const struct matrix_source *source,
                       uint32_t *ret_texels)
{
    uint32_t *out = ret_texels;
    uint32_t groups = order->rows / (order->width * order->height);
    for (uint32_t group = 0; group < groups; group++)
        for (uint32_t block = 0; block < order->columns / MATRIX_BYTES_BLOCK; block++)
            for (uint32_t r = 0; r < order->height; r++)
                for (uint32_t i = 0; i < order->width; i++) {
                    uint64_t row = row_at(order, group, r, i);
                    const struct safetensors_tensor *tensor = find_row(source, &row);
                    uint64_t at = row * order->columns + (uint64_t)block * MATRIX_BYTES_BLOCK;
                    for (uint32_t c = 0; c < 4; c++) {
                        uint32_t word = 0;
                        for (uint32_t part = 0; part < 4; part++)
                            word |= (uint32_t)(safetensors_integer(tensor, at + 4 * part + c) + 128)
                                    << 8 * part;
                        *out++ = word;
                    }
                }
    for (uint32_t i = 0; i < order->rows; i++) {
        uint64_t row = i;
        const struct safetensors_tensor *tensor = find_row(source, &row);
        float scale = safetensors_float(tensor->scale, row);
        memcpy(out++, &scale, sizeof scale);
    }
}

size_t matrix_size(const struct matrix_order *order, bool bytes)
{
    return bytes ? (size_t)order->rows * (order->columns + sizeof(float))
                 : (size_t)order->rows * order->columns * 2;
}

int matrix_upload(const struct form *form, const uint32_t *texels, size_t size,
                  struct buffer **ret_buffer)
{
    struct buffer *buffer = NULL;
    int r = buffer_new(form->device, size, BUFFER_DEVICE,
                       form->texel ? BUFFER_RGBA32UI : BUFFER_NO_TEXEL, &buffer);
    if (r == 0)
        r = buffer_write(buffer, 0, texels, size);
    if (r < 0) {
        buffer_free(buffer);
        return r;
    }
    *ret_buffer = buffer;
    return 0;
}

int matrix_init(struct matrix *matrix, const struct form *form, struct kernel *kernel,
                const struct matrix_source *source, struct buffer *input, struct buffer *output)
{
    struct matrix_order order = {
        .columns = (uint32_t)source->tensors[0]->shape[1],
        .height = form->rows,
        .gates = 1,
    };
    for (uint32_t i = 0; i < source->count; i++)
        order.rows += (uint32_t)source->tensors[i]->shape[0];
    order.width = form->texel ? form->width : order.rows;
    assert(order.rows && order.rows % 128 == 0 && order.columns && order.columns % 256 == 0);

    memset(matrix, 0, sizeof *matrix);
    bool bytes = source->tensors[0]->type == SAFETENSORS_I8;
    size_t size = matrix_size(&order, bytes);
    uint32_t *texels = malloc(size);
    if (!texels)
        return -ENOMEM;
    if (bytes)
        matrix_pack_bytes(&order, source, texels);
    else
        matrix_pack(&order, source, texels);
    int r = matrix_upload(form, texels, size, &matrix->weights);
    free(texels);
    if (r == 0)
        r = binding_new(kernel,
                        (struct buffer *[]){matrix->weights, input, output, form->lane_words},
                        &matrix->binding);
    if (r < 0) {
        matrix_finish(matrix);
        return r;
    }
    matrix->push[0] = order.columns / (bytes ? MATRIX_BYTES_BLOCK : MATRIX_BLOCK);
    matrix->push[1] = order.rows;
    matrix->groups[0] = form->texel
                            ? form->lanes / form->tile
                            : (order.rows + FORM_PLAIN_LOCAL_SIZE - 1) / FORM_PLAIN_LOCAL_SIZE;
    matrix->groups[1] = form->texel ? order.rows / (form->width * form->rows) : form->lanes;
    return 0;
}

void matrix_finish(struct matrix *matrix)
{
    binding_free(matrix->binding);
    buffer_free(matrix->weights);
    memset(matrix, 0, sizeof *matrix);
}

void matrix_record(const struct matrix *matrix, struct batch *batch)
{
    batch_dispatch(batch, matrix->binding, matrix->push, sizeof matrix->push, matrix->groups[0],
                   matrix->groups[1]);
    batch_barrier(batch);
}
