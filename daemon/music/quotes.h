// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_QUOTES_H
#define FERMATA_MUSIC_QUOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct echo_line;

/**
 * quotes: whether a run of twelve notes occurs in the music that the nets of a family have learnt
 * from, and the figures of human music that belong to it (models/quotes.py). The runs are a Bloom
 * filter: of those that do not occur, a few in a hundred seem to (the file says how many); those
 * that do are always found. Read-only once made, from any thread.
 */
struct quotes;

/**
 * `filter`: `size` bytes, bit n is bit n % 8 of byte n / 8; a run sets `hashes` (1 to 16) of them.
 * `reference`: JSON for curator_reference_parse(). Both are copied.
 * Returns 0, -EBADMSG (no such filter) or -ENOMEM.
 */
int quotes_new(const uint8_t *filter, size_t size, unsigned hashes, const char *reference,
               struct quotes **ret_quotes);
void quotes_free(struct quotes *quotes);

const char *quotes_reference(const struct quotes *quotes);

/** `run`: of line_run(). */
bool quotes_have(const struct quotes *quotes, uint64_t run);

/**
 * Notes of the longest passage in which each run occurs there, of those that reach into the draft;
 * 0 where there is none. A run that comes again in the passage is not counted again, so that a
 * trill or a broken chord is no long one.
 */
size_t quotes_longest(const struct quotes *quotes, const struct echo_line *line);

/** The first note with which such a passage is longer than `most` notes; line->count where none is.
 */
size_t quotes_first_beyond(const struct quotes *quotes, const struct echo_line *line, size_t most);

/**
 * How many of the runs that the draft ends (*ret_runs: of how many) occur there beside another one
 * that does. A run alone does not count: it may as well be one that the filter is wrong about.
 */
size_t quotes_count(const struct quotes *quotes, const struct echo_line *line, size_t *ret_runs);

#endif
