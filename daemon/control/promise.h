// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PROMISE_H
#define FERMATA_CONTROL_PROMISE_H

#include <stddef.h>
#include <stdint.h>

/**
 * promise: what Fermata says of itself (never dry, never silent, for ever), held against what a
 * soak has measured; what is broken comes out in plain words. Pure.
 */
struct soak_figures;

/** Seconds without a sounding note that a caller notices. */
#define PROMISE_SILENCE 3.0
/** And without a note beginning, though one sounds. */
#define PROMISE_ONSETS 4.0
/** Less music than this has no density that could be held against a composer's. */
#define PROMISE_DENSITY_FROM 600.0
/** Standard errors of a slope that is none: 3.3 of them come about by chance once in a thousand. It
 * is told from twelve times twenty minutes on. */
#define PROMISE_SLOPE_ERRORS 3.3
#define PROMISE_SLOPE_BLOCKS 12
/** Bytes by which the process may be larger at the end than when it had filled its rooms. */
#define PROMISE_GROWTH (8 * 1024 * 1024)

struct promise_list {
    char broken[4][160];
    size_t count;
};

/** Sets *ret_list to what a stream has broken. */
void promise_of_stream(const struct soak_figures *figures, struct promise_list *ret_list);

/** The same of the process, which was `early` bytes large once it had filled its rooms, and `late`
 * at the end. */
void promise_of_memory(int64_t early, int64_t late, struct promise_list *ret_list);

#endif
