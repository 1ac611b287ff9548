// SPDX-License-Identifier: MIT
#include "control/steering.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/draft.h"
#include "control/lane.h"
#include "music/arranger.h"
#include "music/roll.h"
#include "music/score.h"

/** Each refusal in a row moves the trim further the other way (0.4, 1.2, 2.4, 4, 6), each draft
 * that is kept at once takes a tenth of it back: what keeps even a bad threshold from drying the
 * music out, and finds the place where it does not. */
#define TRIM_STEP 0.4
#define TRIM_KEPT 0.9
#define TRIM_MOST 8.0
/** Of the trim, for a bucket of density: the first refusal moves it by one, the third by three. */
#define TRIM_BUCKET 0.8
/** Of the trim, for each step by which an ending is thinner. */
#define TRIM_ENDING 0.5
/** What is told for the telephone: buckets of models/control.py. Most notes shall lie in the
 * register that is played, higher than in most music, so that few have to be moved; few of them at
 * once; neither crowds nor lonely notes, and none that is hardly touched. */
static const struct {
    enum net_control control;
    int8_t least, most;
} telephone[] = {
    {NET_DENSITY, 3, 6},   // 180 to 620 notes a minute
    {NET_REGISTER, 6, 6},  // a mean pitch of 70 to 75
    {NET_LOUDNESS, 3, 5},  // a mean velocity of 55 to 78
    {NET_POLYPHONY, 0, 3}, // up to 4.5 pitches sound
};
/** From the last chord of a piece to the next piece: it is held meanwhile, and still heard. */
#define TELEPHONE_REST_US (NOTE_SECOND * 18 / 10)
/** What is heard of the music before its last draft. */
#define MEMORY_US (16 * NOTE_SECOND)
#define MEMORY_NOTES 2048

_Static_assert((int)PLAN_CONTROLS == (int)NET_CONTROLS, "plan and net speak of the same controls");
_Static_assert((int)PLAN_KEY == (int)NET_KEY, "in the same order");
_Static_assert(PLAN_UNKNOWN == NET_PLAN_GAP, "and of the same gaps");

void steering_init(struct steering *steering, uint64_t seed)
{
    *steering = (struct steering){.closed = INT64_MIN};
    governor_init(&steering->governor);
    plan_init(&steering->plan, seed);
    ending_init(&steering->ending, seed);
    heed_init(&steering->heed);
}

static int find_composer(const struct net_info *info, const char *name)
{
    for (uint32_t i = 0; i < info->composer_count; i++)
        if (!strcmp(info->composers[i], name))
            return (int)i;
    return -1;
}

/** Another net, or another composer's music, leans another way. */
static void turn(struct steering *steering, const struct net_info *info)
{
    heed_init(&steering->heed);
    for (int i = 0; i < PLAN_CONTROLS; i++) {
        struct heed_edges *edges = &steering->edges[i];
        bool known = info->edges[i] && info->buckets[i] <= HEED_EDGES + 1;
        edges->count = known ? info->buckets[i] - 1 : 0;
        for (size_t j = 0; j < edges->count; j++)
            edges->edges[j] = info->edges[i][j];
    }
}

void steering_follow(struct steering *steering, const struct net_info *info,
                     const struct lane_style *style, int64_t time)
{
    struct plan_source source = {0};
    memset(source.typical, -1, sizeof source.typical);
    int composer = find_composer(info, style->composer);
    if (composer >= 0 && info->habits) {
        const struct net_habits *habits = &info->habits[composer];
        source.rows = habits->plan;
        source.count = habits->plan_count;
        memcpy(source.typical, habits->control, sizeof source.typical);
    }
    plan_set_source(&steering->plan, &source);
    steering->governed = info->vocabulary == NET_ROLL;

    char name[sizeof steering->plan_of];
    snprintf(name, sizeof name, "%s/%s", style->net, style->composer);
    if (strcmp(steering->plan_of, name)) {
        memcpy(steering->plan_of, name, sizeof name);
        plan_turn(&steering->plan, time);
        governor_init(&steering->governor);
        turn(steering, info);
    }
    plan_go_on(&steering->plan, time);
}

