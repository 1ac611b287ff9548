// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_BUFFER_H
#define FERMATA_COMPUTE_BUFFER_H

#include <stddef.h>

struct device;

/**
 * buffer: memory of the device, bound to kernels as a storage buffer or as a texel buffer.
 *
 * Zero when new. Belongs to the device's thread; must go before the device, and after the
 * bindings and batches that name it.
 */
struct buffer;

enum buffer_place {
    BUFFER_DEVICE, ///< where kernels reach it fastest; the host by copies that wait
    BUFFER_UPLOAD, ///< mapped: the host writes, kernels read
    BUFFER_READ,   ///< mapped: kernels write, the host reads
};

/** What a texel of a texel view is. */
enum buffer_texel {
    BUFFER_NO_TEXEL, ///< storage only
    BUFFER_R32F,
    BUFFER_RGBA32F,
    BUFFER_RGBA32UI,
};

/** Bytes of a texel; 0 for BUFFER_NO_TEXEL. */
size_t buffer_texel_bytes(enum buffer_texel texel);

/** `size` in bytes, more than 0 and a multiple of 16. Returns 0, -ENOMEM, -ENODEV or -EIO. */
int buffer_new(struct device *device, size_t size, enum buffer_place place, enum buffer_texel texel,
               struct buffer **ret_buffer);
void buffer_free(struct buffer *buffer);

size_t buffer_size(const struct buffer *buffer);

/** The mapped bytes of a BUFFER_UPLOAD or BUFFER_READ; NULL for a BUFFER_DEVICE. What the host
 * writes is seen by the next batch_run(), what kernels wrote is seen after it. */
void *buffer_map(struct buffer *buffer);

/** Copies between the host and any buffer; waits. `offset` and `size` in bytes, within the
 * buffer, multiples of 4. Not while a batch runs. Returns 0, -ENOMEM, -ENODEV, -ETIMEDOUT or
 * -EIO. */
int buffer_write(struct buffer *buffer, size_t offset, const void *data, size_t size);
int buffer_read(struct buffer *buffer, size_t offset, void *ret_data, size_t size);

#endif
