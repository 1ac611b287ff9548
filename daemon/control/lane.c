// SPDX-License-Identifier: MIT
#include "control/lane.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/primer.h"
#include "log.h"
#include "music/curator.h"
#include "music/roll.h"
#include "music/score.h"

#define PRIME_RUNS (PRIMER_FRAMES / NET_RUN_STEPS)
/** A draft is judged as a whole: long enough to hear a texture, short enough to throw away. */
#define DRAFT_RUNS 4
#define DRAFT_FRAMES (DRAFT_RUNS * NET_RUN_STEPS)
#define DRAFT_NOTES (DRAFT_FRAMES * ROLL_PITCHES)
/** How far ahead of now a change begins: time to prime and to compose one draft. It doubles when
 * the machine was too slow for it. */
#define LEAD_US (NOTE_SECOND / 2)
#define LONGEST_LEAD_US (8 * NOTE_SECOND)
/** A replacement that is younger than so many runs begins again with a new wish; an older one is
 * heard out first, so that a flood of wishes cannot keep the music from being composed. */
#define YOUNG_RUNS 6
/** Breath between two pieces. */
#define BREATH_US (NOTE_SECOND * 6 / 5)
/** Each refusal in a row moves the threshold's logit further the other way (0.4, 1.2, 2.4, 4, 6),
 * each draft that is kept at once takes a tenth of it back: what keeps even a bad threshold from
 * drying the music out, and finds the place where it does not. */
#define TRIM_STEP 0.4
#define TRIM_KEPT 0.9
#define TRIM_MOST 8.0

_Static_assert(ROLL_PITCHES == NET_FRAME_CELLS, "roll and net speak of the same frame");
_Static_assert(ROLL_FRAME_US *NET_FRAMES_PER_SECOND == NOTE_SECOND, "and of the same time");

enum phase {
    IDLE,
    PRIMING,
    COMPOSING,
};

struct lane {
    struct score *score;
    uint64_t seed;
    lane_mark_func *mark;
    void *mark_user;

    pthread_mutex_t mutex; ///< guards `asked` and `wishes`
    struct lane_style asked;
    unsigned wishes;

    struct lane_style style;
    enum phase phase;
    bool filling;
    bool priming;              ///< the next draft begins with priming the net,
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
    double trim;         ///< added to the threshold's logit
    unsigned refused;    ///< drafts in a row

    struct roll_reader reader; ///< as it stood when the draft began
    struct curator curator;
    char bounds_of[128]; ///< net and composer that the bounds are of
    unsigned runs;       ///< done of the priming or of the draft
    double least_badness;
    uint8_t draft[DRAFT_FRAMES * ROLL_PITCHES];
    uint8_t least_bad[DRAFT_FRAMES * ROLL_PITCHES];
    struct note notes[DRAFT_NOTES]; ///< the draft's onsets, for the curator

    struct primer primer;

    _Atomic uint64_t reseeds;
};

int lane_new(struct score *score, const struct seedbook *book, uint64_t seed,
             const struct lane_style *style, struct lane **ret_lane)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return -ENOMEM;
    lane->score = score;
    lane->seed = seed;
    lane->asked = lane->style = *style;
    lane->lead = LEAD_US;
    lane->priming = true;
    lane->source = PRIMER_HUMAN;
    lane->reason = "start";
    lane->piece = true;
    pthread_mutex_init(&lane->mutex, NULL);
    primer_init(&lane->primer, score, book, seed);
    roll_reader_init(&lane->reader, 0);
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

static void mark(struct lane *lane, const char *event, const char *text)
{
    if (lane->mark)
        lane->mark(lane->mark_user, event, lane->start, text);
}

