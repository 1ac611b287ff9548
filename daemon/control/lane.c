// SPDX-License-Identifier: MIT
#include "control/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/decisions.h"
#include "control/draft.h"
#include "control/primer.h"
#include "control/repertoire.h"
#include "control/scribe.h"
#include "control/steering.h"
#include "log.h"
#include "music/curator.h"
#include "music/roll.h"
#include "music/score.h"

/** How far ahead of now a change begins: time to prime and to compose one draft. It doubles when
 * the machine was too slow for it. */
#define LEAD_US (NOTE_SECOND / 2)
#define LONGEST_LEAD_US (8 * NOTE_SECOND)
/** A replacement that is younger than so many runs begins again with a new wish; an older one is
 * heard out first, so that a flood of wishes cannot keep the music from being composed. */
#define YOUNG_RUNS 6
/** Breath between two pieces. */
#define BREATH_US (NOTE_SECOND * 6 / 5)

struct lane {
    struct score *score;
    uint64_t seed;
    lane_mark_func *mark;
    void *mark_user;

    pthread_mutex_t mutex; ///< guards `asked` and `wishes`
    struct lane_style asked;
    unsigned wishes;

    struct lane_style style;
    char net[64];   ///< the one the scribe writes for
    bool composing; ///< a draft is in work
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
    int64_t breath;            ///< silence before it
    int64_t lead;
    int64_t next_reseed;
    int64_t piece_start; ///< what lies before it is another piece's
    uint64_t step;       ///< steps run so far: the counter of the random numbers
    uint32_t steps;      ///< of the run in work
    unsigned refused;    ///< drafts in a row

    struct steering steering;
    struct scribe scribe;
    struct curator curator;
    char bounds_of[128]; ///< net and composer that the bounds are of
    struct draft draft;
    struct draft least_bad;
    double least_badness;
    struct primer primer;

    _Atomic uint64_t reseeds;
    struct decisions decisions;
};

int lane_new(struct score *score, uint64_t seed, const struct lane_style *style,
             struct lane **ret_lane)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return -ENOMEM;
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
    steering_init(&lane->steering, seed);
    scribe_init(&lane->scribe, &lane->primer, NET_ROLL, 0);
    curator_init(&lane->curator, &curator_any_bounds, 0);
    *ret_lane = lane;
    return 0;
}

