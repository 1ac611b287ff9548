// SPDX-License-Identifier: MIT
#include "control/lane_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/repertoire.h"
#include "music/arranger.h"
#include "music/roll.h"
#include "music/score.h"

/** A replacement that is younger than so many runs begins again with a new wish; an older one is
 * heard out first, so that a flood of wishes cannot keep the music from being composed. */
#define YOUNG_RUNS 6
/** Who has less ahead joins in where others are composing. */
#define JOIN_SECONDS ((LANE_LOW_SECONDS + LANE_HIGH_SECONDS) / 2)
/** Breath between two pieces, and before music that does not go on from what was there. */
#define BREATH_US (NOTE_SECOND * 6 / 5)
#define RESEED_BREATH_US (NOTE_SECOND * 3 / 5)
/** On a telephone what was cut off has died away by then. */
#define TELEPHONE_BREATH_US (NOTE_SECOND * 3 / 10)

int lane_new(struct score *score, uint64_t seed, const struct lane_style *style,
             struct lane **ret_lane)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return -ENOMEM;
    int r = echo_new(&lane->echo);
    if (r < 0) {
        free(lane);
        return r;
    }
    lane->score = score;
    lane->seed = seed;
    lane->asked = lane->style = *style;
    lane->lead = LEAD_US;
    lane->priming = true;
    lane->source = PRIMER_NOTHING;
    lane->reason = "start";
    lane->piece = true;
    pthread_mutex_init(&lane->mutex, NULL);
    primer_init(&lane->primer, score, seed);
    replay_init(&lane->replay, seed);
    steering_init(&lane->steering, seed);
    scribe_init(&lane->scribe, &lane->primer, NET_ROLL, 0);
    curator_init(&lane->curator, &curator_any_bounds, 0);
    curator_set_echo(&lane->curator, lane->echo);
    *ret_lane = lane;
    return 0;
}

void lane_free(struct lane *lane)
{
    if (!lane)
        return;
    pthread_mutex_destroy(&lane->mutex);
    echo_free(lane->echo);
    free(lane);
}

void lane_set_mark(struct lane *lane, lane_mark_func *mark, void *user)
{
    lane->mark = mark;
    lane->mark_user = user;
}

void lane_ask(struct lane *lane, const struct lane_style *style, unsigned wishes)
{
    pthread_mutex_lock(&lane->mutex);
    lane->asked = *style;
    lane->wishes |= wishes;
    pthread_mutex_unlock(&lane->mutex);
}

void lane_open(struct lane *lane, const struct opening *opening)
{
    pthread_mutex_lock(&lane->mutex);
    lane->asked_opening = *opening;
    lane->wishes |= LANE_OPENING;
    pthread_mutex_unlock(&lane->mutex);
}

uint64_t lane_reseeds(const struct lane *lane)
{
    return atomic_load(&lane->reseeds);
}

size_t lane_decisions(struct lane *lane, struct decision ret_list[DECISION_ROOM])
{
    return decisions_list(&lane->decisions, ret_list);
}

uint64_t lane_step(struct lane *lane)
{
    return atomic_load(&lane->decisions.step);
}

const char *lane_piece_composer(const struct lane *lane)
{
    return lane->style.composer;
}

void lane_tell(struct lane *lane, const char *event, const char *text)
{
    int64_t at = lane->start;
    if (!strcmp(event, "piece"))
        at = lane_piece_begin(lane);
    else if (!strcmp(event, "cut"))
        at = lane->cut;
    if (lane->mark)
        lane->mark(lane->mark_user, event, at, text);
}

static void update_bounds(struct lane *lane, const struct net_info *info,
                          const struct repertoire_net *known)
{
    char name[sizeof lane->bounds_of];
    snprintf(name, sizeof name, "%s/%s%s", lane->net, lane->style.composer,
             lane->style.telephone ? " by telephone" : "");
    if (!strcmp(lane->bounds_of, name))
        return;
    struct curator_bounds bounds;
    repertoire_bounds(known, lane->style.composer, &bounds);
    curator_set_quotes(&lane->curator, known->quotes, lane->style.composer);
    if (lane->style.telephone)
        arranger_move_bounds(&bounds, &lane->curator.reference);
    curator_set_bounds(&lane->curator, &bounds);
    memcpy(lane->bounds_of, name, sizeof name);
}