static void update_bounds(struct lane *lane, const struct net *net)
{
    char name[sizeof lane->bounds_of];
    snprintf(name, sizeof name, "%s/%s", lane->style.net, lane->style.composer);
    if (!strcmp(lane->bounds_of, name))
        return;
    struct curator_bounds bounds;
    if (curator_bounds_parse(net_info(net)->stats, lane->style.composer, &bounds) < 0)
        bounds = curator_any_bounds;
    curator_set_bounds(&lane->curator, &bounds);
    memcpy(lane->bounds_of, name, sizeof name);
}

static void begin_priming(struct lane *lane, struct net *net, uint32_t index)
{
    lane->source = primer_write(&lane->primer, lane->source, lane->start, lane->style.composer,
                                &lane->curator);
    net_reset(net, index);
    lane->phase = PRIMING;
    lane->runs = 0;
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
    lane->phase = IDLE;
    lane->filling = true;
    lane->refused = 0;
    lane->trim = 0;
    lane->piece = lane->serving & (LANE_SKIP | LANE_COMPOSER);
    lane->breath = lane->serving & LANE_SKIP ? breath_before(lane) : 0;
    lane->source = PRIMER_LATEST;
    lane->reason = "change";
    if (lane->piece || lane->start - lane->piece_start < PRIMER_US / 2)
        lane->source = PRIMER_HUMAN;
    else if (lane->serving & LANE_RESEED)
        lane->source = PRIMER_BEST;
    if (lane->serving & LANE_SKIP)
        lane->reason = "skip";
    else if (lane->serving & LANE_COMPOSER)
        lane->reason = "composer";
    else if (lane->serving & LANE_RESEED)
        lane->reason = "asked";
    roll_reader_init(&lane->reader, lane->start / ROLL_FRAME_US);
}

const char *lane_listen(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    unsigned wishes = lane->wishes | lane->later;
    lane->wishes = 0;
    lane->later = 0;
    if (!lane->asked.reseed_interval)
        lane->next_reseed = INT64_MAX;
    else if (lane->asked.reseed_interval != lane->style.reseed_interval)
        lane->next_reseed = lane->start + lane->asked.reseed_interval * NOTE_SECOND;
    lane->style = lane->asked;
    pthread_mutex_unlock(&lane->mutex);

    if (!wishes)
        return lane->style.net;
    if (score_horizon(lane->score) == 0) {
        // Before the first note there is nothing to replace: begin again in the new style.
        lane->phase = IDLE;
        lane->runs = 0;
        lane->refused = 0;
        lane->priming = true;
        lane->source = PRIMER_HUMAN;
    } else if (lane->replaces && lane->age > YOUNG_RUNS) {
        lane->later = wishes;
    } else {
        if (!lane->replaces)
            lane->age = 0;
        lane->serving |= wishes;
        begin_replacement(lane);
    }
    return lane->style.net;
}

bool lane_plan(struct lane *lane, struct net *net, uint32_t index, struct net_lane *ret_input)
{
    *ret_input = (struct net_lane){.active = false};
    update_bounds(lane, net);

    if (lane->phase == IDLE) {
        int64_t horizon = score_horizon(lane->score);
        int64_t ahead = horizon - score_position(lane->score);
        if (ahead < LANE_LOW_SECONDS * NOTE_SECOND)
            lane->filling = true;
        else if (ahead >= LANE_HIGH_SECONDS * NOTE_SECOND && !lane->replaces)
            lane->filling = false;
        if (!lane->filling)
            return false;
        if (!lane->replaces)
            lane->start = horizon;
        if (!lane->priming && lane->style.curator && lane->start >= lane->next_reseed) {
            lane->priming = true;
            lane->source = PRIMER_LATEST;
            lane->reason = "interval";
        }
        if (lane->priming) {
            begin_priming(lane, net, index);
        } else {
            lane->phase = COMPOSING;
            lane->runs = 0;
        }
    }

    int composer = net_find_composer(net, lane->style.composer);
    // A hard threshold that has led nowhere gives way to what the net believes, for one draft.
    bool hard = lane->style.sampling == NET_HARD;
    bool soft = hard && lane->refused > 0;
    double threshold = soft ? 0.5 : fmin(fmax(lane->style.threshold, 0.001), 0.999);
    double logit = log(threshold / (1 - threshold)) + (hard && !soft ? 0 : lane->trim);
    *ret_input = (struct net_lane){
        .active = true,
        .composer = composer < 0 ? 0 : (uint32_t)composer,
        .sampling = hard && !soft ? NET_HARD : NET_SAMPLE,
        .threshold = (float)(1 / (1 + exp(-logit))),
        .seed = lane->seed,
        .step = lane->step,
        .forced = lane->phase == PRIMING
                      ? lane->primer.cells + (size_t)lane->runs * NET_RUN_STEPS * ROLL_PITCHES
                      : NULL,
    };
    return true;
}