void steering_begin_piece(struct steering *steering, int64_t time)
{
    plan_begin(&steering->plan, time);
    ending_begin(&steering->ending, time);
}

static int64_t piece_end(const struct steering *steering, const struct lane_style *style)
{
    return style->curator ? ending_time(&steering->ending, &style->piece_length) : INT64_MAX;
}

bool steering_closes(const struct steering *steering, const struct lane_style *style, int64_t start)
{
    int64_t end = piece_end(steering, style);
    return end != INT64_MAX && start >= end - DRAFT_US;
}

void steering_close(struct steering *steering, const struct lane_style *style, struct score *score,
                    struct draft *draft)
{
    static _Thread_local struct note before[MEMORY_NOTES];
    struct ending_music music = {
        .before = before,
        .before_count =
            score_copy(score, draft->start - MEMORY_US, draft->start, before, MEMORY_NOTES),
        .notes = draft->onsets,
        .count = draft->onset_count,
        .from = draft->start,
        .to = draft->start + DRAFT_US,
        .key = steering->plan.key,
        .hold = style->telephone ? ARRANGER_HELD_US : ENDING_HOLD_US,
    };
    int64_t chord = ending_close(&music);
    for (size_t i = 0; i < draft->event_count; i++)
        if (draft->events[i].onset < draft->start)
            score_add(score, &draft->events[i]);
    score_damp(score, chord + music.hold);
    draft->onset_count = music.count;
    draft->event_count = music.count;
    memcpy(draft->events, draft->onsets, music.count * sizeof *draft->events);
    for (size_t pitch = 0; pitch < ROLL_PITCHES; pitch++)
        draft->after.open[pitch] = -1;
    steering->closed = draft->start + DRAFT_US;
    steering->rest = chord + (style->telephone ? TELEPHONE_REST_US : ENDING_REST_US);
}

bool steering_piece_is_over(const struct steering *steering, int64_t start, int64_t *ret_breath)
{
    if (start != steering->closed)
        return false;
    int64_t breath = steering->rest - start;
    *ret_breath = breath > 0 ? breath / ROLL_FRAME_US * ROLL_FRAME_US : 0;
    return true;
}

/** By how many steps the music at `time` is to be thinner. */
static int thinner(const struct steering *steering, const struct lane_style *style, int64_t time)
{
    int64_t end = piece_end(steering, style);
    return end == INT64_MAX ? 0 : ending_thinner(time, end);
}

/** The plan, moved to where a telephone carries it. */
static void move_to_telephone(int8_t *control)
{
    for (size_t i = 0; i < sizeof telephone / sizeof *telephone; i++) {
        int8_t *bucket = &control[telephone[i].control];
        if (*bucket < telephone[i].least)
            *bucket = telephone[i].least;
        else if (*bucket > telephone[i].most)
            *bucket = telephone[i].most;
    }
}

static void tell(const struct steering *steering, const struct net_info *info,
                 const struct lane_style *style, int steps, int64_t time, struct net_lane *input)
{
    plan_tell(&steering->plan, time, input->control);
    if (style->telephone)
        move_to_telephone(input->control);
    // Alone, without the curator, a net plays as it leans.
    if (style->curator)
        heed_move(&steering->heed, steering->edges, input->control);
    for (int i = 0; i < NET_CONTROLS; i++)
        if (input->control[i] >= (int)info->buckets[i])
            input->control[i] = (int8_t)info->buckets[i] - 1;
    int8_t *density = &input->control[NET_DENSITY];
    long moved = *density - lround(steering->trim / TRIM_BUCKET) - steps;
    if (*density >= 0)
        *density = (int8_t)fmin(fmax((double)moved, 0), (double)info->buckets[NET_DENSITY] - 1);
}

