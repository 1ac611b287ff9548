// SPDX-License-Identifier: MIT
#include "nets/block.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/engine.h"
#include "nets/form.h"
#include "nets/matrix.h"
#include "nets/safetensors.h"
#include "nets/shape.h"
#include "log.h"

#define HEAD 64
#define FREQUENCIES 32
#define MOST_WIDTH 64 // invocations of a subgroup
/** Texels of a key, and of a value. */
#define SLOT_TEXELS 8
/** exp() of no score may overflow; see shaders/attend_texel.comp. */
#define LARGEST_SCORE 80.0f

struct block {
    const struct form *form;
    struct matrix qkv, proj, up, down;
    struct buffer *ring;
    struct buffer *heads; ///< frequencies, then gain and sink of each head
    struct binding *attend;
    uint32_t push[3]; ///< heads, window, ring
};

/** Whole blocks of four slots an invocation. */
static uint32_t ring_slots(uint32_t window, uint32_t width)
{
    uint32_t block = 4 * width;
    return (window + block - 1) / block * block;
}

uint64_t block_ring_texels(uint32_t heads, uint32_t window)
{
    return (uint64_t)heads * 2 * ring_slots(window, MOST_WIDTH) * SLOT_TEXELS;
}

static int load(struct matrix *matrix, const struct block_place *place, uint32_t index,
                const char *part, uint32_t rows, uint32_t columns, struct kernel *kernel,
                struct buffer *input, struct buffer *output)
{
    char name[32];
    struct matrix_source source = {.count = 1};
    snprintf(name, sizeof name, "layer%u.%s", index, part);
    int r =
        shape_matrix(place->shape, place->engine->file, name, rows, columns, &source.tensors[0]);
    if (r < 0)
        return r;
    return matrix_init(matrix, place->engine->form, kernel, &source, input, output);
}

static int load_matrices(struct block *block, const struct block_place *place, uint32_t index)
{
    uint32_t width = place->shape->width, hidden = place->shape->hidden;
    int r = load(&block->qkv, place, index, "qkv", 3 * width, width, place->normed, place->x,
                 place->qkv);
    if (r == 0)
        r = load(&block->proj, place, index, "proj", width, width, place->added, place->mixed,
                 place->x);
    if (r == 0)
        r = load(&block->up, place, index, "up", hidden, width, place->squared, place->x,
                 place->hidden);
    if (r == 0)
        r = load(&block->down, place, index, "down", width, hidden, place->few, place->hidden,
                 place->x);
    return r;
}

static int load_heads(struct block *block, const struct block_place *place, uint32_t index)
{
    static const char *const parts[2] = {"gain", "sink"};
    static const float limits[2] = {LARGEST_SCORE / HEAD, LARGEST_SCORE};
    size_t size = (FREQUENCIES + 2 * (size_t)place->shape->heads + 3) / 4 * 16;
    uint32_t *words = calloc(1, size);
    if (!words)
        return -ENOMEM;
    memcpy(words, place->shape->frequencies, sizeof place->shape->frequencies);
    int r = 0;
    for (int part = 0; part < 2 && r == 0; part++) {
        const struct safetensors_tensor *tensor;
        char name[32];
        snprintf(name, sizeof name, "layer%u.%s", index, parts[part]);
        r = safetensors_matrix(place->engine->file, name, place->shape->heads, 0, &tensor);
        for (uint32_t head = 0; head < place->shape->heads && r == 0; head++) {
            float value = safetensors_float(tensor, head);
            memcpy(&words[FREQUENCIES + 2 * head + (uint32_t)part], &value, sizeof value);
            if (fabsf(value) > limits[part]) {
                log_error("%s: broken weights file: \"%s\" holds %g, more than %g (fetch it again)",
                          safetensors_path(place->engine->file), name, (double)value,
                          (double)limits[part]);
                r = -EBADMSG;
            }
        }
    }
    if (r == 0)
        r = buffer_new(block->form->device, size, BUFFER_DEVICE, BUFFER_NO_TEXEL, &block->heads);
    if (r == 0)
        r = buffer_write(block->heads, 0, words, size);
    free(words);
    return r;
}

static int build(struct block *block, const struct block_place *place, uint32_t index)
{
    uint32_t window = place->shape->windows[index];
    const struct form *form = block->form;
    block->push[0] = place->shape->heads;
    block->push[1] = window;
    block->push[2] = ring_slots(window, form->width);
    size_t size = (size_t)form->lanes * place->shape->heads * 2 * block->push[2] * SLOT_TEXELS * 16;
    int r = load_matrices(block, place, index);
    if (r == 0)
        r = load_heads(block, place, index);
    if (r == 0)
        r = buffer_new(form->device, size, BUFFER_DEVICE,
                       form->texel ? BUFFER_RGBA32UI : BUFFER_NO_TEXEL, &block->ring);
    if (r == 0)
        r = binding_new(place->attend,
                        (struct buffer *[]){place->qkv, block->ring, block->ring, form->lane_words,
                                            place->places, block->heads, place->mixed},
                        &block->attend);
    return r;
}

int block_new(const struct block_place *place, uint32_t index, struct block **ret_block)
{
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        return -ENOMEM;
    block->form = place->engine->form;
    int r = build(block, place, index);
    if (r < 0) {
        block_free(block);
        return r;
    }
    *ret_block = block;
    return 0;
}

void block_free(struct block *block)
{
    if (!block)
        return;
    binding_free(block->attend);
    matrix_finish(&block->qkv);
    matrix_finish(&block->proj);
    matrix_finish(&block->up);
    matrix_finish(&block->down);
    buffer_free(block->ring);
    buffer_free(block->heads);
    free(block);
}

struct buffer *block_ring(const struct block *block, uint32_t *ret_words)
{
    *ret_words = block->push[0] * 2 * block->push[2] * SLOT_TEXELS * 4;
    return block->ring;
}

void block_record(const struct block *block, struct batch *batch)
{
    matrix_record(&block->qkv, batch);
    batch_dispatch(batch, block->attend, block->push, sizeof block->push, block->push[0],
                   block->form->lanes);
    batch_barrier(batch);
    matrix_record(&block->proj, batch);
    matrix_record(&block->up, batch);
    matrix_record(&block->down, batch);
}