/** Reads the draft with a copy of the reader; `notes` gets its onsets, with durations as far as
 * the draft tells them. */
static size_t read_onsets(const struct lane *lane, struct note *notes)
{
    struct roll_reader reader = lane->reader;
    struct note events[2 * ROLL_PITCHES];
    size_t latest[ROLL_PITCHES];
    size_t count = 0;
    for (size_t frame = 0; frame <= DRAFT_FRAMES; frame++) {
        size_t n = frame < DRAFT_FRAMES
                       ? roll_reader_push(&reader, lane->draft + frame * ROLL_PITCHES, events,
                                          2 * ROLL_PITCHES)
                       : roll_reader_flush(&reader, events, 2 * ROLL_PITCHES);
        for (size_t i = 0; i < n; i++) {
            if (events[i].duration == NOTE_OPEN) {
                latest[events[i].pitch] = count;
                notes[count++] = events[i];
            } else if (events[i].onset >= lane->start) {
                notes[latest[events[i].pitch]].duration = events[i].duration;
            }
        }
    }
    return count;
}

/** Puts the draft into the score. Returns false where the moment for it has passed. */
static bool commit(struct lane *lane, size_t onsets)
{
    int64_t begin = lane->start + lane->breath;
    int64_t end = begin + DRAFT_FRAMES * ROLL_FRAME_US;
    if (lane->replaces) {
        if (score_cut(lane->score, lane->start) < 0)
            return false;
        mark(lane, "cut", "");
        curator_cut(&lane->curator, lane->start, primer_last_onset(&lane->primer, lane->start));
    }
    if (lane->breath)
        roll_reader_init(&lane->reader, begin / ROLL_FRAME_US);

    struct note events[2 * ROLL_PITCHES];
    bool room = true;
    for (size_t frame = 0; frame < DRAFT_FRAMES; frame++) {
        size_t n = roll_reader_push(&lane->reader, lane->draft + frame * ROLL_PITCHES, events,
                                    2 * ROLL_PITCHES);
        for (size_t i = 0; i < n; i++)
            room = score_add(lane->score, &events[i]) == 0 && room;
    }
    if (!room)
        log_warning("the score is full: some notes of a draft were left out");
    for (size_t i = 0; i < onsets; i++)
        lane->notes[i].onset += lane->breath;
    curator_keep(&lane->curator, lane->notes, onsets, begin, end);
    score_extend(lane->score, end);
    return true;
}