/** A breath of `length` between the last onset and what follows, whole frames. */
static int64_t breath_before(struct lane *lane, int64_t length)
{
    if (lane->style.telephone && length > TELEPHONE_BREATH_US)
        length = TELEPHONE_BREATH_US;
    int64_t silent = lane->start - primer_last_onset(&lane->primer, lane->start);
    return silent < length ? (length - silent) / ROLL_FRAME_US * ROLL_FRAME_US : 0;
}

enum primer_source lane_piece_source(const struct lane *lane)
{
    return lane->serving & LANE_OPENING ? PRIMER_GIVEN : PRIMER_NOTHING;
}

int64_t lane_piece_begin(const struct lane *lane)
{
    return lane->serving & LANE_OPENING ? lane->start - lane->opening.length
                                        : lane->start + lane->breath;
}

/** Chooses the phrase that the draft begins with. */
static void prime(struct lane *lane)
{
    if (lane->piece && !lane->refused)
        steering_begin_piece(&lane->steering, lane->start + lane->breath);
    lane->scribe.soon = lane->replaces;
    if (lane->source == PRIMER_GIVEN)
        primer_give(&lane->primer, &lane->opening, lane_piece_begin(lane));
    lane->source =
        lane->scribe.kind->prime(&lane->scribe, lane->source, lane->start, lane->piece_start,
                                 lane->style.composer, &lane->curator);
    if (!lane->piece)
        lane->breath = lane->source == PRIMER_LATEST ? 0 : breath_before(lane, RESEED_BREATH_US);
    if (lane->style.reseed_interval)
        lane->next_reseed = lane->start + lane->style.reseed_interval * NOTE_SECOND;
}

/** The draft begins where the opening ends, which begins after the breath. */
static void begin_opening(struct lane *lane)
{
    lane->start += lane->breath + lane->opening.length;
    lane->breath = 0;
}

void lane_begin_replacement(struct lane *lane)
{
    int64_t start = score_position(lane->score) + lane->lead;
    start = (start + ROLL_FRAME_US - 1) / ROLL_FRAME_US * ROLL_FRAME_US;
    int64_t horizon = score_horizon(lane->score);
    lane->cut = lane->start = start < horizon ? start : horizon;
    lane->replaces = true;
    lane->priming = true;
    lane->work = LANE_RESTS;
    lane->filling = true;
    lane->refused = 0;
    lane->steering.trim = 0;
    lane->piece = lane->serving & (LANE_SKIP | LANE_COMPOSER | LANE_OPENING);
    lane->breath = lane->serving & (LANE_SKIP | LANE_OPENING) ? breath_before(lane, BREATH_US) : 0;
    lane->source = PRIMER_LATEST;
    lane->reason = "change";
    if (lane->piece)
        lane->source = lane_piece_source(lane);
    else if (lane->serving & LANE_RESEED && lane->start - lane->piece_start >= PRIMER_US / 2)
        lane->source = PRIMER_BEST;
    if (lane->serving & LANE_OPENING)
        lane->reason = "given";
    else if (lane->serving & LANE_SKIP)
        lane->reason = "skip";
    else if (lane->serving & LANE_COMPOSER)
        lane->reason = "composer";
    else if (lane->serving & LANE_RESEED)
        lane->reason = "asked";
    if (lane->serving & LANE_OPENING)
        begin_opening(lane);
    lane->scribe.kind->cut(&lane->scribe, lane->start);
}

/** What was asked becomes what is played. */
static void take_style(struct lane *lane, const struct lane_style *asked)
{
    if (!asked->reseed_interval)
        lane->next_reseed = INT64_MAX;
    else if (asked->reseed_interval != lane->style.reseed_interval)
        lane->next_reseed = lane->start + asked->reseed_interval * NOTE_SECOND;
    // Who asks for a net wants it to be tried.
    if (strcmp(asked->net, lane->style.net) != 0)
        lane->aside.count = 0;
    lane->style = *asked;
}

