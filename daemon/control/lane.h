// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_LANE_H
#define FERMATA_CONTROL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/decision.h"
#include "music/ending.h"
#include "nets/net.h"

struct opening;
struct repertoire;
struct repertoire_net;
struct score;

/**
 * lane: one channel's place in the generator. It knows what the channel wants, decides from run
 * to run what the net is to do for it (be primed, or compose), asks the curator about each draft,
 * and puts what is kept into the score.
 *
 * lane_ask() and the counters are for any thread; everything else belongs to the generator's.
 */
struct lane;

/** What the channel's music is to be; a copy of the channel's settings. */
struct lane_style {
    char channel[32]; ///< whose music it is, for the log; "": nobody's
    char net[64];     ///< name of the net, such as "transformer-open"
    char composer[32];
    double threshold; ///< 0..1
    enum net_sampling sampling;
    uint32_t reseed_interval; ///< seconds of channel time; 0: only when needed
    bool curator;             ///< false: every draft is kept, nothing is reseeded, no piece ends
    struct ending_length piece_length;
    bool telephone; ///< composed to be heard on a telephone (music/arranger.h)
};

enum lane_wish {
    LANE_SETTLE = 0,        ///< takes effect with the next draft; what is composed stays
    LANE_CHANGE = 1 << 0,   ///< to be heard soon: composed anew from a moment ahead of now
    LANE_COMPOSER = 1 << 1, ///< the same, from a phrase of the new composer
    LANE_SKIP = 1 << 2,     ///< the same, as a new piece after a breath
    LANE_RESEED = 1 << 3,   ///< the same, primed with the best of the channel's own output
    LANE_OPENING = 1 << 4,  ///< the same, as a new piece that begins with an opening: lane_open()
};

/** Seconds of music kept ahead of now: composing starts below the first, ends at the second. */
#define LANE_LOW_SECONDS 20
#define LANE_HIGH_SECONDS 26

/** Drafts that are drawn at once in the place of a refused one; the best is kept. */
#define LANE_SKETCH_LANES 4

/** Tells what the lane does, on the generator's thread: from channel time `time` on there will be a
 * "reseed" or a "piece" (text: why), or what was told from there on was "cut" away; or the "rung"
 * has changed, which is of now. Both texts are constants. */
typedef void lane_mark_func(void *user, const char *event, int64_t time, const char *text);

/** The score outlives the lane. */
int lane_new(struct score *score, uint64_t seed, const struct lane_style *style,
             struct lane **ret_lane);
void lane_free(struct lane *lane);
void lane_set_mark(struct lane *lane, lane_mark_func *mark, void *user);

/** Hands over a new style and wishes (a sum of enum lane_wish). Any thread. */
void lane_ask(struct lane *lane, const struct lane_style *style, unsigned wishes);

/** Wishes for a piece that begins with `opening`, which is copied, and goes on as the net continues
 * it. Any thread. */
void lane_open(struct lane *lane, const struct opening *opening);

/** Takes in what was asked since; returns the name of the net the lane is to play on now. */
const char *lane_listen(struct lane *lane);

/**
 * The same, of the nets `nets` that can be played: the one that is asked for, or another one where
 * that is not there or has failed; such a one is tried again after some time. Returns its place,
 * or `count` where there are none.
 */
size_t lane_choose(struct lane *lane, const struct repertoire_net *const *nets, size_t count);

/**
 * Decides, after lane_choose(), what to do in the next run of `net`, which is `known` of the
 * repertoire, lane number `index`, and writes it to *ret_input. Returns false (and an inactive
 * input) when enough music is ahead. Resets the net's lane where it is to be primed. Another net
 * than before is primed with the channel's own music.
 */
bool lane_plan(struct lane *lane, struct net *net, const struct repertoire_net *known,
               uint32_t index, struct net_lane *ret_input);

/** Before lane_plan(): it has got a place in that net, where nothing is its own. What it was about
 * to do there, in another place, is begun anew. */
void lane_seat(struct lane *lane, const struct repertoire_net *known);

/** Before lane_plan(): the net is going to run anyway, so that a lane that will want music soon
 * takes part already. Those that share a net keep step by it, and its runs are full. */
void lane_join(struct lane *lane);

/** Whether refused drafts are drawn again by lane_sketch(), or else by lane_plan(). At first they
 * are not. */
void lane_allow_sketches(struct lane *lane, bool allow);

/** Whether lane_sketch() has something to draw. */
bool lane_wants_sketches(const struct lane *lane);

/**
 * Decides, after lane_plan(), what to do in the next run of `net`, another instance of the same
 * one, all of whose LANE_SKETCH_LANES lanes are for this lane until it wants no more sketches;
 * writes it to `ret_inputs`, as many.
 */
void lane_sketch(struct lane *lane, struct net *net, struct net_lane *ret_inputs);

/** Whether, before lane_sketch(), all lanes of that net are to adopt what the lane's own one has
 * heard (net_adopt()). */
bool lane_begins_sketches(const struct lane *lane);

/** Takes the steps that the run of lane_sketch() made, [lanes][steps][token_bytes]. */
void lane_take_sketches(struct lane *lane, const struct net_info *info, const uint8_t *tokens);

/** After that: which lane of the net has drawn what was kept, so that the lane's own net is to
 * adopt from it; -1: none. */
int lane_kept_sketch(const struct lane *lane);

/** Takes the net_info.steps steps that the run made. */
void lane_take(struct lane *lane, const uint8_t *tokens);

/** Until a net plays, its human phrases are those of the net that is asked for, or of any other in
 * the repertoire. */
void lane_lend(struct lane *lane, const struct repertoire *repertoire);

/**
 * Music for when no net can make any: has the score reach `least` microseconds beyond now with
 * varied phrases of what the channel has played, or with human phrases. Also while a run is in
 * work, which is then taken in vain. Returns false where nothing was wanted, or nothing is there.
 */
bool lane_relieve(struct lane *lane, int64_t least);

/** What is wrong with the music, one word and then plain ones, or NULL: a constant. Told as a mark
 * "rung" when it changes. Any thread. */
const char *lane_trouble(const struct lane *lane);

/** Whether the net in use has failed since the last call. */
bool lane_doubts(struct lane *lane);

/** The net `known` was loaded anew: it is worth another try. */
void lane_welcome(struct lane *lane, const struct repertoire_net *known);

/** The net's state is lost: prime anew from the channel's own music. `reason` is told: a constant,
 * such as "device". */
void lane_forget(struct lane *lane, const char *reason);

/** Microseconds until the lane needs the generator again if its music is played; 0: now. */
int64_t lane_idle_us(struct lane *lane);

/** In whose manner the piece is that was told last; for the mark's function. */
const char *lane_piece_composer(const struct lane *lane);

/** Reseeds so far. Any thread. */
uint64_t lane_reseeds(const struct lane *lane);

/** All that was decided so far; see decisions.h. Returns how many there are. Any thread. */
size_t lane_decisions(struct lane *lane, struct decision ret_list[DECISION_ROOM]);

/** Steps of the random numbers drawn so far. Any thread. */
uint64_t lane_step(struct lane *lane);

#endif
