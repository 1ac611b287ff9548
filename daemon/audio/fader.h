// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_FADER_H
#define FERMATA_AUDIO_FADER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ring;

/**
 * fader: all that the real-time callback of an output does and touches: it copies from the ring
 * and moves the gain, never faster than from 0 to 1 in FADER_FRAMES, so that nothing clicks,
 * neither a start nor a stop, a change of volume or a ring that runs empty.
 *
 * Plain data. fader_process() is for the real-time thread: no lock, no allocation, no system call.
 * The setters and getters are for any thread. Knows nothing of PipeWire.
 */

#define FADER_FRAMES 1440 ///< 30 ms at 48 kHz

/** So many calls give nothing but silence before fader_process() says so: what was given last may
 * still be on its way when the graph is stopped. */
#define FADER_SILENT_CALLS 2

struct fader {
    struct ring *ring;
    uint32_t capacity; ///< of the ring, in frames
    uint32_t guard;    ///< frames kept for a fade out, FADER_FRAMES; less makes it steeper

    _Atomic float volume; ///< linear amplitude to reach while playing
    atomic_bool playing;
    atomic_bool restart;            ///< the next callback begins from silence
    atomic_uint_fast64_t underruns; ///< frames

    // The real-time thread's own.
    float gain;
    bool starving;        ///< the ring ran empty; waiting until it is half full again
    uint8_t silent_calls; ///< since the fade out has ended, up to FADER_SILENT_CALLS
    bool begun;           ///< music has come since the last start
};

/** Begins stopped, at full volume. The ring outlives the fader. */
void fader_init(struct fader *fader, struct ring *ring);

/** Fades in or out from the next callback on. While stopped nothing is taken from the ring, but
 * for what sounds during the fade. */
void fader_set_playing(struct fader *fader, bool playing);

/** Linear amplitude, 0 to 1. */
void fader_set_volume(struct fader *fader, float amplitude);

/** The callback has been away (no sink, a new stream): begin from silence, whatever was last. */
void fader_restart(struct fader *fader);

/** Frames of silence given out between music because the ring was empty. */
uint64_t fader_underruns(const struct fader *fader);

/**
 * Gives the next `frames` frames, interleaved. Returns true once after fader_set_playing(false),
 * when the caller may stop calling.
 */
bool fader_process(struct fader *fader, float *ret_interleaved, uint32_t frames);

/** True where a quarter of the ring or more is free: it is time to wake the writer. Real-time. */
bool fader_wants_music(const struct fader *fader);

#endif
