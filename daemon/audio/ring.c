// SPDX-License-Identifier: MIT
#include "audio/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <spa/utils/ringbuffer.h>

#define FRAME_BYTES (2 * sizeof(float))
#define SEAM (UINT64_C(1) << 32)

struct ring {
    struct spa_ringbuffer indices; // in frames, growing for ever modulo 2^32
    uint32_t frames;               // a power of two, so that the indices may wrap around
    uint32_t storage;              // twice as many
    atomic_uint_fast64_t seam;     // SEAM and the index before which music was left out; or 0
    atomic_uint taken;
    bool missed; // the writer's: since the last frame written
    float samples[];
};

int ring_new(uint32_t frames, struct ring **ret_ring)
{
    uint32_t rounded = 64;
    while (rounded < frames && rounded < UINT32_C(1) << 29)
        rounded *= 2;
    struct ring *ring = calloc(1, sizeof *ring + (size_t)rounded * 2 * FRAME_BYTES);
    if (!ring)
        return -ENOMEM;
    spa_ringbuffer_init(&ring->indices);
    atomic_init(&ring->seam, 0);
    atomic_init(&ring->taken, 0);
    ring->frames = rounded;
    ring->storage = 2 * rounded;
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

static uint32_t filled(struct ring *ring, uint32_t *ret_index)
{
    return (uint32_t)spa_ringbuffer_get_write_index(&ring->indices, ret_index);
}

uint32_t ring_writable(struct ring *ring)
{
    uint32_t index;
    uint32_t full = filled(ring, &index);
    return full < ring->frames ? ring->frames - full : 0;
}

static void write_at(struct ring *ring, uint32_t index, const float *interleaved, uint32_t frames)
{
    spa_ringbuffer_write_data(&ring->indices, ring->samples, ring->storage * FRAME_BYTES,
                              (index & (ring->storage - 1)) * FRAME_BYTES, interleaved,
                              frames * FRAME_BYTES);
    spa_ringbuffer_write_update(&ring->indices, (int32_t)(index + frames));
}

uint32_t ring_write(struct ring *ring, const float *interleaved, uint32_t frames)
{
    uint32_t index;
    uint32_t full = filled(ring, &index);
    uint32_t room = full < ring->frames ? ring->frames - full : 0;
    if (frames > room)
        frames = room;
    write_at(ring, index, interleaved, frames);
    return frames;
}

uint32_t ring_push(struct ring *ring, const float *interleaved, uint32_t frames)
{
    uint32_t index;
    uint32_t full = filled(ring, &index);
    // The reader must be well back before it is given any, lest there be one seam after the other.
    if (frames > ring->storage - full || (ring->missed && full > ring->frames)) {
        ring->missed = true;
        return 0;
    }
    if (ring->missed)
        atomic_store(&ring->seam, SEAM | index);
    ring->missed = false;
    write_at(ring, index, interleaved, frames);
    return frames;
}

void ring_miss(struct ring *ring)
{
    ring->missed = true;
}

bool ring_end(const struct ring *ring, uint32_t *ret_index)
{
    *ret_index = ring->indices.writeindex;
    return !ring->missed;
}

uint32_t ring_place(struct ring *ring)
{
    uint32_t index;
    spa_ringbuffer_get_read_index(&ring->indices, &index);
    return index;
}

static float *frame_at(struct ring *ring, uint32_t index)
{
    return ring->samples + (size_t)2 * (index & (ring->storage - 1));
}

/** Goes on at index `to`. What is readable is the reader's, so the crossfade is made in place. */
static void jump(struct ring *ring, uint32_t from, uint32_t to, uint32_t old, uint32_t left)
{
    uint32_t length = old < RING_CROSSFADE ? old : RING_CROSSFADE;
    length = left < length ? left : length;
    for (uint32_t i = 0; i < length; i++) {
        const float *before = frame_at(ring, from + i);
        float *after = frame_at(ring, to + i);
        float share = (float)(i + 1) / (float)(length + 1);
        after[0] = before[0] + share * (after[0] - before[0]);
        after[1] = before[1] + share * (after[1] - before[1]);
    }
    spa_ringbuffer_read_update(&ring->indices, (int32_t)to);
}

static void cross_seam(struct ring *ring, uint32_t frames)
{
    uint32_t index;
    // In this order: where new music is seen, so is the seam before it.
    uint32_t readable = (uint32_t)spa_ringbuffer_get_read_index(&ring->indices, &index);
    uint64_t seam = atomic_load(&ring->seam);
    if (!seam)
        return;
    uint32_t old = (uint32_t)seam - index;
    if (old > readable) // it was crossed by somebody who does not settle
        old = 0;
    uint32_t left = readable - old;
    if (left < frames + RING_CROSSFADE && old >= frames)
        return; // there is time until enough of the new is there
    // A newer seam than this one waits for the next time.
    if (atomic_compare_exchange_strong(&ring->seam, &seam, 0) && old > 0)
        jump(ring, index, (uint32_t)seam, old, left);
}

void ring_limit(struct ring *ring, uint32_t most, uint32_t left)
{
    uint32_t index;
    uint32_t readable = (uint32_t)spa_ringbuffer_get_read_index(&ring->indices, &index);
    if (readable > most && readable > left)
        jump(ring, index, index + (readable - left), readable - left, left);
}

void ring_settle(struct ring *ring, uint32_t frames)
{
    cross_seam(ring, frames);
    ring_limit(ring, ring->frames + ring->frames / 2,
               ring->frames > frames ? ring->frames : frames);
}

uint32_t ring_read(struct ring *ring, float *ret_interleaved, uint32_t frames)
{
    uint32_t index;
    uint32_t readable = (uint32_t)spa_ringbuffer_get_read_index(&ring->indices, &index);
    if (frames > readable)
        frames = readable;
    spa_ringbuffer_read_data(&ring->indices, ring->samples, ring->storage * FRAME_BYTES,
                             (index & (ring->storage - 1)) * FRAME_BYTES, ret_interleaved,
                             frames * FRAME_BYTES);
    spa_ringbuffer_read_update(&ring->indices, (int32_t)(index + frames));
    atomic_fetch_add_explicit(&ring->taken, frames, memory_order_relaxed);
    return frames;
}

uint32_t ring_taken(const struct ring *ring)
{
    return atomic_load_explicit(&ring->taken, memory_order_relaxed);
}
