// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PIECE_H
#define FERMATA_CONTROL_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/titles.h"
#include "music/note.h"

/**
 * piece: music of a bounded length, composed to be written down: its notes, the marks of what the
 * lane did, and what made it. Grows by what is taken from a score.
 */
struct score;

struct piece_mark {
    int64_t time;
    const char *event; ///< "piece", "reseed"; constants of the lane
    const char *text;
    char title[TITLES_ROOM]; ///< of a piece, else ""
};

/** What made it; strings belong to whoever gives them. */
struct piece_origin {
    const char *device, *net, *licence, *composer, *sampling, *profile;
    double threshold;
    bool curator;
    uint64_t seed;
};

struct piece {
    struct piece_origin origin;
    int64_t length;     ///< microseconds
    struct note *notes; ///< in order of onset; none outlasts the next one of its pitch
    size_t count, room;
    struct piece_mark *marks; ///< in order of time
    size_t mark_count, mark_room;
    size_t last[128]; ///< 1 + index of the pitch's latest note; 0: none
    bool short_of_memory;
};

/** Nothing yet. */
void piece_init(struct piece *piece, const struct piece_origin *origin, int64_t length);
void piece_finish(struct piece *piece);

/** Takes the score's notes up to `until`, or to the piece's length. Returns 0 or -ENOMEM. */
int piece_take(struct piece *piece, struct score *score, int64_t until);

/** Takes the notes of [from, to) out of the score's memory, without playing them; those that sound
 * over `from` begin there. The piece is as long. Returns 0 or -ENOMEM. */
int piece_take_past(struct piece *piece, struct score *score, int64_t from, int64_t to);

/** As a lane marks; `title` of a piece, else NULL. */
void piece_add_mark(struct piece *piece, const char *event, int64_t time, const char *text,
                    const char *title);

/** It ends at `length` already. */
void piece_cut(struct piece *piece, int64_t length);

/** "Fermata: chopin, by transformer-open, seed 7" */
#define PIECE_TITLE_ROOM 160
void piece_title(const struct piece *piece, char ret_title[PIECE_TITLE_ROOM]);

/**
 * One JSON object a line, in order of time, rounded to milliseconds; the first says what made it:
 *
 *     {"event":"composed","time":0,"version":..,"device":..,"net":..,"licence":..,"composer":..,
 *      "profile":"room","threshold":0.5,"sampling":"sample","curator":true,"seed":7,"seconds":600}
 *     {"event":"piece","time":0.000,"text":"start","title":"Improvisation .., no. 1"}
 *     {"event":"on","time":12.350,"pitch":60,"velocity":72,"duration":0.400}
 *
 * Returns 0, or -EIO where `out` cannot be written (errno says why).
 */
int piece_write_lines(const struct piece *piece, FILE *out);

#endif
