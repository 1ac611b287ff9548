// SPDX-License-Identifier: MIT
#include "notes_reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 256
#define MOST_WIDTH 1024

struct notes_reference {
    const struct notes_weights *weights;
    uint32_t heard; ///< elements
    double ticks;
    uint8_t last[4];
    double *keys[NOTES_MOST_LAYERS], *values[NOTES_MOST_LAYERS]; ///< [step][width]
};

struct notes_reference *notes_reference_new(const struct notes_weights *weights)
{
    struct notes_reference *reference = calloc(1, sizeof *reference);
    assert(reference);
    reference->weights = weights;
    for (uint32_t i = 0; i < weights->layers; i++) {
        reference->keys[i] = calloc((size_t)MOST_STEPS * weights->width, sizeof(double));
        reference->values[i] = calloc((size_t)MOST_STEPS * weights->width, sizeof(double));
        assert(reference->keys[i] && reference->values[i]);
    }
    return reference;
}

void notes_reference_free(struct notes_reference *reference)
{
    for (int i = 0; i < NOTES_MOST_LAYERS; i++) {
        free(reference->keys[i]);
        free(reference->values[i]);
    }
    free(reference);
}

static void product(const float *matrix, uint32_t rows, uint32_t columns, const double *x,
                    double *ret_y)
{
    for (uint32_t row = 0; row < rows; row++) {
        double sum = 0;
        for (uint32_t i = 0; i < columns; i++)
            sum += matrix[(size_t)row * columns + i] * x[i];
        ret_y[row] = sum;
    }
}

static void norm(const double *x, uint32_t count, double *ret_y)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    for (uint32_t i = 0; i < count; i++)
        ret_y[i] = x[i] / sqrt(sum / count + 1e-6);
}

static double squared(double x)
{
    return x > 0 ? x * x : 0;
}

static void rotate(double head[64], double number, double ticks)
{
    for (int pair = 0; pair < 32; pair++) {
        int index = pair / 2;
        double step = index / 15.0;
        double turns = pair % 2 ? ticks / (12 * pow(1000, step)) : number / (4 * pow(512, step));
        double angle = 2 * M_PI * (turns - floor(turns));
        double a = head[pair], b = head[32 + pair];
        head[pair] = a * cos(angle) - b * sin(angle);
        head[32 + pair] = a * sin(angle) + b * cos(angle);
    }
}

static void attend(struct notes_reference *s, uint32_t index, const double *qkv, double *ret_mixed)
{
    const struct notes_weights *w = s->weights;
    uint32_t first = s->heard + 1 > w->windows[index] ? s->heard + 1 - w->windows[index] : 0;
    for (uint32_t head = 0; head < w->width / 64; head++) {
        const uint32_t at = head * 64;
        double query[64], *key = s->keys[index] + (size_t)s->heard * w->width + at;
        norm(qkv + at, 64, query);
        norm(qkv + w->width + at, 64, key);
        rotate(query, s->heard, s->ticks);
        rotate(key, s->heard, s->ticks);
        memcpy(s->values[index] + (size_t)s->heard * w->width + at, qkv + 2 * w->width + at,
               64 * sizeof(double));
        double total = exp(w->layer[index].sink[head]);
        memset(ret_mixed + at, 0, 64 * sizeof(double));
        for (uint32_t j = first; j <= s->heard; j++) {
            double score = 0;
            for (uint32_t i = 0; i < 64; i++)
                score += query[i] * s->keys[index][(size_t)j * w->width + at + i];
            double share = exp(w->layer[index].gain[head] * score);
            total += share;
            for (uint32_t i = 0; i < 64; i++)
                ret_mixed[at + i] += share * s->values[index][(size_t)j * w->width + at + i];
        }
        for (uint32_t i = 0; i < 64; i++)
            ret_mixed[at + i] /= total;
    }
}

static void embed(const struct notes_reference *s, const struct notes_conditions *c, double *ret_x)
{
    const struct notes_weights *w = s->weights;
    for (uint32_t i = 0; i < w->width; i++) {
        double x = w->composer[c->composer * w->width + i] + w->kind[c->kind * w->width + i];
        for (int k = 0; k < NOTES_CONTROLS; k++)
            if (c->control[k] >= 0)
                x += w->control[(notes_control_rows[k] + (uint32_t)c->control[k]) * w->width + i];
        for (int k = 0; k < 4 && s->heard; k++)
            x += w->tables[k][s->last[k] * w->width + i];
        ret_x[i] = s->heard ? x : x + w->start[i];
    }
}

static void hear(struct notes_reference *s, double *x)
{
    const struct notes_weights *w = s->weights;
    static double normed[MOST_WIDTH], qkv[3 * MOST_WIDTH], mixed[MOST_WIDTH], hidden[4096];
    static double added[MOST_WIDTH];
    for (uint32_t layer = 0; layer < w->layers; layer++) {
        norm(x, w->width, normed);
        product(w->layer[layer].qkv, 3 * w->width, w->width, normed, qkv);
        attend(s, layer, qkv, mixed);
        product(w->layer[layer].proj, w->width, w->width, mixed, added);
        for (uint32_t i = 0; i < w->width; i++)
            x[i] += added[i];
        norm(x, w->width, normed);
        product(w->layer[layer].up, w->hidden, w->width, normed, hidden);
        for (uint32_t i = 0; i < w->hidden; i++)
            hidden[i] = squared(hidden[i]);
        product(w->layer[layer].down, w->width, w->hidden, hidden, added);
        for (uint32_t i = 0; i < w->width; i++)
            x[i] += added[i];
    }
}

static double ticks_of(int bin)
{
    double before = 30;
    if (bin <= 30)
        return bin;
    for (int i = 1; i <= bin - 30; i++)
        before = fmax(nearbyint(30 * pow(800 / 30.0, i / 64.0)), before + 1);
    return before;
}

void notes_reference_step(struct notes_reference *s, const struct notes_conditions *conditions,
                          const uint8_t note[4], double ret_logits[319])
{
    const struct notes_weights *w = s->weights;
    static double x[MOST_WIDTH], a[MOST_WIDTH], normed[MOST_WIDTH];
    assert(s->heard < MOST_STEPS && w->width <= MOST_WIDTH && w->hidden <= 4096);
    embed(s, conditions, x);
    hear(s, x);
    norm(x, w->width, normed);
    for (int k = 0; k < 4; k++) {
        product(w->head[k].hidden, w->width, w->width, normed, a);
        for (uint32_t i = 0; i < w->width; i++) {
            for (int j = 0; j < k; j++)
                a[i] += w->head[k].seen[j][note[j] * w->width + i];
            a[i] = squared(a[i]);
        }
        product(w->head[k].out, notes_sizes[k], w->width, a, ret_logits);
        for (uint32_t i = 0; i < notes_sizes[k]; i++)
            ret_logits[i] += w->head[k].bias[i];
        ret_logits += notes_sizes[k];
    }
    memcpy(s->last, note, 4);
    s->ticks += ticks_of(note[0]);
    s->heard++;
}