void lane_free(struct lane *lane)
{
    if (!lane)
        return;
    pthread_mutex_destroy(&lane->mutex);
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

static void mark(struct lane *lane, const char *event, const char *text)
{
    if (lane->mark)
        lane->mark(lane->mark_user, event, lane->start, text);
}

static void update_bounds(struct lane *lane, const struct net_info *info)
{
    char name[sizeof lane->bounds_of];
    snprintf(name, sizeof name, "%s/%s", lane->style.net, lane->style.composer);
    if (!strcmp(lane->bounds_of, name))
        return;
    struct curator_bounds bounds;
    if (curator_bounds_parse(info->stats, lane->style.composer, &bounds) < 0)
        bounds = curator_any_bounds;
    curator_set_bounds(&lane->curator, &bounds);
    memcpy(lane->bounds_of, name, sizeof name);
}

static void begin_priming(struct lane *lane, struct net *net, uint32_t index)
{
    if (lane->piece && !lane->refused)
        steering_begin_piece(&lane->steering, lane->start + lane->breath);
    lane->scribe.soon = lane->replaces;
    lane->source =
        lane->scribe.kind->prime(&lane->scribe, lane->source, lane->start, lane->piece_start,
                                 lane->style.composer, &lane->curator);
    net_reset(net, index);
    if (lane->style.reseed_interval)
        lane->next_reseed = lane->start + lane->style.reseed_interval * NOTE_SECOND;
}

/** A breath of BREATH_US between the last onset and the new piece, whole frames. */
static int64_t breath_before(struct lane *lane)
{
    int64_t silent = lane->start - primer_last_onset(&lane->primer, lane->start);
    return silent < BREATH_US ? (BREATH_US - silent) / ROLL_FRAME_US * ROLL_FRAME_US : 0;
}

/** Begins the draft that fulfils lane->serving, in the place of what is composed from soon on. */
static void begin_replacement(struct lane *lane)
{
    int64_t start = score_position(lane->score) + lane->lead;
    start = (start + ROLL_FRAME_US - 1) / ROLL_FRAME_US * ROLL_FRAME_US;
    int64_t horizon = score_horizon(lane->score);
    lane->start = start < horizon ? start : horizon;
    lane->replaces = true;
    lane->priming = true;
    lane->composing = false;
    lane->filling = true;
    lane->refused = 0;
    lane->steering.trim = 0;
    lane->piece = lane->serving & (LANE_SKIP | LANE_COMPOSER);
    lane->breath = lane->serving & LANE_SKIP ? breath_before(lane) : 0;
    lane->source = PRIMER_LATEST;
    lane->reason = "change";
    if (lane->piece)
        lane->source = PRIMER_NOTHING;
    else if (lane->serving & LANE_RESEED && lane->start - lane->piece_start >= PRIMER_US / 2)
        lane->source = PRIMER_BEST;
    if (lane->serving & LANE_SKIP)
        lane->reason = "skip";
    else if (lane->serving & LANE_COMPOSER)
        lane->reason = "composer";
    else if (lane->serving & LANE_RESEED)
        lane->reason = "asked";
    lane->scribe.kind->cut(&lane->scribe, lane->start);
}

/** What was asked becomes what is played. */
static void take_style(struct lane *lane, const struct lane_style *asked)
{
    if (!asked->reseed_interval)
        lane->next_reseed = INT64_MAX;
    else if (asked->reseed_interval != lane->style.reseed_interval)
        lane->next_reseed = lane->start + asked->reseed_interval * NOTE_SECOND;
    lane->style = *asked;
}

const char *lane_listen(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    struct lane_style asked = lane->asked;
    unsigned wishes = lane->wishes | lane->later;
    lane->wishes = 0;
    lane->later = 0;
    pthread_mutex_unlock(&lane->mutex);

    if (wishes && lane->replaces && lane->age > YOUNG_RUNS) {
        // It is finished on the net and in the style it was begun in.
        lane->later = wishes;
        return lane->style.net;
    }
    take_style(lane, &asked);
    if (!wishes)
        return lane->style.net;
    if (score_horizon(lane->score) == 0) {
        // Before the first note there is nothing to replace: begin again in the new style.
        lane->composing = false;
        lane->refused = 0;
        lane->priming = true;
        lane->source = PRIMER_NOTHING;
    } else {
        if (!lane->replaces)
            lane->age = 0;
        lane->serving |= wishes;
        begin_replacement(lane);
    }
    return lane->style.net;
}

/** Puts the draft into the score. Returns false where the moment for it has passed. */
static bool commit(struct lane *lane)
{
    struct draft *draft = &lane->draft;
    bool first = score_horizon(lane->score) == 0;
    if (lane->replaces) {
        if (score_cut(lane->score, lane->start) < 0)
            return false;
        mark(lane, "cut", "");
        curator_cut(&lane->curator, lane->start, primer_last_onset(&lane->primer, lane->start));
    }
    draft_shift(draft, lane->breath);
    draft_commit(draft, lane->score);
    lane->scribe.kind->keep(&lane->scribe, draft, lane->breath);
    decisions_count(&lane->decisions.kept);
    decisions_hear(&lane->decisions, draft->onsets, draft->onset_count,
                   first ? -1 : lane->curator.last_onset);
    curator_keep(&lane->curator, draft->onsets, draft->onset_count, draft->start,
                 draft->start + DRAFT_US);
    return true;
}

static void count_reseed(struct lane *lane)
{
    struct decisions *decisions = &lane->decisions;
    atomic_fetch_add(&lane->reseeds, 1);
    decisions_count(lane->source == PRIMER_NOTHING ? &decisions->blank
                    : lane->source == PRIMER_HUMAN ? &decisions->human
                                                   : &decisions->own);
}

static void keep(struct lane *lane)
{
    lane->composing = false;
    if (!commit(lane)) {
        // The machine was slower than the lead: begin again, further ahead. The music that was
        // composed before plays on meanwhile.
        if (lane->lead < LONGEST_LEAD_US)
            lane->lead *= 2;
        begin_replacement(lane);
        return;
    }
    if (lane->piece) {
        lane->piece_start = lane->start + lane->breath;
        decisions_count(&lane->decisions.pieces);
    }
    if (lane->priming) {
        // One that was asked for counts, though a new piece may serve it as well.
        if (!lane->piece || lane->serving & LANE_RESEED)
            count_reseed(lane);
        mark(lane, lane->piece ? "piece" : "reseed", lane->reason);
    }
    if (lane->replaces && lane->lead > LEAD_US)
        lane->lead /= 2;
    lane->priming = false;
    lane->piece = false;
    lane->replaces = false;
    lane->serving = 0;
    lane->breath = 0;
    if (lane->refused == 0)
        steering_relax(&lane->steering);
    lane->refused = 0;
}

/** Sets the scene for another try: own music first, then a human phrase. */
static void refuse(struct lane *lane, enum curator_verdict verdict)
{
    log_debug("draft at %.1f s refused: %s", (double)lane->start / NOTE_SECOND,
              curator_verdict_name(verdict));
    steering_refuse(&lane->steering, verdict, lane->style.sampling, lane->refused);
    lane->refused++;
    decisions_count(&lane->decisions.redrawn);
    bool fresh = lane->priming && lane->source <= PRIMER_HUMAN;
    if (!lane->priming)
        lane->reason = curator_verdict_name(verdict);
    lane->priming = true;
    lane->source = fresh || lane->refused > 2 ? PRIMER_HUMAN : PRIMER_BEST;
    lane->composing = false;
}

/** Patience is at its end: the least bad draft is played, or, where even that is none, music that
 * is there already. */
static void keep_least_bad(struct lane *lane)
{
    if (lane->least_badness <= CURATOR_TOLERABLE) {
        decisions_count(&lane->decisions.least_bad);
        draft_copy(&lane->draft, &lane->least_bad);
    } else {
        log_warning("no draft of net %s for %s can be played; playing a known phrase instead",
                    lane->style.net, lane->style.composer);
        decisions_count(&lane->decisions.phrases);
        primer_choose_relief(&lane->primer, lane->start, lane->style.composer, &lane->curator);
        lane->scribe.kind->copy_phrase(&lane->scribe, lane->start, &lane->draft);
    }
    keep(lane);
    // What the net remembers is not what was kept.
    lane->priming = true;
    lane->source = PRIMER_HUMAN;
    lane->reason = "refused";
}

/** The draft is whole: it is kept, or tried again. */
static void judge(struct lane *lane)
{
    const struct draft *draft = &lane->draft;
    if (!lane->style.curator) {
        keep(lane);
        return;
    }

    double badness = 0;
    struct curator curator = lane->curator;
    if (lane->replaces)
        curator_cut(&curator, lane->start, primer_last_onset(&lane->primer, lane->start));
    curator.last_onset -= lane->breath; // the breath is silence, too
    enum curator_verdict verdict = curator_judge(&curator, draft->onsets, draft->onset_count,
                                                 lane->start, lane->start + DRAFT_US, &badness);
    decisions_judge(&lane->decisions, verdict);
    if (verdict == CURATOR_KEEP) {
        keep(lane);
        return;
    }
    if (!lane->refused || badness < lane->least_badness) {
        lane->least_badness = badness;
        draft_copy(&lane->least_bad, draft);
    }
    refuse(lane, verdict);
    if (lane->refused >= CURATOR_PATIENCE)
        keep_least_bad(lane);
}

/** Gets used to a net that is not the one before. */
static void turn_to(struct lane *lane, const struct net_info *info,
                    const struct repertoire_net *known)
{
    int64_t at = lane->replaces ? lane->start : score_horizon(lane->score);
    lane->primer.book = known->book;
    if (strcmp(lane->net, known->name)) {
        memcpy(lane->net, known->name, sizeof lane->net);
        scribe_init(&lane->scribe, &lane->primer, info->vocabulary, at);
        lane->composing = false;
        if (!lane->priming) {
            lane->priming = true;
            lane->source = PRIMER_LATEST;
            lane->reason = "net";
        }
    }
    update_bounds(lane, info);
    steering_follow(&lane->steering, info, &lane->style, at);
}

/** Says of the draft that is to begin at lane->start what is due by then. */
static void look_at_the_time(struct lane *lane)
{
    if (lane->priming)
        return;
    if (lane->start >= steering_piece_end(&lane->steering)) {
        lane->priming = true;
        lane->piece = true;
        lane->source = PRIMER_NOTHING;
        lane->reason = "next";
        lane->breath = breath_before(lane);
    } else if (lane->style.curator && lane->start >= lane->next_reseed) {
        lane->priming = true;
        lane->source = PRIMER_LATEST;
        lane->reason = "interval";
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
        lane->start = horizon;
        look_at_the_time(lane);
    }
    lane->composing = true;
    if (lane->priming)
        begin_priming(lane, net, index);
    else if (lane->scribe.kind->go_on(&lane->scribe, lane->start, &lane->draft))
        judge(lane);
    return true;
}

bool lane_plan(struct lane *lane, struct net *net, const struct repertoire_net *known,
               uint32_t index, struct net_lane *ret_input)
{
    const struct net_info *info = net_info(net);
    *ret_input = (struct net_lane){.active = false};
    turn_to(lane, info, known);
    while (!lane->composing)
        if (!begin_draft(lane, net, index))
            return false;

    ret_input->active = true;
    ret_input->seed = lane->seed;
    ret_input->step = lane->step;
    steering_set(&lane->steering, info, &lane->style, lane->refused, lane->start, ret_input);
    lane->scribe.kind->feed(&lane->scribe, ret_input);
    lane->steps = info->steps;
    return true;
}

void lane_take(struct lane *lane, const uint8_t *tokens)
{
    lane->step += lane->steps;
    atomic_store(&lane->decisions.step, lane->step);
    lane->age++;
    if (lane->scribe.kind->take(&lane->scribe, tokens, lane->start, &lane->draft))
        judge(lane);
}

void lane_forget(struct lane *lane)
{
    lane->composing = false;
    if (!lane->priming) {
        lane->priming = true;
        lane->source = PRIMER_LATEST;
        lane->reason = "device";
    }
}

int64_t lane_idle_us(struct lane *lane)
{
    if (lane->composing || lane->filling)
        return 0;
    int64_t ahead = score_horizon(lane->score) - score_position(lane->score);
    int64_t idle = ahead - LANE_LOW_SECONDS * NOTE_SECOND;
    return idle > 0 ? idle : 0;
}
