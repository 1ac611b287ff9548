// SPDX-License-Identifier: MIT
#include "notes_weights.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return count;
}

static size_t elements(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

static float uniform(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/** To a value that bfloat16 has. In place: GCC 12 loses the mask where the value is returned and
 * then chosen or not. */
static void cut(float *value)
{
    uint32_t bits = bits_of(*value) & 0xffff0000u;
    memcpy(value, &bits, sizeof bits);
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
        for (size_t i = 0; i < elements(&tensors[t]); i++) {
            *next = tensors[t].scale * uniform(&seed);
            if (tensors[t].matrix)
                cut(next);
            next++;
        }
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

/** Appends one pair of the metadata, or what the flaw makes of it. */
static size_t put_pair(char *out, size_t room, const char *key, const char *value,
                       const struct notes_flaw *flaw)
{
    if (flaw && flaw->key && strcmp(flaw->key, key) == 0)
        value = flaw->value;
    return value ? (size_t)snprintf(out, room, ",\"%s\":\"%s\"", key, value) : 0;
}

static size_t put_metadata(char *out, size_t room, const struct notes_weights *w,
                           const struct notes_flaw *flaw)
{
    char windows[64] = "[", composers[256] = "[", kinds[256] = "[", heads[12];
    for (uint32_t i = 0; i < w->layers; i++)
        snprintf(windows + strlen(windows), sizeof windows - strlen(windows), "%s%u", i ? ", " : "",
                 w->windows[i]);
    for (uint32_t i = 0; i < w->composers; i++)
        snprintf(composers + strlen(composers), sizeof composers - strlen(composers),
                 "%s\\\"c%u\\\"", i ? ", " : "", i);
    for (uint32_t i = 0; i < w->kinds; i++)
        snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%s\\\"k%u\\\"",
                 i ? ", " : "", i);
    strcat(windows, "]");
    strcat(composers, "]");
    strcat(kinds, "]");
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
    size_t used = (size_t)snprintf(out, room, "{\"__metadata__\":{\"format\":\"fermata-net-1\"");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        used += put_pair(out + used, room - used, pairs[i][0], pairs[i][1], flaw);
    return used + (size_t)snprintf(out + used, room - used, "}");
}

static void write_values(FILE *stream, const struct tensor *tensor, const struct notes_flaw *flaw)
{
    for (size_t i = 0; i < elements(tensor); i++) {
        float value = (*tensor->values)[i];
        if (i == 0 && flaw && flaw->bad_value && strcmp(flaw->bad_value, tensor->name) == 0)
            value = 1000;
        uint32_t bits = bits_of(value);
        uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 24)};
        fwrite(tensor->matrix ? bytes + 2 : bytes, tensor->matrix ? 2 : 4, 1, stream);
    }
}

void notes_weights_write(const struct notes_weights *weights, const char *path,
                         const struct notes_flaw *flaw)
{
    static const uint8_t plan[3][NOTES_CONTROLS] = {
        {1, 2, 3, 4, 13, 7}, {255, 255, 255, 255, 255, 255}, {9, 7, 255, 8, 23, 0}};
    static char header[16384];
    struct tensor tensors[MOST_TENSORS];
    uint32_t count = list((struct notes_weights *)weights, tensors);
    const char *broken = flaw && flaw->tensor ? flaw->tensor : "";
    size_t used = put_metadata(header, sizeof header, weights, flaw), offset = 0;
    for (uint32_t t = 0; t < count; t++) {
        struct tensor *tensor = &tensors[t];
        if (broken[0] == '-' && strcmp(broken + 1, tensor->name) == 0)
            continue;
        if (strcmp(broken, tensor->name) == 0)
            tensor->rows--;
        size_t size = elements(tensor) * (tensor->matrix ? 2 : 4);
        char columns[16] = "";
        if (tensor->columns)
            snprintf(columns, sizeof columns, ",%u", tensor->columns);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%u%s],\"data_offsets\":"
                                 "[%zu,%zu]}",
                                 tensor->name, tensor->matrix ? "BF16" : "F32", tensor->rows,
                                 columns, offset, offset + size);
        offset += size;
    }
    used += (size_t)snprintf(header + used, sizeof header - used,
                             ",\"plan.c1\":{\"dtype\":\"U8\",\"shape\":[3,%d],\"data_offsets\":"
                             "[%zu,%zu]}}",
                             NOTES_CONTROLS, offset, offset + sizeof plan);
    assert(used < sizeof header);

    FILE *stream = fopen(path, "wbe");
    assert(stream);
    uint8_t length[8] = {(uint8_t)used, (uint8_t)(used >> 8), (uint8_t)(used >> 16)};
    fwrite(length, 8, 1, stream);
    fwrite(header, used, 1, stream);
    for (uint32_t t = 0; t < count; t++)
        if (broken[0] != '-' || strcmp(broken + 1, tensors[t].name) != 0)
            write_values(stream, &tensors[t], flaw);
    fwrite(plan, sizeof plan, 1, stream);
    int r = fclose(stream);
    assert(r == 0);
}
