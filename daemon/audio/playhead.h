// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_PLAYHEAD_H
#define FERMATA_AUDIO_PLAYHEAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spa_io_clock;

/**
 * playhead: where in its ring the output has got to, by the clock of the graph. The output writes
 * it in each of its cycles, and whoever is to play along with it reads it. Plain data, without
 * locks; one writer, any reader, both real-time.
 */
struct playhead {
    atomic_uint turn; ///< odd while it is being written
    atomic_uint_fast64_t cycle;
    atomic_uint duration;
    atomic_uint index;
    atomic_uint given;
    atomic_uint taken;
};

/** One cycle of the graph. All zero before the first. */
struct playhead_cycle {
    uint64_t position; ///< of the graph's clock at its begin, in frames of the graph
    uint32_t duration; ///< frames of the graph
    uint32_t index;    ///< in the ring, of the first frame heard in it; modulo 2^32
    uint32_t given;    ///< frames of 48 kHz that were to be heard in it
    uint32_t taken;    ///< how many of them were music; the rest was silence
};

/**
 * The output's callback has been asked for `frames` frames at `clock`, as it may be several times
 * in a cycle, and took `taken` of them from the ring, from `place` on. Adds that to `cycle`, which
 * is the caller's, and writes it. Real-time safe.
 */
void playhead_add(struct playhead *playhead, struct playhead_cycle *cycle,
                  const struct spa_io_clock *clock, uint32_t place, uint32_t frames,
                  uint32_t taken);

void playhead_write(struct playhead *playhead, const struct playhead_cycle *cycle);

/** Returns false where it was just being written, again and again. */
bool playhead_read(struct playhead *playhead, struct playhead_cycle *ret_cycle);

#endif
