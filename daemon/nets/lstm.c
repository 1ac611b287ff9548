// SPDX-License-Identifier: MIT
#include "nets/stack.h"

#include <errno.h>
#include <stdlib.h>

#include "compute/buffer.h"
#include "nets/form.h"
#include "nets/layer.h"

#define UNITS 512
#define DENSE 256

enum { LSTM1, LSTM2, DENSE1, DENSE2, DENSE3, LAYERS };

struct lstm {
    struct stack stack;
    struct buffer *h1[2], *c1, *h2[2], *c2, *y1, *y2;
    struct layer *layers[LAYERS];
};

static void lstm_free(struct stack *stack)
{
    struct lstm *lstm = (struct lstm *)stack;
    if (!lstm)
        return;
    for (int i = 0; i < LAYERS; i++)
        layer_free(lstm->layers[i]);
    for (int i = 0; i < 2; i++) {
        buffer_free(lstm->h1[i]);
        buffer_free(lstm->h2[i]);
    }
    buffer_free(lstm->c1);
    buffer_free(lstm->c2);
    buffer_free(lstm->y1);
    buffer_free(lstm->y2);
    free(lstm);
}

static int make_buffers(struct lstm *lstm, const struct form *form)
{
    struct {
        uint32_t features;
        struct buffer **buffer;
    } all[] = {
        {UNITS, &lstm->h1[0]}, {UNITS, &lstm->h1[1]}, {UNITS, &lstm->c1}, {UNITS, &lstm->h2[0]},
        {UNITS, &lstm->h2[1]}, {UNITS, &lstm->c2},    {DENSE, &lstm->y1}, {DENSE, &lstm->y2},
    };
    int r = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && r == 0; i++)
        r = form_new_activation(form, all[i].features, all[i].buffer);
    return r;
}

static int make_layers(struct lstm *l, const struct layer_place *at, struct buffer *x,
                       struct buffer *logits)
{
    struct buffer *const input[2] = {x, x};
    struct buffer *const one[2] = {l->h1[1], l->h1[0]}; // what the layer below has just written
    struct buffer *const two[2] = {l->h2[1], l->h2[0]};
    struct buffer *const y1[2] = {l->y1, l->y1};
    struct buffer *const y2[2] = {l->y2, l->y2};
    struct layer **to = l->layers;
    int r;

    r = layer_new_recurrent(at, "lstm1", STACK_INPUTS, UNITS, input, l->h1, l->c1, &to[LSTM1]);
    if (r == 0)
        r = layer_new_recurrent(at, "lstm2", UNITS, UNITS, one, l->h2, l->c2, &to[LSTM2]);
    if (r == 0)
        r = layer_new_dense(at, "dense1", UNITS, DENSE, LAYER_RELU, two, l->y1, &to[DENSE1]);
    if (r == 0)
        r = layer_new_dense(at, "dense2", DENSE, DENSE, LAYER_RELU, y1, l->y2, &to[DENSE2]);
    if (r == 0)
        r = layer_new_dense(at, "dense3", DENSE, STACK_LOGITS, LAYER_LINEAR, y2, logits,
                            &to[DENSE3]);
    return r;
}

static int lstm_new(const struct layer_place *place, struct buffer *input, struct buffer *logits,
                    struct stack **ret_stack)
{
    struct lstm *lstm = calloc(1, sizeof *lstm);
    if (!lstm)
        return -ENOMEM;
    int r = make_buffers(lstm, place->form);
    if (r == 0)
        r = make_layers(lstm, place, input, logits);
    if (r < 0) {
        lstm_free(&lstm->stack);
        return r;
    }
    lstm->stack = (struct stack){
        .kind = &lstm_kind,
        .states = {{"h1", {lstm->h1[0], lstm->h1[1]}, UNITS},
                   {"c1", {lstm->c1, lstm->c1}, UNITS},
                   {"h2", {lstm->h2[0], lstm->h2[1]}, UNITS},
                   {"c2", {lstm->c2, lstm->c2}, UNITS}},
        .state_count = 4,
        .layers = lstm->layers,
        .layer_count = LAYERS,
    };
    *ret_stack = &lstm->stack;
    return 0;
}

static void lstm_record(const struct stack *stack, struct batch *batch, uint32_t step)
{
    const struct lstm *lstm = (const struct lstm *)stack;
    for (int i = 0; i < LAYERS; i++)
        layer_record(lstm->layers[i], batch, step);
}

const struct stack_kind lstm_kind = {
    .largest_matrix = (uint64_t)4 * UNITS * 2 * UNITS,
    .new = lstm_new,
    .free = lstm_free,
    .record = lstm_record,
};
