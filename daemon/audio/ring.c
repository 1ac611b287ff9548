// SPDX-License-Identifier: MIT
#include "audio/ring.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/ringbuffer.h>

#define FRAME_BYTES (2 * sizeof(float))

struct ring {
    struct spa_ringbuffer indices; // in frames, growing for ever modulo 2^32
    uint32_t frames;               // a power of two, so that the indices may wrap around
    float samples[];
};

int ring_new(uint32_t frames, struct ring **ret_ring)
{
    uint32_t rounded = 64;
    while (rounded < frames && rounded < UINT32_C(1) << 30)
        rounded *= 2;
    struct ring *ring = calloc(1, sizeof *ring + (size_t)rounded * FRAME_BYTES);
    if (!ring)
        return -ENOMEM;
    spa_ringbuffer_init(&ring->indices);
    ring->frames = rounded;
    *ret_ring = ring;
    return 0;
}

void ring_free(struct ring *ring)
{
    free(ring);
}

uint32_t ring_readable(struct ring *ring)
{
    uint32_t index;
    return (uint32_t)spa_ringbuffer_get_read_index(&ring->indices, &index);
}

uint32_t ring_writable(struct ring *ring)
{
    uint32_t index;
    return ring->frames - (uint32_t)spa_ringbuffer_get_write_index(&ring->indices, &index);
}

uint32_t ring_write(struct ring *ring, const float *interleaved, uint32_t frames)
{
    uint32_t index;
    uint32_t filled = (uint32_t)spa_ringbuffer_get_write_index(&ring->indices, &index);
    if (frames > ring->frames - filled)
        frames = ring->frames - filled;
    spa_ringbuffer_write_data(&ring->indices, ring->samples, ring->frames * FRAME_BYTES,
                              (index & (ring->frames - 1)) * FRAME_BYTES, interleaved,
                              frames * FRAME_BYTES);
    spa_ringbuffer_write_update(&ring->indices, (int32_t)(index + frames));
    return frames;
}

uint32_t ring_read(struct ring *ring, float *ret_interleaved, uint32_t frames)
{
    uint32_t index;
    uint32_t filled = (uint32_t)spa_ringbuffer_get_read_index(&ring->indices, &index);
    if (frames > filled)
        frames = filled;
    spa_ringbuffer_read_data(&ring->indices, ring->samples, ring->frames * FRAME_BYTES,
                             (index & (ring->frames - 1)) * FRAME_BYTES, ret_interleaved,
                             frames * FRAME_BYTES);
    spa_ringbuffer_read_update(&ring->indices, (int32_t)(index + frames));
    return frames;
}
