// SPDX-License-Identifier: MIT
#include "weights.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"
#include "weights_file.h"

struct tensor {
    const char *name;
    uint32_t rows, columns; ///< columns 0: one dimension
    float **values;
    float scale; ///< of random values
};

#define TENSORS 12

static void list(struct weights *w, struct tensor ret_tensors[TENSORS])
{
    struct tensor tensors[TENSORS] = {
        {"lstm1.weight", 2048, 768, &w->lstm1, 0.07f},
        {"lstm1.bias", 2048, 0, &w->lstm1_bias, 0.3f},
        {"lstm1.composer", w->composers, 2048, &w->lstm1_composer, 0.5f},
        {"lstm2.weight", 2048, 1024, &w->lstm2, 0.1f},
        {"lstm2.bias", 2048, 0, &w->lstm2_bias, 0.3f},
        {"dense1.weight", 256, 512, &w->dense1, 0.12f},
        {"dense1.bias", 256, 0, &w->dense1_bias, 0.2f},
        {"dense1.composer", w->composers, 256, &w->dense1_composer, 0.3f},
        {"dense2.weight", 256, 256, &w->dense2, 0.15f},
        {"dense2.bias", 256, 0, &w->dense2_bias, 0.2f},
        {"dense3.weight", 384, 256, &w->dense3, 0.15f},
        {"dense3.bias", 384, 0, &w->dense3_bias, 0.3f},
    };
    memcpy(ret_tensors, tensors, sizeof tensors);
}

static size_t elements(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

static bool is_matrix(const struct tensor *tensor)
{
    return strstr(tensor->name, ".weight") != NULL;
}

void weights_init(struct weights *weights, uint32_t seed, uint32_t composers)
{
    struct tensor tensors[TENSORS];
    weights->composers = composers;
    list(weights, tensors);
    for (int t = 0; t < TENSORS; t++) {
        float *values = malloc(elements(&tensors[t]) * sizeof *values);
        assert(values);
        draws_fill(&seed, tensors[t].scale, is_matrix(&tensors[t]), values, elements(&tensors[t]));
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

void weights_write(const struct weights *weights, const char *path, bool f32, const char *broken)
{
    struct tensor tensors[TENSORS];
    struct weights_tensor written[TENSORS];
    list((struct weights *)weights, tensors);
    for (int t = 0; t < TENSORS; t++) {
        written[t] = (struct weights_tensor){.rows = tensors[t].rows,
                                             .columns = tensors[t].columns,
                                             .values = *tensors[t].values,
                                             .bf16 = !f32 && is_matrix(&tensors[t])};
        snprintf(written[t].name, sizeof written[t].name, "%s", tensors[t].name);
    }
    char metadata[1024] = "\"format\":\"fermata-net-1\",\"net\":\"lstm\",\"family\":\"test\","
                          "\"licence\":\"MIT\",\"velocity_sigma\":\"0.1\","
                          "\"validation_loss\":\"1.25\","
                          "\"offered\":\"[\\\"c1\\\"]\",\"composers\":\"";
    weights_file_names(metadata, sizeof metadata - 1, 'c', weights->composers);
    strcat(metadata, "\"");
    weights_file_write(path, metadata, written, TENSORS, broken);
}
