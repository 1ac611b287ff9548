// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_SYNTH_H
#define FERMATA_AUDIO_SYNTH_H

#include <stdint.h>

/**
 * synth: one FluidSynth piano, 48 kHz stereo. Belongs to one thread (the performer's); makes none
 * of its own. Never clips: a limiter keeps the rare peak under -1 dBFS (limiter.h).
 */
struct synth;

#define SYNTH_RATE 48000
/** Frames by which notes are quantised: one takes effect at the start of a block of so many frames,
 * counted from the synth's first. */
#define SYNTH_BLOCK 64
/** Frames from the call of synth_note_on() to the note's first one in what is then rendered (a
 * limiter looks ahead). */
#define SYNTH_DELAY 64

/** The first SoundFont of Debian's usual places that can be read, or NULL. */
const char *synth_default_soundfont(void);

/** Loads `soundfont` (NULL or "": the default). Returns 0, -ENOENT (logged with the package to
 * install), -EBADMSG or -ENOMEM. */
int synth_new(const char *soundfont, struct synth **ret_synth);
/** The same, but where `soundfont` ("": the default) cannot be had, the default has to do: logged,
 * and `soundfont` is "" then. */
int synth_new_lenient(char *soundfont, struct synth **ret_synth);
void synth_free(struct synth *synth);

void synth_note_on(struct synth *synth, uint8_t pitch, uint8_t velocity);
void synth_note_off(struct synth *synth, uint8_t pitch);
/** Releases every note; they ring out. */
void synth_release_all(struct synth *synth);

/** Renders the next `frames` frames, interleaved. */
void synth_render(struct synth *synth, float *ret_interleaved, uint32_t frames);

#endif