static void keep(struct lane *lane, size_t onsets)
{
    lane->runs = 0;
    lane->phase = IDLE;
    if (!commit(lane, onsets)) {
        // The machine was slower than the lead: begin again, further ahead. The music that was
        // composed before plays on meanwhile.
        if (lane->lead < LONGEST_LEAD_US)
            lane->lead *= 2;
        begin_replacement(lane);
        return;
    }
    if (lane->piece)
        lane->piece_start = lane->start;
    if (lane->priming) {
        if (!lane->piece)
            atomic_fetch_add(&lane->reseeds, 1);
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
        lane->trim *= TRIM_KEPT;
    lane->refused = 0;
}

/** Sets the scene for another try: own music first, then a human phrase. */
static void refuse(struct lane *lane, enum curator_verdict verdict)
{
    log_debug("draft at %.1f s refused: %s", (double)lane->start / NOTE_SECOND,
              curator_verdict_name(verdict));
    bool hard = lane->style.sampling == NET_HARD && lane->refused == 0;
    lane->refused++;
    // A hard draft says nothing of how the net plays when it draws.
    if (!hard && verdict == CURATOR_THIN)
        lane->trim = fmax(lane->trim - TRIM_STEP * lane->refused, -TRIM_MOST);
    else if (!hard && verdict == CURATOR_CROWDED)
        lane->trim = fmin(lane->trim + TRIM_STEP * lane->refused, TRIM_MOST);
    bool fresh = lane->priming && lane->source == PRIMER_HUMAN;
    if (!lane->priming)
        lane->reason = curator_verdict_name(verdict);
    lane->priming = true;
    lane->source = fresh || lane->refused > 2 ? PRIMER_HUMAN : PRIMER_BEST;
    lane->phase = IDLE;
    lane->runs = 0;
}

/** Patience is at its end: the least bad draft is played, or, where even that is none, a human
 * phrase. */
static void keep_least_bad(struct lane *lane)
{
    if (lane->least_badness <= CURATOR_TOLERABLE) {
        memcpy(lane->draft, lane->least_bad, sizeof lane->draft);
    } else {
        log_warning("no draft of net %s for %s can be played; playing a human phrase instead",
                    lane->style.net, lane->style.composer);
        primer_write_phrase(&lane->primer, lane->style.composer, DRAFT_FRAMES, lane->draft);
    }
    keep(lane, read_onsets(lane, lane->notes));
    // What the net remembers is not what was kept.
    lane->priming = true;
    lane->source = PRIMER_HUMAN;
    lane->reason = "refused";
}

static void judge(struct lane *lane)
{
    size_t onsets = read_onsets(lane, lane->notes);
    if (!lane->style.curator) {
        keep(lane, onsets);
        return;
    }

    double badness = 0;
    int64_t end = lane->start + DRAFT_FRAMES * ROLL_FRAME_US;
    struct curator curator = lane->curator;
    if (lane->replaces)
        curator_cut(&curator, lane->start,
                    primer_last_onset(&lane->primer, lane->start) - lane->breath);
    enum curator_verdict verdict =
        curator_judge(&curator, lane->notes, onsets, lane->start, end, &badness);
    if (verdict == CURATOR_KEEP) {
        keep(lane, onsets);
        return;
    }
    if (!lane->refused || badness < lane->least_badness) {
        lane->least_badness = badness;
        memcpy(lane->least_bad, lane->draft, sizeof lane->draft);
    }
    refuse(lane, verdict);
    if (lane->refused >= CURATOR_PATIENCE)
        keep_least_bad(lane);
}

void lane_take(struct lane *lane, const uint8_t *frames)
{
    lane->step += NET_RUN_STEPS;
    lane->runs++;
    lane->age++;
    if (lane->phase == PRIMING) {
        if (lane->runs == PRIME_RUNS) {
            lane->phase = COMPOSING;
            lane->runs = 0;
        }
        return;
    }
    size_t bytes = (size_t)NET_RUN_STEPS * ROLL_PITCHES;
    memcpy(lane->draft + (lane->runs - 1) * bytes, frames, bytes);
    if (lane->runs == DRAFT_RUNS)
        judge(lane);
}

void lane_forget(struct lane *lane)
{
    lane->phase = IDLE;
    lane->runs = 0;
    if (!lane->priming) {
        lane->priming = true;
        lane->source = PRIMER_LATEST;
        lane->reason = "device";
    }
}

int64_t lane_idle_us(struct lane *lane)
{
    if (lane->phase != IDLE || lane->filling)
        return 0;
    int64_t ahead = score_horizon(lane->score) - score_position(lane->score);
    int64_t idle = ahead - LANE_LOW_SECONDS * NOTE_SECOND;
    return idle > 0 ? idle : 0;
}