const char *lane_listen(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    struct lane_style asked = lane->asked;
    unsigned wishes = lane->wishes | lane->later;
    lane->wishes = 0;
    lane->later = 0;
    bool waits = wishes && lane->replaces && lane->age > YOUNG_RUNS;
    if (wishes & LANE_OPENING && !waits)
        lane->opening = lane->asked_opening;
    pthread_mutex_unlock(&lane->mutex);

    if (waits) {
        // It is finished on the net and in the style it was begun in.
        lane->later = wishes;
        return lane->style.net;
    }
    take_style(lane, &asked);
    if (!wishes)
        return lane->style.net;
    if (score_horizon(lane->score) == 0) {
        // Before the first note there is nothing to replace: begin again in the new style.
        lane->work = LANE_RESTS;
        lane->refused = 0;
        lane->priming = true;
        lane->serving |= wishes & LANE_OPENING;
        lane->source = lane_piece_source(lane);
        if (lane->serving & LANE_OPENING)
            lane->reason = "given";
    } else {
        if (!lane->replaces)
            lane->age = 0;
        lane->serving |= wishes;
        lane_begin_replacement(lane);
    }
    return lane->style.net;
}

/** Gets used to a net that is not the one before. */
static void turn_to(struct lane *lane, const struct net_info *info,
                    const struct repertoire_net *known)
{
    int64_t at = lane->replaces ? lane->start : score_horizon(lane->score);
    lane->primer.book = known->book;
    lane->playing = known;
    if (strcmp(lane->net, known->name)) {
        memcpy(lane->net, known->name, sizeof lane->net);
        // One that has failed before is given up sooner.
        lane->patiences = aside_knows(&lane->aside, known) ? LANE_PATIENCES - 1 : 0;
        scribe_init(&lane->scribe, &lane->primer, info->vocabulary, at);
        lane->work = LANE_RESTS;
        if (!lane->priming) {
            lane->priming = true;
            lane->source = PRIMER_LATEST;
            lane->reason = "net";
        }
    }
    update_bounds(lane, info, known);
    struct lane_style style = lane->style;
    memcpy(style.net, lane->net, sizeof style.net);
    steering_follow(&lane->steering, info, &style, at);
}

/** Says of the draft that is to begin at lane->start what is due by then. */
static void look_at_the_time(struct lane *lane)
{
    if (lane->priming)
        return;
    if (steering_piece_is_over(&lane->steering, lane->start, &lane->breath)) {
        lane->priming = true;
        lane->piece = true;
        lane->source = PRIMER_NOTHING;
        lane->reason = "next";
    } else if (lane->style.curator && lane->start >= lane->next_reseed) {
        lane->priming = true;
        lane->source = PRIMER_LATEST;
        lane->reason = "interval";
    }
}

static void begin_sketches(struct lane *lane, bool primed)
{
    sketches_begin(&lane->sketches, &lane->scribe, primed);
    lane->work = LANE_SKETCHES;
}

/** The draft that was refused is drawn again, all sketches from the same phrase: the lane's own net
 * hears it, beside the others that play on it, and they begin as it stands then. */
static void draw_again(struct lane *lane, struct net *net, uint32_t index)
{
    prime(lane);
    atomic_fetch_add(&lane->decisions.redrawn, LANE_SKETCH_LANES);
    if (lane->scribe.kind->primes(&lane->scribe)) {
        net_reset(net, index);
        lane->work = LANE_PRIMES;
    } else {
        begin_sketches(lane, false);
    }
}

/** Begins a draft if music is wanted. Returns false where enough is there. */
static bool begin_draft(struct lane *lane, struct net *net, uint32_t index)
{
    int64_t horizon = score_horizon(lane->score);
    int64_t ahead = horizon - score_position(lane->score);
    if (ahead < LANE_LOW_SECONDS * NOTE_SECOND)
        lane->filling = true;
    else if (ahead >= LANE_HIGH_SECONDS * NOTE_SECOND && !lane->replaces)
        lane->filling = false;
    if (!lane->filling)
        return false;
    if (!lane->replaces) {
        lane->start = lane->cut = horizon;
        look_at_the_time(lane);
        if (lane->priming && lane->serving & LANE_OPENING)
            begin_opening(lane);
    }
    if (lane->refused && lane->may_sketch) {
        draw_again(lane, net, index);
        return true;
    }
    lane->work = LANE_DRAFTS;
    if (lane->priming) {
        if (lane->refused)
            decisions_count(&lane->decisions.redrawn);
        prime(lane);
        net_reset(net, index);
    } else if (lane->scribe.kind->go_on(&lane->scribe, lane->start, &lane->draft)) {
        lane_judge(lane);
    }
    return true;
}

