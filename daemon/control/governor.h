// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_GOVERNOR_H
#define FERMATA_CONTROL_GOVERNOR_H

#include <stddef.h>

/**
 * governor: the slow controller of a roll net's threshold. Over minutes it moves the threshold's
 * logit until the channel is as dense as its composer: so that a net, or a user's threshold, that
 * leads to ever fewer or ever more notes is met before the curator has to refuse anything. What it
 * hears is what was kept, in channel time, so the same music is governed the same way.
 *
 * An integral controller: d trim / dt = log(density / target) / GOVERNOR_SECONDS, of a density that
 * is averaged over GOVERNOR_MEMORY seconds. It has no dead band: with one, only what breathes past
 * its edge moves the threshold, and it creeps to its place for hours, heard by a soak as a drift.
 * What a composer breathes within a few minutes is averaged out by its slowness. Plain data.
 */

/** Seconds in which a density e times the target moves the logit by one. A net's density answers
 * by 1 to 3 times the logit: it is at its place within 5 to 20 minutes. */
#define GOVERNOR_SECONDS 600.0
/** Seconds of music that the density is averaged over. So much is heard before it moves at all. */
#define GOVERNOR_MEMORY 120.0
/** Most logits either way: from 0.5 to 0.12 or to 0.88. */
#define GOVERNOR_MOST 2.0

struct governor {
    double trim;      ///< logits to add to the threshold's; more than 0: fewer notes
    double threshold; ///< the user's, while it was heard
    double heard;     ///< seconds, since it began to average
    double weight;    ///< of those, what is remembered
    double notes;     ///< in what is remembered
};

void governor_init(struct governor *governor);

/**
 * Notes a minute that a threshold stands for: the composer's median at 0.5, and as much less or
 * more as its odds say (net.h), within his percentiles 10 to 90. `notes_per_minute` is that of
 * struct curator_bounds.
 */
double governor_target(const double notes_per_minute[5], double threshold);

/** `notes` that were drawn at the user's `threshold` were kept, `seconds` of music. Another
 * threshold than before is listened to from there on; the trim stays. */
void governor_hear(struct governor *governor, const double notes_per_minute[5], double threshold,
                   size_t notes, double seconds);

/** The threshold as it is trimmed. */
double governor_threshold(const struct governor *governor, double threshold);

#endif
