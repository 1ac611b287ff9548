// SPDX-License-Identifier: MIT
#include "conv_weights.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"
#include "weights_file.h"

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
        draws_fill(&seed, shapes[i].scale / sqrtf((float)layer->columns), true,
                   layer->weight = next, size);
        draws_fill(&seed, 0.3f, false, layer->bias = next += size, layer->rows);
        next += layer->rows;
        if (shapes[i].composer) {
            layer->composer = next;
            draws_fill(&seed, 0.5f, false, next, (size_t)layer->rows * composers);
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

static uint32_t list(const struct conv_weights *weights, struct weights_tensor *tensors)
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
            struct weights_tensor *tensor = &tensors[count];
            if (!parts[k].values)
                continue;
            *tensor = (struct weights_tensor){.values = parts[k].values,
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

void conv_weights_write(const struct conv_weights *weights, const char *path, const char *broken)
{
    struct weights_tensor tensors[CONV_MOST_TENSORS];
    char metadata[1024];
    snprintf(metadata, sizeof metadata,
             "\"format\":\"fermata-net-1\",\"net\":\"%s\",\"family\":\"test\","
             "\"licence\":\"MIT\",\"composers\":\"",
             weights->net);
    weights_file_names(metadata, sizeof metadata - 1, 'c', weights->composers);
    strcat(metadata, "\"");
    weights_file_write(path, metadata, tensors, list(weights, tensors), broken);
}
