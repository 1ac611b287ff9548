// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_TITLES_H
#define FERMATA_CONTROL_TITLES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * titles: what the pieces of one channel are called, from when they are composed to when they are
 * heard: "Improvisation in the manner of Chopin, no. 1234". A piece that is cut away
 * before anybody heard it gives its number back. For any thread, but for titles_init() and
 * titles_finish().
 */
#define TITLES_ROOM 128
#define TITLES_PLANNED 8

struct title {
    int64_t time; ///< channel time at which the piece begins
    uint64_t number;
    char text[TITLES_ROOM];
};

struct titles {
    pthread_mutex_t mutex;
    struct title heard; ///< the latest piece; at first without text, with the number given
    struct title planned[TITLES_PLANNED]; ///< in order of time
    size_t count;
};

/** Writes "Saint Saens" for "saint_saens". */
void titles_write_name(const char *composer, char *ret_name, size_t room);

/** Writes the title of piece number `number` in the manner of `composer` ("chopin", "saint_saens").
 */
void titles_write(const char *composer, uint64_t number, char ret_text[TITLES_ROOM]);

/** `number` is that of the last piece there was. */
void titles_init(struct titles *titles, uint64_t number);
void titles_finish(struct titles *titles);

/** A piece is composed that begins at `time`; gives it the next number. */
void titles_plan(struct titles *titles, int64_t time, const char *composer,
                 char ret_text[TITLES_ROOM]);

/** The music from `at` on will not be played. */
void titles_cut(struct titles *titles, int64_t at);

/** Whether titles_turn() has something to do. */
bool titles_are_due(struct titles *titles, int64_t position);

/** The music has come to `position` (0: not begun). Returns true where another piece is heard now.
 */
bool titles_turn(struct titles *titles, int64_t position);

/** The piece that is heard; its text is "" before the first one. */
struct title titles_heard(struct titles *titles);

#endif
