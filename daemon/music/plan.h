// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_PLAN_H
#define FERMATA_MUSIC_PLAN_H

#include <stdint.h>

/**
 * plan: what a net is told of the texture it is to make (density, register, loudness, polyphony,
 * key, chroma), along the time. Each piece follows human trajectories of the composer, one after
 * the other, chosen by the seed and moved to the piece's own key; so the music breathes and
 * modulates as a person's does. Where no trajectories are known it is the composer's typical
 * texture for ever, and where that is not known nothing is told. Plain data of its lane.
 */

#define PLAN_CONTROLS 6
/** The column of keys: 0..11 major by the tonic, 12..23 minor. */
#define PLAN_KEY 4
/** In a row of trajectories: not known of this moment. A row of nothing else ends a trajectory. */
#define PLAN_UNKNOWN 255
#define PLAN_STEP_US INT64_C(5000000) ///< what a row covers

/** Where the trajectories are; belongs to whoever gives it. */
struct plan_source {
    const uint8_t (*rows)[PLAN_CONTROLS]; ///< buckets; NULL: none
    uint32_t count;
    int8_t typical[PLAN_CONTROLS]; ///< buckets; -1: not known
};

struct plan {
    struct plan_source source;
    uint64_t seed;
    uint64_t pieces; ///< begun so far
    uint64_t parts;  ///< trajectories of this piece so far
    int key;         ///< that the piece is mostly in, as in PLAN_KEY; -1: not known
    int64_t begin;   ///< channel time of the trajectory's first row
    uint32_t first;  ///< row of the source
    uint32_t length; ///< rows; 0: no trajectory
    uint8_t moved;   ///< semitones that its keys are moved, 0 to 11
};

/** Follows nothing until plan_begin(). */
void plan_init(struct plan *plan, uint64_t seed);

/** Another source from the next trajectory on; where the same one has only moved in memory (a net
 * was opened anew), the trajectory goes on. */
void plan_set_source(struct plan *plan, const struct plan_source *source);

/** A piece begins at channel time `time`, in another key than the one before. */
void plan_begin(struct plan *plan, int64_t time);

/** Another trajectory of the same piece, from `time` on, in its key. */
void plan_turn(struct plan *plan, int64_t time);

/** The music has come to `time`: where the trajectory is over, the next one begins. */
void plan_go_on(struct plan *plan, int64_t time);

/** The buckets for channel time `time`, -1 for what is not told. */
void plan_tell(const struct plan *plan, int64_t time, int8_t ret_control[PLAN_CONTROLS]);

#endif
