// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_COMFORT_H
#define FERMATA_CLIENT_COMFORT_H

#include <stddef.h>
#include <stdint.h>

/**
 * comfort: what a reader hears while there is no music: at first the last chunk once more,
 * backwards and fading, so that nothing clicks; then noise of -66 dBFS, by which an ear, and what
 * detects dead lines, knows that somebody is there. G.711 and G.722 are spandsp's.
 */

/** How samples are written; chunks are of 40 ms. */
struct comfort_format {
    const char *name;
    uint32_t bytes;
    uint32_t samples; ///< that so many bytes make
};

/** The rate that G.722 has, with one channel. */
#define COMFORT_G722_RATE 16000

/** The format called `name` ("slin" is s16le), or NULL. */
const struct comfort_format *comfort_format(const char *name);
#define COMFORT_FORMATS "s16le, s16be, f32le, ulaw, alaw, g722"

struct comfort {
    const struct comfort_format *format;
    uint32_t channels;
    uint32_t noise;                   ///< state of its random numbers, not 0
    struct g722_encode_state_s *g722; ///< its own: NULL at first
};

/** Makes a chunk of `size` bytes to follow the chunk `last`; NULL: noise
 * follows noise. They may not overlap. */
void comfort_make(struct comfort *comfort, const uint8_t *last, uint8_t *ret_chunk, size_t size);

#endif
