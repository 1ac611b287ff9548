// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_RING_H
#define FERMATA_AUDIO_RING_H

#include <stddef.h>
#include <stdint.h>

/**
 * ring: stereo float frames from one writer (performer) to one reader (the real-time callback),
 * without locks (spa_ringbuffer). A frame is two floats, left and right.
 */
struct ring;

/** `frames` is rounded up to a power of two. Returns 0 or -ENOMEM. */
int ring_new(uint32_t frames, struct ring **ret_ring);
void ring_free(struct ring *ring);

/** Frames that can be read / written now. */
uint32_t ring_readable(struct ring *ring);
uint32_t ring_writable(struct ring *ring);

/** Writes up to `frames` frames; returns how many. Writer only. */
uint32_t ring_write(struct ring *ring, const float *interleaved, uint32_t frames);

/** Reads up to `frames` frames; returns how many. Reader only; real-time safe. */
uint32_t ring_read(struct ring *ring, float *ret_interleaved, uint32_t frames);

#endif
