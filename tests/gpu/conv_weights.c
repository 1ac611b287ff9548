// SPDX-License-Identifier: MIT
#include "conv_weights.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The layers of both nets, as models/conv.py makes them. */
static const struct {
    const char *net, *name;
    uint32_t rows, columns;
    bool composer;
    float scale; ///< of a weight, times 1 / sqrt(columns)
} shapes[] = {
    {"conv1d", "conv1", 256, 8 * 256, true, 4},  {"conv1d", "conv2", 256, 8 * 256, false, 2.5f},
    {"conv1d", "conv3", 256, 3 * 256, false, 2}, {"conv1d", "dense1", 256, 256, true, 2},
    {"conv1d", "dense2", 384, 256, false, 2},    {"wavenet", "front", 128, 256, false, 5},
    {"wavenet", "block0", 256, 640, true, 1.7f}, {"wavenet", "out0", 384, 128, false, 1.7f},
    {"wavenet", "block1", 256, 640, true, 1.7f}, {"wavenet", "out1", 384, 128, false, 1.7f},
    {"wavenet", "block2", 256, 640, true, 1.7f}, {"wavenet", "out2", 384, 128, false, 1.7f},
    {"wavenet", "block3", 256, 640, true, 1.7f}, {"wavenet", "out3", 384, 128, false, 1.7f},
    {"wavenet", "block4", 256, 640, true, 1.7f}, {"wavenet", "out4", 384, 128, false, 1.7f},
    {"wavenet", "dense1", 256, 256, true, 2},    {"wavenet", "dense2", 384, 256, false, 2},
};

#define SHAPES (sizeof shapes / sizeof shapes[0])

/** Uniform in -1 to 1, times `scale`; a value that bfloat16 has where `cut`. */
static void fill(float *values, size_t count, float scale, bool cut, uint32_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        values[i] = scale * ((float)(*seed >> 8) / 8388608.0f - 1.0f);
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        if (cut)
            bits &= 0xffff0000u;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

void conv_weights_init(struct conv_weights *weights, const char *net, uint32_t seed,
                       uint32_t composers)
{
    memset(weights, 0, sizeof *weights);
    weights->net = net;
    weights->composers = composers;
    size_t total = 0;
    for (size_t i = 0; i < SHAPES; i++)
        if (strcmp(shapes[i].net, net) == 0)
            total += (size_t)shapes[i].rows * (shapes[i].columns + 1 + composers);
    assert(total > 0);
    float *next = weights->values = malloc(total * sizeof *next);
    assert(next);
    for (size_t i = 0; i < SHAPES; i++) {
        if (strcmp(shapes[i].net, net) != 0)
            continue;
        struct conv_layer *layer = &weights->layers[weights->count++];
        snprintf(layer->name, sizeof layer->name, "%s", shapes[i].name);
        layer->rows = shapes[i].rows;
        layer->columns = shapes[i].columns;
        size_t size = (size_t)layer->rows * layer->columns;
        fill(layer->weight = next, size, shapes[i].scale / sqrtf((float)layer->columns), true,
             &seed);
        fill(layer->bias = next += size, layer->rows, 0.3f, false, &seed);
        next += layer->rows;
        if (shapes[i].composer) {
            layer->composer = next;
            fill(next, (size_t)layer->rows * composers, 0.5f, false, &seed);
            next += (size_t)layer->rows * composers;
        }
    }
    const struct conv_layer *last = &weights->layers[weights->count - 1];
    for (int pitch = 0; pitch < 128; pitch++) {
        last->bias[pitch] += 1.0f;
        last->bias[128 + pitch] -= 2.5f;
    }
}

void conv_weights_finish(struct conv_weights *weights)
{
    free(weights->values);
    memset(weights, 0, sizeof *weights);
}

const struct conv_layer *conv_weights_layer(const struct conv_weights *weights, const char *name)
{
    for (uint32_t i = 0; i < weights->count; i++)
        if (strcmp(weights->layers[i].name, name) == 0)
            return &weights->layers[i];
    abort();
}

struct tensor {
    char name[24];
    const float *values;
    uint32_t rows, columns; ///< columns 0: one dimension
    bool bf16;
};

static size_t elements(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

static uint32_t list(const struct conv_weights *weights, struct tensor *tensors)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < weights->count; i++) {
        const struct conv_layer *layer = &weights->layers[i];
        const struct {
            const char *part;
            const float *values;
            uint32_t rows, columns;
            bool bf16;
        } parts[3] = {
            {"weight", layer->weight, layer->rows, layer->columns, true},
            {"bias", layer->bias, layer->rows, 0, false},
            {"composer", layer->composer, weights->composers, layer->rows, false},
        };
        for (int k = 0; k < 3; k++) {
            struct tensor *tensor = &tensors[count];
            if (!parts[k].values)
                continue;
            *tensor = (struct tensor){.values = parts[k].values,
                                      .rows = parts[k].rows,
                                      .columns = parts[k].columns,
                                      .bf16 = parts[k].bf16};
            snprintf(tensor->name, sizeof tensor->name, "%s.%s", layer->name, parts[k].part);
            count++;
        }
    }
    assert(count <= CONV_MOST_TENSORS);
    return count;
}

static void write_values(FILE *stream, const struct tensor *tensor, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->values[i], sizeof bits);
        uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 24)};
        fwrite(tensor->bf16 ? bytes + 2 : bytes, tensor->bf16 ? 2 : 4, 1, stream);
    }
}

void conv_weights_write(const struct conv_weights *weights, const char *path, const char *broken)
{
    static char header[16384];
    struct tensor tensors[CONV_MOST_TENSORS];
    uint32_t count = list(weights, tensors), kept = 0;
    size_t used = (size_t)snprintf(header, sizeof header,
                                   "{\"__metadata__\":{\"format\":\"fermata-net-1\",\"net\":\"%s\","
                                   "\"family\":\"test\",\"licence\":\"MIT\",\"composers\":\"[",
                                   weights->net);
    for (uint32_t i = 0; i < weights->composers; i++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%s\\\"c%u\\\"",
                                 i ? ", " : "", i);
    used += (size_t)snprintf(header + used, sizeof header - used, "]\"}");
    size_t offset = 0;
    for (uint32_t t = 0; t < count; t++) {
        struct tensor tensor = tensors[t];
        if (broken && broken[0] == '-' && strcmp(broken + 1, tensor.name) == 0)
            continue;
        if (broken && strcmp(broken, tensor.name) == 0)
            tensor.rows--;
        char columns[16] = "";
        if (tensor.columns)
            snprintf(columns, sizeof columns, ",%u", tensor.columns);
        size_t size = elements(&tensor) * (tensor.bf16 ? 2 : 4);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%u%s],\"data_offsets\":"
                                 "[%zu,%zu]}",
                                 tensor.name, tensor.bf16 ? "BF16" : "F32", tensor.rows, columns,
                                 offset, offset + size);
        offset += size;
        tensors[kept++] = tensor;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    assert(used < sizeof header);

    FILE *stream = fopen(path, "wbe");
    assert(stream);
    uint8_t length[8] = {(uint8_t)used, (uint8_t)(used >> 8), (uint8_t)(used >> 16)};
    fwrite(length, 8, 1, stream);
    fwrite(header, used, 1, stream);
    for (uint32_t t = 0; t < kept; t++)
        write_values(stream, &tensors[t], elements(&tensors[t]));
    int r = fclose(stream);
    assert(r == 0);
}
