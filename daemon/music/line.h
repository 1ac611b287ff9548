// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_LINE_H
#define FERMATA_MUSIC_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * line: notes one after the other, as repetitions and copies are looked for in them. Notes whose
 * onsets are no more than 30 ms apart are one chord, told from low to high. A *run* is LINE_RUN
 * notes in a row, told by the intervals between them, so that transposition hides nothing.
 *
 * The same as models/originality.py's line() and runs(), bit for bit
 * (tests/data/golden-quotes.safetensors).
 */

/** Notes of a run. */
#define LINE_RUN 12
#define LINE_CHORD_US INT64_C(30000)
/** Notes of one chord at most: a storm that never rests is cut there. Music has no such. */
#define LINE_CHORD 256

/** Puts the notes of one chord in the order of a line. */
void line_sort(struct note *chord, size_t count);

/** What tells the run of the LINE_RUN notes at `pitch`: a polynomial of its intervals modulo 2^64.
 */
uint64_t line_run(const uint8_t *pitch);

#endif
