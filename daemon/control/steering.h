// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_STEERING_H
#define FERMATA_CONTROL_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include "control/governor.h"
#include "music/curator.h"
#include "music/ending.h"
#include "music/heed.h"
#include "music/plan.h"
#include "nets/net.h"

/**
 * steering: what a net is told besides the notes: composer, threshold, and, where it heeds them,
 * the attributes of its plan; all of it moved the other way while drafts are refused, and towards
 * fewer notes where a piece ends. The threshold of a roll net is moved slowly as well, towards the
 * composer's density. Plain data of its lane, on the generator's thread.
 */
struct draft;
struct lane_style;
struct score;

struct steering {
    /** What the refusals add: to the logit of the threshold of a roll net; a net of notes is told
     * another density instead. More than 0: fewer notes. */
    double trim;
    struct governor governor; ///< of a roll net's density
    bool governed;            ///< the net is one
    struct plan plan;
    char plan_of[128]; ///< net and composer that the plan is of
    struct heed heed;
    struct heed_edges edges[PLAN_CONTROLS];
    struct ending ending;
    int64_t closed; ///< channel time at which the draft that ended a piece is over
    int64_t rest;   ///< the next piece begins no earlier
};

void steering_init(struct steering *steering, uint64_t seed);

/** Takes the plan of the style's composer from the net, and goes on along it to channel time
 * `time`. Another net or composer than before begins a trajectory there. */
void steering_follow(struct steering *steering, const struct net_info *info,
                     const struct lane_style *style, int64_t time);

/** A piece begins at `time`. */
void steering_begin_piece(struct steering *steering, int64_t time);

/** Whether the draft that begins at `start` is the piece's last one. Without the curator, who makes
 * the music begin anew, pieces have no end. */
bool steering_closes(const struct steering *steering, const struct lane_style *style,
                     int64_t start);

/** Makes an ending of the draft, in the place where it will be in the score. What sounds into it is
 * ended in the score. */
void steering_close(struct steering *steering, const struct lane_style *style, struct score *score,
                    struct draft *draft);

/** Whether the draft before `start` ended the piece; *ret_breath: the silence, in whole frames,
 * that the next one begins after. */
bool steering_piece_is_over(const struct steering *steering, int64_t start, int64_t *ret_breath);

/** Fills in *input for music at channel time `time`, after `refused` refusals in a row. */
void steering_set(const struct steering *steering, const struct net_info *info,
                  const struct lane_style *style, unsigned refused, int64_t time,
                  struct net_lane *input);

/** A draft was refused, for the `refused`th time in a row (from 0). */
void steering_refuse(struct steering *steering, enum curator_verdict verdict,
                     enum net_sampling sampling, unsigned refused);

/** A draft that the net has made is kept, and in the score: what the slow controller of a roll net
 * hears, or how a net of notes has heeded its plan. Endings, hard sampling and music without the
 * curator are not their business. */
void steering_hear(struct steering *steering, const struct lane_style *style,
                   const struct curator_bounds *bounds, struct score *score,
                   const struct draft *draft);

/** The threshold that the slow controller has come to. */
double steering_threshold(const struct steering *steering, const struct lane_style *style);

/** A draft was kept at once. */
void steering_relax(struct steering *steering);

#endif
