// SPDX-License-Identifier: MIT
#include "conv_reference.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PASTS 5
#define WIDTH 256

struct conv_reference {
    const struct conv_weights *weights;
    int heard;
    double *pasts[MOST_PASTS]; ///< [step][WIDTH]: each convolution's inputs
};

struct conv_reference *conv_reference_new(const struct conv_weights *weights)
{
    struct conv_reference *reference = calloc(1, sizeof *reference);
    assert(reference);
    reference->weights = weights;
    for (int i = 0; i < MOST_PASTS; i++) {
        reference->pasts[i] = calloc((size_t)CONV_MOST_STEPS * WIDTH, sizeof(double));
        assert(reference->pasts[i]);
    }
    return reference;
}

void conv_reference_free(struct conv_reference *reference)
{
    for (int i = 0; i < MOST_PASTS; i++)
        free(reference->pasts[i]);
    free(reference);
}

void conv_reference_reset(struct conv_reference *reference)
{
    reference->heard = 0;
}

/** Bias, and what the composer adds. */
static double begin(const struct conv_layer *layer, uint32_t composer, uint32_t row)
{
    return (double)layer->bias[row] +
           (layer->composer ? (double)layer->composer[composer * layer->rows + row] : 0.0);
}

static double dot(const float *weight, const double *x, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (double)weight[i] * x[i];
    return sum;
}

static void dense(const struct conv_reference *r, const char *name, uint32_t composer,
                  const double *x, bool relu, double *ret_y)
{
    const struct conv_layer *layer = conv_weights_layer(r->weights, name);
    for (uint32_t row = 0; row < layer->rows; row++) {
        double sum = begin(layer, composer, row) +
                     dot(layer->weight + (size_t)row * layer->columns, x, layer->columns);
        ret_y[row] = relu && sum < 0 ? 0 : sum;
    }
}

/** Convolution number `index` of the net, over what it heard before and x. */
static void convolve(struct conv_reference *r, const char *name, int index, int taps, int dilation,
                     uint32_t composer, const double *x, double *ret_y)
{
    const struct conv_layer *layer = conv_weights_layer(r->weights, name);
    uint32_t inputs = layer->columns / (uint32_t)taps;
    memcpy(r->pasts[index] + (size_t)r->heard * WIDTH, x, inputs * sizeof *x);
    for (uint32_t row = 0; row < layer->rows; row++) {
        double sum = begin(layer, composer, row);
        for (int tap = 0; tap < taps; tap++) {
            int then = r->heard - (taps - 1 - tap) * dilation;
            if (then >= 0)
                sum += dot(layer->weight + (size_t)row * layer->columns + (size_t)tap * inputs,
                           r->pasts[index] + (size_t)then * WIDTH, inputs);
        }
        ret_y[row] = sum;
    }
}

static void step_conv1d(struct conv_reference *r, uint32_t composer, double *x, double *ret_logits)
{
    static const int taps[3] = {8, 8, 3}, dilations[3] = {1, 8, 64};
    double y[WIDTH];
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "conv%d", i + 1);
        convolve(r, name, i, taps[i], dilations[i], composer, x, y);
        for (int k = 0; k < WIDTH; k++)
            x[k] = fmax(y[k], 0);
    }
    dense(r, "dense1", composer, x, true, y);
    dense(r, "dense2", composer, y, false, ret_logits);
}

static void step_wavenet(struct conv_reference *r, uint32_t composer, const double *input,
                         double *ret_logits)
{
    static const int dilations[5] = {2, 4, 8, 16, 16};
    double x[128], gates[256] = {0}, u[128], out[384] = {0}, skips[256] = {0}, y[256];
    dense(r, "front", composer, input, false, x);
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "block%d", i);
        convolve(r, name, i, 5, dilations[i], composer, x, gates);
        for (int k = 0; k < 128; k++)
            u[k] = tanh(gates[k]) / (1 + exp(-gates[128 + k]));
        snprintf(name, sizeof name, "out%d", i);
        dense(r, name, composer, u, false, out);
        for (int k = 0; k < 128; k++)
            x[k] += out[k];
        for (int k = 0; k < 256; k++)
            skips[k] += out[128 + k];
    }
    for (int k = 0; k < 256; k++)
        skips[k] = fmax(skips[k], 0);
    dense(r, "dense1", composer, skips, true, y);
    dense(r, "dense2", composer, y, false, ret_logits);
}

void conv_reference_step(struct conv_reference *reference, uint32_t composer, const float x[256],
                         float ret_logits[384])
{
    double input[256], logits[384];
    assert(reference->heard < CONV_MOST_STEPS);
    for (int i = 0; i < 256; i++)
        input[i] = (double)x[i];
    if (strcmp(reference->weights->net, "conv1d") == 0)
        step_conv1d(reference, composer, input, logits);
    else
        step_wavenet(reference, composer, input, logits);
    for (int i = 0; i < 384; i++)
        ret_logits[i] = (float)logits[i];
    reference->heard++;
}
