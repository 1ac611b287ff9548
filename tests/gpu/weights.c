// SPDX-License-Identifier: MIT
#include "weights.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tensor {
    const char *name;
    uint32_t rows, columns; ///< columns 0: one dimension
    float **values;
    float scale, offset; ///< of random values
};

#define TENSORS 12

static void list(struct weights *w, struct tensor ret_tensors[TENSORS])
{
    struct tensor tensors[TENSORS] = {
        {"lstm1.weight", 2048, 768, &w->lstm1, 0.07f, 0},
        {"lstm1.bias", 2048, 0, &w->lstm1_bias, 0.3f, 0},
        {"lstm1.composer", w->composers, 2048, &w->lstm1_composer, 0.5f, 0},
        {"lstm2.weight", 2048, 1024, &w->lstm2, 0.1f, 0},
        {"lstm2.bias", 2048, 0, &w->lstm2_bias, 0.3f, 0},
        {"dense1.weight", 256, 512, &w->dense1, 0.12f, 0},
        {"dense1.bias", 256, 0, &w->dense1_bias, 0.2f, 0},
        {"dense1.composer", w->composers, 256, &w->dense1_composer, 0.3f, 0},
        {"dense2.weight", 256, 256, &w->dense2, 0.15f, 0},
        {"dense2.bias", 256, 0, &w->dense2_bias, 0.2f, 0},
        {"dense3.weight", 384, 256, &w->dense3, 0.15f, 0},
        {"dense3.bias", 384, 0, &w->dense3_bias, 0.3f, 0},
    };
    memcpy(ret_tensors, tensors, sizeof tensors);
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

static float cut(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0xffff0000u;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void weights_init(struct weights *weights, uint32_t seed, uint32_t composers)
{
    struct tensor tensors[TENSORS];
    weights->composers = composers;
    list(weights, tensors);
    for (int t = 0; t < TENSORS; t++) {
        float *values = malloc(elements(&tensors[t]) * sizeof *values);
        assert(values);
        for (size_t i = 0; i < elements(&tensors[t]); i++) {
            values[i] = tensors[t].scale * uniform(&seed);
            if (strstr(tensors[t].name, ".weight"))
                values[i] = cut(values[i]);
        }
        *tensors[t].values = values;
    }
    for (int pitch = 0; pitch < 128; pitch++) {
        bool key = pitch >= 21 && pitch <= 108;
        weights->dense3_bias[pitch] += 1.0f;
        weights->dense3_bias[128 + pitch] += key ? -2.5f : 6.0f;
    }
}

void weights_finish(struct weights *weights)
{
    struct tensor tensors[TENSORS];
    list(weights, tensors);
    for (int t = 0; t < TENSORS; t++)
        free(*tensors[t].values);
}

static void write_values(FILE *stream, const float *values, size_t count, bool f32)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 24)};
        fwrite(f32 ? bytes : bytes + 2, f32 ? 4 : 2, 1, stream);
    }
}

void weights_write(const struct weights *weights, const char *path, bool f32, const char *broken)
{
    struct tensor tensors[TENSORS];
    list((struct weights *)weights, tensors);
    char header[8192];
    size_t used = 0, offset = 0;
    used += (size_t)snprintf(header, sizeof header,
                             "{\"__metadata__\":{\"format\":\"fermata-net-1\",\"net\":\"lstm\","
                             "\"family\":\"test\",\"licence\":\"MIT\",\"velocity_sigma\":\"0.1\","
                             "\"validation_loss\":\"1.25\",\"stats\":\"{\\\"a\\\": 1}\","
                             "\"offered\":\"[\\\"c1\\\"]\",\"composers\":\"[");
    for (uint32_t i = 0; i < weights->composers; i++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%s\\\"c%u\\\"",
                                 i ? ", " : "", i);
    used += (size_t)snprintf(header + used, sizeof header - used, "]\"}");
    for (int t = 0; t < TENSORS; t++) {
        struct tensor *tensor = &tensors[t];
        if (broken && broken[0] == '-' && strcmp(broken + 1, tensor->name) == 0)
            continue;
        if (broken && strcmp(broken, tensor->name) == 0)
            tensor->rows--;
        bool bf16 = !f32 && strstr(tensor->name, ".weight");
        size_t size = elements(tensor) * (bf16 ? 2 : 4);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%u", tensor->name,
                                 bf16 ? "BF16" : "F32", tensor->rows);
        if (tensor->columns)
            used += (size_t)snprintf(header + used, sizeof header - used, ",%u", tensor->columns);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 "],\"data_offsets\":[%zu,%zu]}", offset, offset + size);
        offset += size;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    assert(used < sizeof header);

    FILE *stream = fopen(path, "wbe");
    assert(stream);
    uint8_t length[8] = {(uint8_t)used, (uint8_t)(used >> 8), (uint8_t)(used >> 16)};
    fwrite(length, 8, 1, stream);
    fwrite(header, used, 1, stream);
    for (int t = 0; t < TENSORS; t++) {
        if (broken && broken[0] == '-' && strcmp(broken + 1, tensors[t].name) == 0)
            continue;
        write_values(stream, *tensors[t].values, elements(&tensors[t]),
                     f32 || !strstr(tensors[t].name, ".weight"));
    }
    int r = fclose(stream);
    assert(r == 0);
}
