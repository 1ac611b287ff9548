// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_CONVERTER_H
#define FERMATA_AUDIO_CONVERTER_H

#include <stddef.h>
#include <stdint.h>

/**
 * converter: 48 kHz stereo floats into the bytes that a reader asked for. The resampling is
 * speexdsp's, 5 ms late at 8 kHz (soxr works in blocks of up to 150 ms there); G.711 and G.722 (64
 * kbit/s) are spandsp's.
 * One thread.
 */
struct converter;

/** Samples in a reader's words. */
struct converter_format {
    const char *name; ///< "s16le", "s16be", "f32le", "ulaw", "alaw", "g722"
    uint32_t bytes;
    uint32_t samples; ///< that so many bytes make
};

/** The format called `name` ("slin" is s16le to Asterisk), or NULL. */
const struct converter_format *converter_format(const char *name);

#define CONVERTER_FORMATS "s16le, s16be, f32le, ulaw, alaw, g722"
#define CONVERTER_LOWEST_RATE 8000
#define CONVERTER_HIGHEST_RATE 48000
/** A rate must be a multiple of this: chunks of 40 ms are whole then. */
#define CONVERTER_RATE_STEP 25
#define CONVERTER_G722_RATE 16000

/** `rate` in Hz, as the limits above say; `channels` 1 (the mean of left and right) or 2; G.722
 * is CONVERTER_G722_RATE and 1. Returns 0, -EINVAL or -ENOMEM. */
int converter_new(const struct converter_format *format, uint32_t rate, uint32_t channels,
                  struct converter **ret_converter);
void converter_free(struct converter *converter);

/** Bytes of so many frames of the reader's rate, all channels; G.722 has two frames in a byte. */
uint32_t converter_bytes(const struct converter *converter, uint32_t frames);

/** Most frames that one call takes. */
#define CONVERTER_BLOCK 480

/** Takes `frames` frames, at most CONVERTER_BLOCK, and gives the bytes they make, at most
 * converter_room(); returns how many. */
size_t converter_process(struct converter *converter, const float *interleaved, uint32_t frames,
                         uint8_t *ret_bytes);
size_t converter_room(const struct converter *converter);

#endif
