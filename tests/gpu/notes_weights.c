// SPDX-License-Identifier: MIT
#include "notes_weights.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"
#include "weights_file.h"

#define MOST_TENSORS 64

const uint32_t notes_sizes[4] = {95, 128, 64, 32};
const uint32_t notes_control_rows[NOTES_CONTROLS] = {0, 10, 18, 26, 35, 59};

struct tensor {
    char name[32];
    uint32_t rows, columns; ///< columns 0: one dimension
    float **values;
    float scale;
    bool matrix; ///< bfloat16
};

static void add(struct tensor *tensors, uint32_t *count, const char *name, uint32_t rows,
                uint32_t columns, float **values, float scale, bool matrix)
{
    struct tensor *tensor = &tensors[(*count)++];
    assert(*count <= MOST_TENSORS);
    *tensor = (struct tensor){.rows = rows,
                              .columns = columns,
                              .values = values,
                              .scale = matrix ? scale * sqrtf(3.0f / (float)columns) : scale,
                              .matrix = matrix};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

static uint32_t list(struct notes_weights *w, struct tensor *tensors)
{
    static const char *const fields[4] = {"delta", "pitch", "duration", "velocity"};
    uint32_t count = 0, width = w->width;
    char name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "embed.%s", fields[i]);
        add(tensors, &count, name, notes_sizes[i], width, &w->tables[i], 0.5f, false);
    }
    add(tensors, &count, "embed.start", width, 0, &w->start, 0.5f, false);
    add(tensors, &count, "embed.composer", w->composers, width, &w->composer, 0.4f, false);
    add(tensors, &count, "embed.kind", w->kinds, width, &w->kind, 0.4f, false);
    add(tensors, &count, "embed.control", NOTES_CONTROL_ROWS, width, &w->control, 0.3f, false);
    for (uint32_t i = 0; i < w->layers; i++) {
        struct notes_layer *layer = &w->layer[i];
        struct {
            const char *part;
            uint32_t rows, columns;
            float **values;
            float scale;
            bool matrix;
        } parts[] = {
            {"qkv", 3 * width, width, &layer->qkv, 1, true},
            {"proj", width, width, &layer->proj, 0.7f, true},
            {"up", w->hidden, width, &layer->up, 1, true},
            {"down", width, w->hidden, &layer->down, 0.7f, true},
            {"gain", width / 64, 0, &layer->gain, 0.3f, false},
            {"sink", width / 64, 0, &layer->sink, 1, false},
        };
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            snprintf(name, sizeof name, "layer%u.%s", i, parts[p].part);
            add(tensors, &count, name, parts[p].rows, parts[p].columns, parts[p].values,
                parts[p].scale, parts[p].matrix);
        }
    }
    for (int k = 0; k < 4; k++) {
        struct notes_head *head = &w->head[k];
        snprintf(name, sizeof name, "head%d.hidden", k);
        add(tensors, &count, name, width, width, &head->hidden, 1, true);
        for (int j = 0; j < k; j++) {
            snprintf(name, sizeof name, "head%d.seen%d", k, j);
            add(tensors, &count, name, notes_sizes[j], width, &head->seen[j], 0.7f, false);
        }
        snprintf(name, sizeof name, "head%d.out", k);
        add(tensors, &count, name, notes_sizes[k], width, &head->out, 1.2f, true);
        snprintf(name, sizeof name, "head%d.bias", k);
        add(tensors, &count, name, notes_sizes[k], 0, &head->bias, 0.5f, false);
    }
    if (w->accented & NOTES_TURN)
        add(tensors, &count, "accent.c1", NOTES_TURNS, 12, &w->accent, 3, false);
    if (w->accented & NOTES_STRIDE)
        add(tensors, &count, "stride.c1", NOTES_STRIDES, NOTES_WIDTHS, &w->stride, 3, false);
    if (w->accented & NOTES_COMPASS)
        add(tensors, &count, "compass.c1", NOTES_PITCHES, 0, &w->compass, 3, false);
    return count;
}