void lane_join(struct lane *lane)
{
    int64_t ahead = score_horizon(lane->score) - score_position(lane->score);
    if (ahead < JOIN_SECONDS * NOTE_SECOND)
        lane->filling = true;
}

/** Says what a net is to do for a scribe of this lane. */
static void fill(struct lane *lane, const struct net_info *info, struct scribe *scribe,
                 struct net_lane *ret_input)
{
    *ret_input = (struct net_lane){.active = true, .seed = lane->seed, .step = lane->step};
    steering_set(&lane->steering, info, &lane->style, lane->refused, lane->start, ret_input);
    scribe->kind->feed(scribe, ret_input);
}

bool lane_plan(struct lane *lane, struct net *net, const struct repertoire_net *known,
               uint32_t index, struct net_lane *ret_input)
{
    const struct net_info *info = net_info(net);
    *ret_input = (struct net_lane){.active = false};
    lane_settle(lane);
    turn_to(lane, info, known);
    while (lane->work == LANE_RESTS)
        if (!begin_draft(lane, net, index))
            return false;
    if (lane->work == LANE_SKETCHES)
        return false;

    fill(lane, info, &lane->scribe, ret_input);
    lane->steps = info->steps;
    return true;
}

void lane_take(struct lane *lane, const uint8_t *tokens)
{
    lane->step += lane->steps;
    atomic_store(&lane->decisions.step, lane->step);
    lane->age++;
    if (lane_settle(lane))
        return;
    bool whole = lane->scribe.kind->take(&lane->scribe, tokens, lane->start, &lane->draft);
    if (lane->scribe.nonsense)
        lane_give_up(lane);
    else if (lane->work == LANE_PRIMES && !lane->scribe.kind->primes(&lane->scribe))
        begin_sketches(lane, true);
    else if (whole)
        lane_judge(lane);
}

void lane_allow_sketches(struct lane *lane, bool allow)
{
    lane->may_sketch = allow;
    if (!allow && (lane->work == LANE_PRIMES || lane->work == LANE_SKETCHES))
        lane->work = LANE_RESTS;
}

bool lane_wants_sketches(const struct lane *lane)
{
    return lane->work == LANE_SKETCHES;
}

bool lane_begins_sketches(const struct lane *lane)
{
    return lane->sketches.primed && !lane->sketches.begun;
}

void lane_sketch(struct lane *lane, struct net *net, struct net_lane *ret_inputs)
{
    struct sketches *sketches = &lane->sketches;
    for (uint32_t i = 0; i < LANE_SKETCH_LANES; i++) {
        struct sketch *sketch = &sketches->of[i];
        ret_inputs[i] = (struct net_lane){.active = false};
        if (!sketches->begun && !sketches->primed)
            net_reset(net, i);
        sketch->drawing = !sketch->whole;
        if (sketch->whole)
            continue;
        fill(lane, net_info(net), &sketch->scribe, &ret_inputs[i]);
        ret_inputs[i].seed = sketches_seed(lane->seed, i);
        ret_inputs[i].step += sketch->steps;
    }
    sketches->begun = true;
}

void lane_take_sketches(struct lane *lane, const struct net_info *info, const uint8_t *tokens)
{
    lane->age++;
    lane->adopt = -1;
    if (lane_settle(lane))
        return;
    if (sketches_take(&lane->sketches, info, tokens, lane->start)) {
        lane->step += sketches_steps(&lane->sketches);
        atomic_store(&lane->decisions.step, lane->step);
        lane_judge_sketches(lane);
    }
}

int lane_kept_sketch(const struct lane *lane)
{
    return lane->adopt;
}

void lane_forget(struct lane *lane, const char *reason)
{
    if (lane_settle(lane))
        return;
    lane->work = LANE_RESTS;
    if (!lane->priming) {
        lane->priming = true;
        lane->source = PRIMER_LATEST;
        lane->reason = reason;
    }
}

void lane_seat(struct lane *lane, const struct repertoire_net *known)
{
    if (lane->playing == known)
        lane_forget(lane, "room");
}

int64_t lane_idle_us(struct lane *lane)
{
    if (lane->work != LANE_RESTS || lane->filling)
        return 0;
    int64_t ahead = score_horizon(lane->score) - score_position(lane->score);
    int64_t idle = ahead - LANE_LOW_SECONDS * NOTE_SECOND;
    return idle > 0 ? idle : 0;
}
