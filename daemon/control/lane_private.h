// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_LANE_PRIVATE_H
#define FERMATA_CONTROL_LANE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/aside.h"
#include "control/decisions.h"
#include "control/draft.h"
#include "control/lane.h"
#include "control/primer.h"
#include "control/scribe.h"
#include "control/sketches.h"
#include "control/steering.h"
#include "music/curator.h"
#include "music/echo.h"
#include "music/opening.h"
#include "music/replay.h"

/**
 * lane_private: what lane.c (what is to be composed next), lane_keep.c (what becomes of what was
 * composed) and lane_relief.c (what is done when nets fail) share. All of it is for the generator's
 * thread, but where something else is said.
 */

/** How far ahead of now a change begins: time to prime and to compose one draft. It doubles when
 * the machine was too slow for it. */
#define LEAD_US (NOTE_SECOND / 2)
#define LONGEST_LEAD_US (8 * NOTE_SECOND)

/** So many times in a row may the patience with a net's drafts come to its end. */
#define LANE_PATIENCES 3

/** What is played, from best to worst. */
enum lane_rung {
    LANE_WELL,
    LANE_LEAST_BAD, ///< refused drafts, for want of others
    LANE_OTHER_NET,
    LANE_REPLAY,
    LANE_PHRASES,
};

/** What the lane's nets are doing for it. */
enum lane_work {
    LANE_RESTS,    ///< nothing
    LANE_DRAFTS,   ///< the lane's own net makes a draft
    LANE_PRIMES,   ///< the lane's own net is fed with what all sketches begin with
    LANE_SKETCHES, ///< another one draws the draft again, several times at once
};

struct lane {
    struct score *score;
    uint64_t seed;
    lane_mark_func *mark;
    void *mark_user;

    pthread_mutex_t mutex; ///< guards `asked`, `wishes` and `asked_opening`
    struct lane_style asked;
    unsigned wishes;
    struct opening asked_opening;

    struct lane_style style;
    char net[64]; ///< the one the scribe writes for
    enum lane_work work;
    bool filling;
    bool priming;              ///< the draft begins with priming the net,
    enum primer_source source; ///< with this
    const char *reason;        ///< why, in a word, for the mark
    bool piece;                ///< the draft begins a new piece
    bool replaces;             ///< the draft takes the place of what is composed from `start` on
    unsigned serving;          ///< the wishes it fulfils
    unsigned later;            ///< wishes that wait for it
    unsigned age;              ///< of the replacement, in runs
    int64_t start;             ///< channel time at which the draft begins, a whole frame
    int64_t cut;               ///< where it replaces: what was composed from here on goes
    struct opening opening;    ///< of the piece, where LANE_OPENING is served; it ends at `start`
    int64_t breath;            ///< silence before it
    int64_t lead;
    int64_t next_reseed;
    int64_t piece_start; ///< what lies before it is another piece's
    uint64_t step;       ///< steps run so far: the counter of the random numbers
    uint32_t steps;      ///< of the run in work
    unsigned refused;    ///< drafts in a row

    struct steering steering;
    struct scribe scribe;
    struct echo *echo; ///< what the curator knows of the music; the lane's
    struct curator curator;
    char bounds_of[128]; ///< net and composer that the bounds are of
    struct draft draft;
    struct draft least_bad;
    double least_badness;
    struct sketches sketches; ///< what is drawn of a draft that was refused
    bool may_sketch;          ///< there is a net for it
    int adopt;                ///< the one that was kept just now, -1: none
    struct primer primer;

    const struct repertoire_net *playing; ///< the net in use; NULL: none yet
    bool others;                          ///< there is another one to play on
    struct aside aside;
    bool doubts;        ///< the one in use has failed
    unsigned patiences; ///< that came to their end, in a row
    enum lane_rung rung;
    _Atomic(const char *) trouble; ///< the same in words
    struct replay replay;
    struct draft relief;
    bool relieved; ///< the score goes on otherwise than the scribe thinks

    _Atomic uint64_t reseeds;
    struct decisions decisions;
};

/** Tells of something at lane->start. */
void lane_tell(struct lane *lane, const char *event, const char *text);

/** Begins the draft that fulfils lane->serving, in the place of what is composed from soon on. */
void lane_begin_replacement(struct lane *lane);

/** The draft is whole: it is kept, or is to be tried again. */
void lane_judge(struct lane *lane);

/** The net in use makes nothing that can be played: another one is to play, or else music that is
 * there already is kept. */
void lane_give_up(struct lane *lane);

/** All sketches are whole: the best of them is kept, or they are to be tried again. */
void lane_judge_sketches(struct lane *lane);

/** What a new piece is primed with. */
enum primer_source lane_piece_source(const struct lane *lane);

/** Channel time at which the piece begins that the draft belongs to, where it begins one. */
int64_t lane_piece_begin(const struct lane *lane);

/** Says how it goes on, where it is another way than before. */
void lane_set_rung(struct lane *lane, enum lane_rung rung);

/** A draft of the net in use is kept: one that is good, or the least bad. */
void lane_play_on(struct lane *lane, bool well);

/** Sets the net in use aside. Returns false where there is no other one. */
bool lane_set_aside(struct lane *lane);

/** Writes a draft out of music that is there already. */
void lane_write_relief(struct lane *lane);

/** After lane_relieve(): what was in work is forgotten, and the next draft begins where the score
 * ends now. Returns true where that was so. */
bool lane_settle(struct lane *lane);

/** After notes from `from` on were put into the score: for a telephone, few sound at once. */
void lane_limit_voices(struct lane *lane, int64_t from);

#endif
