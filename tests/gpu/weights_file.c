// SPDX-License-Identifier: MIT
#include "weights_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MOST_TENSORS 72

size_t weights_tensor_elements(const struct weights_tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

void weights_file_names(char *metadata, size_t room, char letter, uint32_t count)
{
    size_t used = strlen(metadata);
    used += (size_t)snprintf(metadata + used, room - used, "[");
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(metadata + used, room - used, "%s\\\"%c%u\\\"", i ? ", " : "",
                                 letter, i);
    used += (size_t)snprintf(metadata + used, room - used, "]");
    assert(used < room);
}

static void write_values(FILE *stream, const struct weights_tensor *tensor)
{
    for (size_t i = 0; i < weights_tensor_elements(tensor); i++) {
        if (tensor->bytes) {
            fwrite(&tensor->bytes[i], 1, 1, stream);
            continue;
        }
        uint32_t bits;
        memcpy(&bits, &tensor->values[i], sizeof bits);
        uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 24)};
        fwrite(tensor->bf16 ? bytes + 2 : bytes, tensor->bf16 ? 2 : 4, 1, stream);
    }
}

void weights_file_write(const char *path, const char *metadata,
                        const struct weights_tensor *tensors, uint32_t count, const char *broken)
{
    static char header[16384];
    struct weights_tensor kept[MOST_TENSORS];
    uint32_t kept_count = 0;
    size_t used = (size_t)snprintf(header, sizeof header, "{\"__metadata__\":{%s}", metadata);
    size_t offset = 0;
    assert(count <= MOST_TENSORS);
    for (uint32_t t = 0; t < count; t++) {
        struct weights_tensor *tensor = &kept[kept_count];
        *tensor = tensors[t];
        if (broken && broken[0] == '-' && strcmp(broken + 1, tensor->name) == 0)
            continue;
        if (broken && strcmp(broken, tensor->name) == 0)
            tensor->rows--;
        kept_count++;
        char columns[16] = "";
        if (tensor->columns)
            snprintf(columns, sizeof columns, ",%u", tensor->columns);
        const size_t size = weights_tensor_elements(tensor) * (tensor->bytes  ? 1
                                                               : tensor->bf16 ? 2
                                                                              : 4);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%u%s],\"data_offsets\":"
                                 "[%zu,%zu]}",
                                 tensor->name,
                                 tensor->bytes  ? "U8"
                                 : tensor->bf16 ? "BF16"
                                                : "F32",
                                 tensor->rows, columns, offset, offset + size);
        offset += size;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    assert(used < sizeof header);

    FILE *stream = fopen(path, "wbe");
    assert(stream);
    uint8_t length[8] = {(uint8_t)used, (uint8_t)(used >> 8), (uint8_t)(used >> 16)};
    fwrite(length, 8, 1, stream);
    fwrite(header, used, 1, stream);
    for (uint32_t t = 0; t < kept_count; t++)
        write_values(stream, &kept[t]);
    int r = fclose(stream);
    assert(r == 0);
}
