// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_ENDING_H
#define FERMATA_MUSIC_ENDING_H

#include <stddef.h>
#include <stdint.h>

#include "music/curator.h"
#include "music/note.h"

/**
 * ending: when a piece ends, and how. The length is drawn from the seed; towards the end the music
 * is asked to thin out; then it slows down into its most restful chord, which is held, and nothing
 * comes behind it for a breath. Pure: no clock, no allocation. Plain data of its lane.
 */

/** How long pieces are, in minutes. Both 0: one endless piece. */
struct ending_length {
    double least, most;
};

#define ENDING_SHORTEST 0.5
#define ENDING_LONGEST 60.0

/** Reads "2-5", "3" or "0": minutes from ENDING_SHORTEST to ENDING_LONGEST. Returns 0 or -EINVAL.
 */
int ending_read_length(const char *text, struct ending_length *ret_length);

#define ENDING_LENGTH_ROOM 32
/** The same, written. */
void ending_write_length(const struct ending_length *length, char ret_text[ENDING_LENGTH_ROOM]);

struct ending {
    uint64_t seed;
    uint64_t pieces; ///< begun so far
    int64_t begin;   ///< of the piece, channel time
    double share;    ///< of the way from the least to the most length
};

void ending_init(struct ending *ending, uint64_t seed);

/** A piece begins at channel time `time`. */
void ending_begin(struct ending *ending, int64_t time);

/** Channel time about which the piece is to end; INT64_MAX: never. */
int64_t ending_time(const struct ending *ending, const struct ending_length *length);

/** By how many steps (0, 1 or 2) the music at `time` is to be thinner where it ends at `end`. */
int ending_thinner(int64_t time, int64_t end);

/** The last chord is held for so long, usually. */
#define ENDING_HOLD_US (2 * NOTE_SECOND)
/** From the last onset to the time at which the next piece may begin: less than what is a gap. */
#define ENDING_REST_US (CURATOR_LONGEST_GAP - NOTE_SECOND / 2)

/** The end of a piece in the making. */
struct ending_music {
    const struct note *before; ///< what was played before, for about 16 s, in order of onset
    size_t before_count;
    struct note *notes; ///< the last ones, with their durations, in order of onset
    size_t count;
    int64_t from, to; ///< they begin in [from, to)
    int key;          ///< 0..11 major by the tonic, 12..23 minor; -1: to be heard from the notes
    int64_t hold;     ///< for so long the last chord is held
};

/**
 * Makes an ending of the music: chooses the last chord among those that begin late enough for no
 * gap to be left behind, slows down into it, takes away what would follow, and holds it. Changes
 * music->notes and music->count. Returns the onset of the last chord, or music->from where there is
 * no note at all.
 */
int64_t ending_close(struct ending_music *music);

#endif
