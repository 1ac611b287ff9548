// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_BATCH_H
#define FERMATA_COMPUTE_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct binding;
struct buffer;
struct device;

/**
 * batch: a recorded list of dispatches and copies that is run as often as one likes.
 *
 * Recorded once (batch_begin, ..., batch_end), then batch_run() submits it and waits. What one
 * entry writes is seen by a later one only behind a batch_barrier() between them; the host's
 * writes before a run, the runs before it and the host's reads after it need none. Belongs to the
 * device's thread, and goes before its device, bindings and buffers.
 */
struct batch;

int batch_new(struct device *device, struct batch **ret_batch);
void batch_free(struct batch *batch);

/** Begins to record; what was recorded before is forgotten. Returns 0, -ENOMEM, -ENODEV, -EIO. */
int batch_begin(struct batch *batch);

/** `push` (may be NULL) is `push_bytes` of push constants, at most KERNEL_PUSH_BYTES and a
 * multiple of 4; x and y count workgroups. */
void batch_dispatch(struct batch *batch, const struct binding *binding, const void *push,
                    size_t push_bytes, uint32_t x, uint32_t y);

/** Offsets and size in bytes, multiples of 4. */
void batch_copy(struct batch *batch, const struct buffer *from, size_t from_offset,
                struct buffer *to, size_t to_offset, size_t size);

/** Zeroes a whole buffer. */
void batch_fill(struct batch *batch, struct buffer *buffer);

void batch_barrier(struct batch *batch);

int batch_end(struct batch *batch);

/**
 * Submits and waits: for 10 s, or 60 s where the device is the CPU, which does not hang but may
 * have much else to do. Returns 0, -ENODEV (device lost, now or before), -ETIMEDOUT (the device
 * counts as lost from then on), -ENOMEM or -EIO.
 */
int batch_run(struct batch *batch);

#endif
