// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_STUDIO_H
#define FERMATA_TESTS_STUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "control/generator.h"
#include "control/lane.h"
#include "fake_net.h"
#include "music/score.h"

/**
 * studio: a generator with channels over fake nets, stepped by hand: what is played, decided and
 * told of each channel.
 */
#define STUDIO_CHANNELS 8
#define STUDIO_NOTES 16384

struct studio_channel {
    struct score *score;
    struct lane *lane;
    char marks[4096]; ///< "piece start, reseed thin, ..." as they are told
};

struct studio {
    struct repertoire *repertoire;
    struct generator *generator;
    struct studio_channel channels[STUDIO_CHANNELS];
    size_t count;
    struct note notes[STUDIO_NOTES]; ///< for studio_played()
};

/** `count` channels that play on `names[0]` of the nets `names`; channel i has the seed
 * `seed + i`. */
struct studio *studio_new(const char *const *names, bool phrases, size_t count, uint64_t seed);
void studio_free(struct studio *studio);

/** Composes and plays until `seconds` were played on every channel. */
void studio_play(struct studio *studio, double seconds);

/** Plays `seconds` of a channel without composing; returns the seconds that there were. */
double studio_listen(struct studio *studio, size_t channel, double seconds);

/** Composes until nobody wants more. */
void studio_compose(struct studio *studio);

/** Copies the notes of a channel from `from` seconds up to `to` to studio->notes; how many. */
size_t studio_notes(struct studio *studio, size_t channel, double from, double to);

/** Longest time between two onsets up to the horizon, in seconds. */
double studio_longest_gap(struct studio *studio, size_t channel);

/** The word of lane_trouble(), or "". */
const char *studio_rung(struct studio *studio, size_t channel);

/** A figure of lane_decisions(). */
uint64_t studio_decision(struct studio *studio, size_t channel, const char *name);

/** Asserts that two channels of two studios have played the same up to `seconds`. */
void studio_assert_same(struct studio *one, size_t a, struct studio *other, size_t b,
                        double seconds);

#endif
