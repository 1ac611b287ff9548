// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_CYCLE_H
#define FERMATA_AUDIO_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/fader.h"
#include "audio/playhead.h"

struct pw_stream;
struct spa_io_position;

/**
 * cycle: what the output does in each cycle of the graph: its real-time callback, and all that this
 * touches. Plain data of its output. The main loop sets it up and may change `stream` and
 * `position` while there is no stream; the fader's own rules hold for the fader.
 */
struct cycle {
    struct fader fader;
    struct playhead *playhead;        ///< is told where the output has got to; NULL: none
    struct pw_stream *stream;         ///< 48 kHz, two interleaved channels of float
    struct spa_io_position *position; ///< the graph's clock; NULL before there is one
    void (*on_room)(void *user);      ///< the ring has room; real-time
    void (*on_silence)(void *user);   ///< a fade out has ended, once; real-time
    void *user;                       ///< of on_room
    void *owner;                      ///< of on_silence
    struct playhead_cycle span;       ///< the callback's own
};

#define CYCLE_FRAME_BYTES (2 * sizeof(float))

/** Fills the stream's next buffer. Real-time: no lock, no allocation, no system call of its own. */
void cycle_process(struct cycle *cycle);

#endif
