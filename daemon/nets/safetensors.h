// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_SAFETENSORS_H
#define FERMATA_NETS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

/**
 * safetensors: a file of named arrays (https://github.com/huggingface/safetensors): eight bytes of
 * header length, little-endian; a JSON header; then the bytes of the arrays.
 *
 * The whole file is read into memory and checked before anything of it is used, since it may come
 * from anywhere: every array lies within the file, overlaps no other, and has as many bytes as its
 * type and shape need. Read-only afterwards, from any thread.
 */
struct safetensors;

enum safetensors_type {
    SAFETENSORS_OTHER, ///< a type that this program has no use for
    SAFETENSORS_F32,
    SAFETENSORS_BF16,
    SAFETENSORS_I32,
    SAFETENSORS_U8,
    SAFETENSORS_I8, ///< with a scale: a row is as many times its integers
};

#define SAFETENSORS_MAX_DIMENSIONS 8

struct safetensors_tensor {
    const char *name;
    enum safetensors_type type;
    uint32_t dimensions;
    uint64_t shape[SAFETENSORS_MAX_DIMENSIONS];
    uint64_t elements;
    const void *data; ///< little-endian, not aligned
    size_t size;      ///< bytes
    /** Of an I8 matrix: the F32 array NAME.scale with a number for each row; NULL: there is none.
     */
    const struct safetensors_tensor *scale;
};

/**
 * Returns 0, -ENOENT and other errors of opening a file, -EBADMSG (not such a file, or broken), or
 * -ENOMEM; logged with what is wrong.
 */
int safetensors_new(const char *path, struct safetensors **ret_file);
void safetensors_free(struct safetensors *file);

const char *safetensors_path(const struct safetensors *file);

/** The array called `name`, or NULL. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);

/** The entry `key` of the metadata, or NULL. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/**
 * The F32 or BF16 array `name` of exactly this shape (`columns` 0: one dimension of `rows`), all of
 * its values finite; or an I8 matrix whose scale is so.
 * Returns 0 or -EBADMSG, logged with the array's name.
 */
int safetensors_matrix(const struct safetensors *file, const char *name, uint64_t rows,
                       uint64_t columns, const struct safetensors_tensor **ret_tensor);

/** Element `index` of an array that safetensors_matrix() takes. */
float safetensors_float(const struct safetensors_tensor *tensor, uint64_t index);

/** Element `index` of an I8 array as it is kept. */
int8_t safetensors_integer(const struct safetensors_tensor *tensor, uint64_t index);

#endif
