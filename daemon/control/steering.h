// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_STEERING_H
#define FERMATA_CONTROL_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include "music/curator.h"
#include "music/plan.h"
#include "nets/net.h"

/**
 * steering: what a net is told besides the notes: composer, threshold, and, where it heeds them,
 * the attributes of its plan; all of it moved the other way while drafts are refused. Plain data of
 * its lane, on the generator's thread.
 */
struct lane_style;

struct steering {
    /** What the refusals add: to the logit of the threshold of a roll net; a net of notes is told
     * another density instead. More than 0: fewer notes. */
    double trim;
    struct plan plan;
    char plan_of[128]; ///< net and composer that the plan is of
};

void steering_init(struct steering *steering, uint64_t seed);

/** Takes the plan of the style's composer from the net. Another net or composer than before begins
 * a trajectory at channel time `time`. */
void steering_follow(struct steering *steering, const struct net_info *info,
                     const struct lane_style *style, int64_t time);

/** A piece begins at `time`. */
void steering_begin_piece(struct steering *steering, int64_t time);

/** Channel time at which the piece is over, or INT64_MAX. */
int64_t steering_piece_end(const struct steering *steering);

/** Fills in *input for music at channel time `time`, after `refused` refusals in a row. */
void steering_set(const struct steering *steering, const struct net_info *info,
                  const struct lane_style *style, unsigned refused, int64_t time,
                  struct net_lane *input);

/** A draft was refused, for the `refused`th time in a row (from 0). */
void steering_refuse(struct steering *steering, enum curator_verdict verdict,
                     enum net_sampling sampling, unsigned refused);

/** A draft was kept at once. */
void steering_relax(struct steering *steering);

#endif
