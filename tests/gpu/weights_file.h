// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_WEIGHTS_FILE_H
#define FERMATA_TESTS_GPU_WEIGHTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * weights_file: writes a safetensors file of a test's weights, or one with a flaw. The format:
 * https://huggingface.co/docs/safetensors
 */
struct weights_tensor {
    char name[32];
    uint32_t rows, columns; ///< columns 0: one dimension
    const float *values;
    const uint8_t *bytes; ///< instead of values: U8
    bool bf16;            ///< of values, which it represents exactly; else F32
};

/** Values of a tensor. */
size_t weights_tensor_elements(const struct weights_tensor *tensor);

/** Appends `["c0", "c1", ...` and so on, `count` names, to metadata, as JSON within JSON; `letter`
 * begins each. */
void weights_file_names(char *metadata, size_t room, char letter, uint32_t count);

/**
 * Writes `metadata`, the pairs of a JSON object but for its braces, and the tensors in their order.
 * `broken` names a tensor to write with one row too few in its shape, or one that is left out if it
 * begins with '-'; NULL for a sound file. What cannot be written fails an assertion.
 */
void weights_file_write(const char *path, const char *metadata,
                        const struct weights_tensor *tensors, uint32_t count, const char *broken);

#endif