static bool is_governed(const struct steering *steering, const struct lane_style *style)
{
    return steering->governed && style->curator && style->sampling == NET_SAMPLE;
}

double steering_threshold(const struct steering *steering, const struct lane_style *style)
{
    return is_governed(steering, style) ? governor_threshold(&steering->governor, style->threshold)
                                        : style->threshold;
}

void steering_set(const struct steering *steering, const struct net_info *info,
                  const struct lane_style *style, unsigned refused, int64_t time,
                  struct net_lane *input)
{
    // A hard threshold that has led nowhere gives way to what the net believes, for one draft.
    bool soft = style->sampling == NET_HARD && refused > 0;
    double threshold = fmin(fmax(steering_threshold(steering, style), 0.001), 0.999);
    if (soft)
        threshold = 0.5;
    input->sampling = soft ? NET_SAMPLE : style->sampling;
    int composer = find_composer(info, style->composer);
    input->composer = composer < 0 ? 0 : (uint32_t)composer;
    const int steps = thinner(steering, style, time);
    if (info->vocabulary == NET_NOTES) {
        tell(steering, info, style, steps, time, input);
    } else {
        memset(input->control, -1, sizeof input->control);
        if (input->sampling == NET_SAMPLE)
            threshold =
                1 /
                (1 + exp(-log(threshold / (1 - threshold)) - steering->trim - TRIM_ENDING * steps));
    }
    input->threshold = (float)threshold;
}

/** How the net has heeded its plan by `now`. */
static void hear_plan(struct steering *steering, const struct lane_style *style,
                      struct score *score, int64_t now)
{
    static _Thread_local struct note heard[MEMORY_NOTES];
    const int64_t from = now - HEED_MEMORY_US;
    const struct plan *plan = &steering->plan;
    // What another trajectory or an ending has shaped says nothing.
    if (from < steering->ending.begin || (plan->length && from < plan->begin) ||
        thinner(steering, style, now))
        return;
    int8_t planned[PLAN_CONTROLS];
    plan_tell(plan, heed_planned_at(now), planned);
    if (style->telephone) {
        // The arranger moves and thins what the net plays: how many notes there are is left of it.
        move_to_telephone(planned);
        for (int i = 0; i < PLAN_CONTROLS; i++)
            if (i != NET_DENSITY)
                planned[i] = -1;
    }
    // Nor does what the refusals have.
    if (lround(steering->trim / TRIM_BUCKET))
        planned[NET_DENSITY] = -1;
    size_t count = score_copy(score, from, now, heard, MEMORY_NOTES);
    heed_hear(&steering->heed, steering->edges, heard, count, now, planned);
}

void steering_hear(struct steering *steering, const struct lane_style *style,
                   const struct curator_bounds *bounds, struct score *score,
                   const struct draft *draft)
{
    if (is_governed(steering, style) && !thinner(steering, style, draft->start + DRAFT_US))
        governor_hear(&steering->governor, bounds->notes_per_minute, style->threshold,
                      draft->onset_count, (double)DRAFT_US / NOTE_SECOND);
    if (!steering->governed && style->curator)
        hear_plan(steering, style, score, draft->start + DRAFT_US);
}

void steering_refuse(struct steering *steering, enum curator_verdict verdict,
                     enum net_sampling sampling, unsigned refused)
{
    // A hard draft says nothing of how the net plays when it draws.
    if (sampling == NET_HARD && refused == 0)
        return;
    double step = TRIM_STEP * (refused + 1);
    if (verdict == CURATOR_THIN)
        steering->trim = fmax(steering->trim - step, -TRIM_MOST);
    else if (verdict == CURATOR_CROWDED)
        steering->trim = fmin(steering->trim + step, TRIM_MOST);
}

void steering_relax(struct steering *steering)
{
    steering->trim *= TRIM_KEPT;
}
