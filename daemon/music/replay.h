// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_REPLAY_H
#define FERMATA_MUSIC_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * replay: music for when no net makes any: phrases of the channel's last eight minutes in another
 * order, each moved by some semitones and a little faster or slower than before; where there are
 * none, human phrases. It can go on for ever: phrases are taken from what nets have composed, never
 * from a replay, so that nothing wanders off. Pure: no clock, no device. Plain data of its lane.
 */
struct score;
struct seedbook;

#define REPLAY_MEMORY_US (480 * NOTE_SECOND)
#define REPLAY_NOTES 16384
#define REPLAY_PHRASE_NOTES 2048

enum replay_source {
    REPLAY_NOTHING, ///< there is no music at all
    REPLAY_KEPT,    ///< the channel's own
    REPLAY_HUMAN,
};

struct replay {
    uint64_t seed;
    uint64_t phrases; ///< chosen so far
    int64_t fresh;    ///< from this channel time on the score has what nets have composed
    int64_t former;   ///< onset of the phrase before, in the time of `kept`
    bool going;       ///< no net has composed since the last call
    struct note kept[REPLAY_NOTES];
    size_t kept_count;
    /** The phrase in work, varied; the first note at 0. */
    struct note phrase[REPLAY_PHRASE_NOTES];
    size_t phrase_count;
    size_t played;  ///< notes of it
    int64_t length; ///< with the breath behind it
    int64_t place;  ///< how far it was played
    enum replay_source source;
};

void replay_init(struct replay *replay, uint64_t seed);

/**
 * The next `length` microseconds of music, for channel time `start`, the score's horizon: at most
 * `room` notes to `notes`, in order of onset, from 0 on. `book` may be NULL. Returns whence the
 * last of them came.
 */
enum replay_source replay_play(struct replay *replay, struct score *score, int64_t start,
                               const struct seedbook *book, const char *composer, int64_t length,
                               struct note *notes, size_t room, size_t *ret_count);

/** A net composes again, from channel time `time` on. */
void replay_end(struct replay *replay, int64_t time);

#endif