static size_t elements(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

void notes_weights_init(struct notes_weights *weights, uint32_t seed)
{
    struct tensor tensors[MOST_TENSORS];
    uint32_t count = list(weights, tensors);
    size_t total = 0;
    for (uint32_t t = 0; t < count; t++)
        total += elements(&tensors[t]);
    assert(total > 0);
    float *next = weights->values = malloc(total * sizeof *next);
    assert(next);
    for (uint32_t t = 0; t < count; t++) {
        *tensors[t].values = next;
        draws_fill(&seed, tensors[t].scale, tensors[t].matrix, next, elements(&tensors[t]));
        next += elements(&tensors[t]);
    }
    for (uint32_t i = 85; i < 95; i++)
        weights->head[0].bias[i] = 6;
    for (uint32_t i = 0; i < 128; i++)
        weights->head[1].bias[i] += i < 21 || i > 108 ? 6.0f : 0.0f;
}

void notes_weights_finish(struct notes_weights *weights)
{
    free(weights->values);
    weights->values = NULL;
}

void notes_weights_note(uint32_t *seed, uint8_t ret_note[4])
{
    for (int k = 0; k < 4; k++)
        ret_note[k] = (uint8_t)draws_below(seed, notes_sizes[k]);
}

/** Appends one pair of the metadata, or what the flaw makes of it. */
static size_t put_pair(char *out, size_t room, const char *key, const char *value,
                       const struct notes_flaw *flaw)
{
    if (flaw && flaw->key && strcmp(flaw->key, key) == 0)
        value = flaw->value;
    return value ? (size_t)snprintf(out, room, ",\"%s\":\"%s\"", key, value) : 0;
}

static void put_metadata(char *out, size_t room, const struct notes_weights *w,
                         const struct notes_flaw *flaw)
{
    char windows[64] = "[", composers[256] = "", kinds[256] = "", heads[12];
    for (uint32_t i = 0; i < w->layers; i++)
        snprintf(windows + strlen(windows), sizeof windows - strlen(windows), "%s%u", i ? ", " : "",
                 w->windows[i]);
    weights_file_names(composers, sizeof composers, 'c', w->composers);
    weights_file_names(kinds, sizeof kinds, 'k', w->kinds);
    strcat(windows, "]");
    snprintf(heads, sizeof heads, "%u", w->width / 64);
    const char *pairs[][2] = {
        {"net", "transformer"},
        {"vocabulary", "notes-4 delta+pitch+duration+velocity"},
        {"family", "test"},
        {"composers", composers},
        {"offered", "[\\\"c1\\\"]"},
        {"kinds", kinds},
        {"windows", windows},
        {"heads", heads},
        {"periods_notes", "[4.0, 2048.0]"},
        {"temperature", "0.8"},
        {"periods_ticks", "[12.0, 12000.0]"},
        {"control", "{\\\"c1\\\": [59.9, 48, 90, 4.5]}"},
        {"control_buckets",
         "{\\\"density\\\": [60, 120, 180, 260, 360, 480, 620, 800, 1050], "
         "\\\"register\\\": [48, 54, 58, 62, 66, 70, 75], "
         "\\\"loudness\\\": [35, 45, 55, 62, 70, 78, 88], "
         "\\\"polyphony\\\": [1.3, 2, 3, 4.5, 6, 8, 10.5, 14], "
         "\\\"key\\\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
         "18, 19, 20, 21, 22, 23], "
         "\\\"chroma\\\": [2.4, 2.6, 2.75, 2.88, 3.0, 3.12, 3.25]}"},
    };
    size_t used = (size_t)snprintf(out, room, "\"format\":\"fermata-net-1\"");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        used += put_pair(out + used, room - used, pairs[i][0], pairs[i][1], flaw);
    assert(used < room);
}

void notes_weights_write(const struct notes_weights *weights, const char *path,
                         const struct notes_flaw *flaw)
{
    static const uint8_t plan[3][NOTES_CONTROLS] = {
        {1, 2, 3, 4, 13, 7}, {255, 255, 255, 255, 255, 255}, {9, 7, 255, 8, 23, 0}};
    static char metadata[4096];
    struct tensor tensors[MOST_TENSORS];
    struct weights_tensor written[MOST_TENSORS + 1];
    uint32_t count = list((struct notes_weights *)weights, tensors);
    float *bad = NULL, sound = 0;
    for (uint32_t t = 0; t < count; t++) {
        struct weights_tensor *tensor = &written[t];
        *tensor = (struct weights_tensor){.rows = tensors[t].rows,
                                          .columns = tensors[t].columns,
                                          .values = *tensors[t].values,
                                          .bf16 = tensors[t].matrix};
        static_assert(sizeof tensor->name == sizeof tensors[t].name, "the same length");
        memcpy(tensor->name, tensors[t].name, sizeof tensor->name);
        if (flaw && flaw->bad_value && strcmp(flaw->bad_value, tensor->name) == 0)
            bad = *tensors[t].values;
    }
    written[count++] = (struct weights_tensor){
        .name = "plan.c1", .rows = 3, .columns = sizeof plan[0], .bytes = plan[0]};
    put_metadata(metadata, sizeof metadata, weights, flaw);
    if (bad) {
        sound = *bad;
        *bad = 1000;
    }
    weights_file_write(path, metadata, written, count, flaw ? flaw->tensor : NULL);
    if (bad)
        *bad = sound;
}
