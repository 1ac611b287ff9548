// SPDX-License-Identifier: MIT
#include "nets/stack.h"

#include <errno.h>
#include <stdlib.h>

#include "compute/buffer.h"
#include "nets/form.h"
#include "nets/layer.h"

#define UNITS 256
#define CONVOLUTIONS 3
#define LAYERS (CONVOLUTIONS + 2)

/** See models/conv.py. */
static const struct layer_convolution convolutions[CONVOLUTIONS] = {
    {STACK_INPUTS, UNITS, 8, 1, false},
    {UNITS, UNITS, 8, 8, false},
    {UNITS, UNITS, 3, 64, false},
};

struct conv1d {
    struct stack stack;
    struct buffer *places[2];
    struct buffer *y[2]; ///< what layers hand on, by turns
    struct layer *layers[LAYERS];
};

static void conv1d_free(struct stack *stack)
{
    struct conv1d *conv = (struct conv1d *)stack;
    if (!conv)
        return;
    for (int i = 0; i < LAYERS; i++)
        layer_free(conv->layers[i]);
    for (int i = 0; i < 2; i++) {
        buffer_free(conv->places[i]);
        buffer_free(conv->y[i]);
    }
    free(conv);
}

static int make_layers(struct conv1d *conv, const struct layer_place *at, struct buffer *x,
                       struct buffer *logits)
{
    static const char *const names[CONVOLUTIONS] = {"conv1", "conv2", "conv3"};
    struct buffer *const y0[2] = {conv->y[0], conv->y[0]};
    struct buffer *const y1[2] = {conv->y[1], conv->y[1]};
    int r = 0;
    for (int i = 0; i < CONVOLUTIONS && r == 0; i++)
        r = layer_new_convolution(at, names[i], &convolutions[i], i ? conv->y[(i - 1) % 2] : x,
                                  conv->places, conv->y[i % 2], &conv->layers[i]);
    if (r == 0)
        r = layer_new_dense(at, "dense1", UNITS, UNITS, LAYER_RELU, y0, conv->y[1],
                            &conv->layers[CONVOLUTIONS]);
    if (r == 0)
        r = layer_new_dense(at, "dense2", UNITS, STACK_LOGITS, LAYER_LINEAR, y1, logits,
                            &conv->layers[CONVOLUTIONS + 1]);
    return r;
}

static int conv1d_new(const struct layer_place *place, struct buffer *input, struct buffer *logits,
                      struct stack **ret_stack)
{
    struct conv1d *conv = calloc(1, sizeof *conv);
    if (!conv)
        return -ENOMEM;
    int r = 0;
    for (int i = 0; i < 2 && r == 0; i++) {
        r = form_new_activation(place->form, LAYER_PLACE, &conv->places[i]);
        if (r == 0)
            r = form_new_activation(place->form, UNITS, &conv->y[i]);
    }
    if (r == 0)
        r = make_layers(conv, place, input, logits);
    if (r < 0) {
        conv1d_free(&conv->stack);
        return r;
    }
    conv->stack = (struct stack){
        .kind = &conv1d_kind,
        .states = {{"place", {conv->places[0], conv->places[1]}, LAYER_PLACE}},
        .state_count = 1,
        .layers = conv->layers,
        .layer_count = LAYERS,
    };
    *ret_stack = &conv->stack;
    return 0;
}

static void conv1d_record(const struct stack *stack, struct batch *batch, uint32_t step)
{
    const struct conv1d *conv = (const struct conv1d *)stack;
    for (int i = 0; i < LAYERS; i++)
        layer_record(conv->layers[i], batch, step);
}

const struct stack_kind conv1d_kind = {
    .largest_matrix = (uint64_t)UNITS * 8 * UNITS,
    .longest_past = (uint64_t)(256 + 1) * UNITS, // conv3's; see layer_new_convolution()
    .new = conv1d_new,
    .free = conv1d_free,
    .record = conv1d_record,
};
