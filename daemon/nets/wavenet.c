// SPDX-License-Identifier: MIT
#include "nets/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "compute/buffer.h"
#include "nets/form.h"
#include "nets/layer.h"

#define CHANNELS 128
#define SKIPS 256
#define TAPS 5
#define BLOCKS 5
/** Front, a convolution and its branches for each block, two dense layers. */
#define LAYERS (1 + 2 * BLOCKS + 2)

/** See models/conv.py. */
static const uint32_t dilations[BLOCKS] = {2, 4, 8, 16, 16};

struct wavenet {
    struct stack stack;
    struct buffer *places[2];
    struct buffer *x;     ///< what the blocks add their residuals to
    struct buffer *u;     ///< behind a block's gate
    struct buffer *skips; ///< their sum
    struct buffer *y;
    struct layer *layers[LAYERS];
};

static void wavenet_free(struct stack *stack)
{
    struct wavenet *wave = (struct wavenet *)stack;
    if (!wave)
        return;
    for (int i = 0; i < LAYERS; i++)
        layer_free(wave->layers[i]);
    buffer_free(wave->places[0]);
    buffer_free(wave->places[1]);
    buffer_free(wave->x);
    buffer_free(wave->u);
    buffer_free(wave->skips);
    buffer_free(wave->y);
    free(wave);
}

static int make_buffers(struct wavenet *wave, const struct form *form)
{
    struct {
        uint32_t features;
        struct buffer **buffer;
    } all[] = {
        {LAYER_PLACE, &wave->places[0]},
        {LAYER_PLACE, &wave->places[1]},
        {CHANNELS, &wave->x},
        {CHANNELS, &wave->u},
        {SKIPS, &wave->skips},
        {SKIPS, &wave->y},
    };
    int r = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && r == 0; i++)
        r = form_new_activation(form, all[i].features, all[i].buffer);
    return r;
}

static int make_block(struct wavenet *wave, const struct layer_place *at, int index,
                      struct layer **to)
{
    const struct layer_convolution convolution = {
        .inputs = CHANNELS,
        .units = CHANNELS,
        .taps = TAPS,
        .dilation = dilations[index],
        .gated = true,
    };
    const struct layer_branches branches = {
        .inputs = CHANNELS,
        .residual = CHANNELS,
        .skips = SKIPS,
        .first = index == 0,
        .last = index == BLOCKS - 1,
    };
    char name[16];
    snprintf(name, sizeof name, "block%d", index);
    int r = layer_new_convolution(at, name, &convolution, wave->x, wave->places, wave->u, &to[0]);
    snprintf(name, sizeof name, "out%d", index);
    if (r == 0)
        r = layer_new_branches(at, name, &branches, wave->u, wave->x, wave->skips, &to[1]);
    return r;
}

static int make_layers(struct wavenet *wave, const struct layer_place *at, struct buffer *x,
                       struct buffer *logits)
{
    struct buffer *const input[2] = {x, x};
    struct buffer *const skips[2] = {wave->skips, wave->skips};
    struct buffer *const y[2] = {wave->y, wave->y};
    struct layer **to = wave->layers;
    int r =
        layer_new_dense(at, "front", STACK_INPUTS, CHANNELS, LAYER_LINEAR, input, wave->x, &to[0]);
    for (int i = 0; i < BLOCKS && r == 0; i++)
        r = make_block(wave, at, i, &to[1 + 2 * i]);
    if (r == 0)
        r = layer_new_dense(at, "dense1", SKIPS, SKIPS, LAYER_RELU, skips, wave->y,
                            &to[LAYERS - 2]);
    if (r == 0)
        r = layer_new_dense(at, "dense2", SKIPS, STACK_LOGITS, LAYER_LINEAR, y, logits,
                            &to[LAYERS - 1]);
    return r;
}

static int wavenet_new(const struct layer_place *place, struct buffer *input, struct buffer *logits,
                       struct stack **ret_stack)
{
    struct wavenet *wave = calloc(1, sizeof *wave);
    if (!wave)
        return -ENOMEM;
    int r = make_buffers(wave, place->form);
    if (r == 0)
        r = make_layers(wave, place, input, logits);
    if (r < 0) {
        wavenet_free(&wave->stack);
        return r;
    }
    wave->stack = (struct stack){
        .kind = &wavenet_kind,
        .states = {{"place", {wave->places[0], wave->places[1]}, LAYER_PLACE}},
        .state_count = 1,
        .layers = wave->layers,
        .layer_count = LAYERS,
    };
    *ret_stack = &wave->stack;
    return 0;
}

static void wavenet_record(const struct stack *stack, struct batch *batch, uint32_t step)
{
    const struct wavenet *wave = (const struct wavenet *)stack;
    for (int i = 0; i < LAYERS; i++)
        layer_record(wave->layers[i], batch, step);
}

const struct stack_kind wavenet_kind = {
    .largest_matrix = (uint64_t)2 * CHANNELS * TAPS * CHANNELS,
    .longest_past = (uint64_t)(128 + 1) * CHANNELS, // the last blocks'; see layer_new_convolution()
    .new = wavenet_new,
    .free = wavenet_free,
    .record = wavenet_record,
};
