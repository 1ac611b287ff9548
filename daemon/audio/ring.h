// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_RING_H
#define FERMATA_AUDIO_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * ring: stereo float frames from one writer (performer) to one reader (such as the real-time
 * callback), without locks (spa_ringbuffer). A frame is two floats, left and right.
 *
 * A writer that has other rings to fill as well does not wait for this one: it pushes, and there is
 * as much room again for a reader that is late. What does not fit there is left out, and the reader
 * goes over such a place, and over music that has become too old, with a crossfade (ring_settle()).
 */
struct ring;

/** Frames of a crossfade: 5 ms. */
#define RING_CROSSFADE 240

/** `frames` is rounded up to a power of two. Returns 0 or -ENOMEM. */
int ring_new(uint32_t frames, struct ring **ret_ring);
void ring_free(struct ring *ring);

/** Frames that can be read / written now. A late reader may find more than `frames`, and then none
 * can be written. */
uint32_t ring_readable(struct ring *ring);
uint32_t ring_writable(struct ring *ring);

/** Writes up to `frames` frames; returns how many. Writer only. */
uint32_t ring_write(struct ring *ring, const float *interleaved, uint32_t frames);

/** Writes all frames, or, where the reader is too late even for that, none until it has come back;
 * returns how many. Writer only. */
uint32_t ring_push(struct ring *ring, const float *interleaved, uint32_t frames);

/** Music passes that this ring is not given. Writer only. */
void ring_miss(struct ring *ring);

/** The index, modulo 2^32, of the frame that is written next. Returns false while the ring is given
 * nothing, because its reader is late or away. Writer only. */
bool ring_end(const struct ring *ring, uint32_t *ret_index);

/** The index of the frame that is read next. Reader only; real-time safe. */
uint32_t ring_place(struct ring *ring);

/** Before so many frames are read: leaves out music that is too old, or has a successor from which
 * some was left out. Reader only; real-time safe. */
void ring_settle(struct ring *ring, uint32_t frames);

/** Where more than `most` frames can be read: leaves the oldest out until there are `left`. Reader
 * only; real-time safe. */
void ring_limit(struct ring *ring, uint32_t most, uint32_t left);

/** Reads up to `frames` frames; returns how many. Reader only; real-time safe. */
uint32_t ring_read(struct ring *ring, float *ret_interleaved, uint32_t frames);

/** Frames read so far, modulo 2^32; what was left out does not count. Any thread. */
uint32_t ring_taken(const struct ring *ring);

#endif
