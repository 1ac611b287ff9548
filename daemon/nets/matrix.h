// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_MATRIX_H
#define FERMATA_NETS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct buffer;
struct form;
struct kernel;
struct safetensors_tensor;

/**
 * matrix: a matrix of a net in device memory, bound to the kernel of a product and to the buffers
 * it reads and writes. Weights are kept as bfloat16: those of a BF16 file exactly, those of an F32
 * file rounded to nearest even. Those of an I8 file are kept as bytes, with the scales of the rows
 * behind them.
 */
struct matrix {
    struct buffer *weights;
    struct binding *binding;
    uint32_t push[2];   ///< blocks of columns, rows
    uint32_t groups[2]; ///< the dispatch's grid
};

/** Columns in a block: one 128-bit load of bfloat16; or of bytes. */
#define MATRIX_BLOCK 8
#define MATRIX_BYTES_BLOCK 16

/** Order of the rows in device memory: [group][block][row of the invocation][invocation]. */
struct matrix_order {
    uint32_t rows, columns; ///< rows in groups of width * height
    uint32_t height;        ///< rows of an invocation
    uint32_t width;         ///< invocations of a group
    uint32_t gates; ///< each a share of the rows; of an invocation: one gate of its units, the next
};

/** Tensors of the same number of columns, the rows of one below those of the other; all of them I8
 * or none. */
struct matrix_source {
    const struct safetensors_tensor *tensors[4];
    uint32_t count;
};

/** Writes a source's bfloat16 in this order to `ret_texels`, 8 columns to four words. Rows that the
 * source does not have are zero. Returns behind the last word. */
uint32_t *matrix_pack(const struct matrix_order *order, const struct matrix_source *source,
                      uint32_t *ret_texels);

/** As matrix_pack(), 16 columns of an I8 source to four words; the scales of all rows follow. */
void matrix_pack_bytes(const struct matrix_order *order, const struct matrix_source *source,
                       uint32_t *ret_texels);

/** Bytes of a matrix so packed. */
size_t matrix_size(const struct matrix_order *order, bool bytes);

/** Uploads `size` bytes so packed into a new buffer. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int matrix_upload(const struct form *form, const uint32_t *texels, size_t size,
                  struct buffer **ret_buffer);

/** A product from `input` to `output` by a kernel made of program_matrix_texel or
 * program_matrix_plain, with BYTES of shaders/mode.glsl where the source is I8. Rows are a multiple
 * of 128, columns of 256. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int matrix_init(struct matrix *matrix, const struct form *form, struct kernel *kernel,
                const struct matrix_source *source, struct buffer *input, struct buffer *output);
/** Also of a matrix that is all zero. */
void matrix_finish(struct matrix *matrix);

/** Records the product, and a barrier behind it. */
void matrix_record(const struct matrix *matrix, struct batch *batch);

#endif
