// SPDX-License-Identifier: MIT
#include "music/score.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// A third of the room is for what is to come, of which half a minute is all that is ever used; so
// what was played has nearly all of it: a quarter of an hour of 1500 notes a minute. The kernel
// lends the pages only once they are written to.
#define CAPACITY SCORE_PAST
// How much of the past goes at once when the room is full: seldom, and then a short memmove.
#define FORGET (SCORE_ROOM / 4)

#define PITCHES 128

/** What the performer has struck and not yet released. */
struct sounding {
    bool on;
    int64_t onset;
    int64_t end; ///< never open: at the latest SCORE_LONGEST_NOTE after the onset
};

/*
 * Invariants, under the lock:
 *   - notes[0..count) are in order of onset; of one pitch and onset there is at most one
 *   - notes[0..next) were taken and have onset <= position; notes[next..count) have
 *     onset >= position
 *   - position <= horizon
 *   - complete notes last at most SCORE_LONGEST_NOTE
 *   - what sounds is known apart from the notes, so that forgetting a note never loses a release
 */
struct score {
    pthread_mutex_t lock;
    int64_t position;
    int64_t horizon;
    int64_t floor; ///< last cut: nothing new may begin before it
    size_t count;
    size_t next;
    struct sounding sounding[PITCHES];
    struct note notes[CAPACITY];
};

int score_new(struct score **ret_score)
{
    struct score *score = calloc(1, sizeof *score);
    if (!score)
        return -ENOMEM;
    pthread_mutex_init(&score->lock, NULL);
    *ret_score = score;
    return 0;
}

void score_free(struct score *score)
{
    if (!score)
        return;
    pthread_mutex_destroy(&score->lock);
    free(score);
}

/** Index of the first note whose onset is not before `time`. */
static size_t first_from(const struct score *score, int64_t time)
{
    size_t low = 0, high = score->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (score->notes[middle].onset < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct note *find_twin(struct score *score, const struct note *note)
{
    for (size_t i = first_from(score, note->onset);
         i < score->count && score->notes[i].onset == note->onset; i++)
        if (score->notes[i].pitch == note->pitch)
            return &score->notes[i];
    return NULL;
}

static bool is_playable(const struct note *note)
{
    return note->pitch < PITCHES && note->velocity >= 1 && note->velocity <= 127 &&
           note->duration > 0 && note->onset >= 0 && note->onset <= INT64_MAX / 2;
}

/** The time by which the note is released at the latest. */
static int64_t release_time(const struct note *note)
{
    return note->duration < SCORE_LONGEST_NOTE ? note->onset + note->duration
                                               : note->onset + SCORE_LONGEST_NOTE;
}

static void complete(struct score *score, struct note *twin, int64_t duration)
{
    twin->duration = duration;
    struct sounding *sounding = &score->sounding[twin->pitch];
    if (sounding->on && sounding->onset == twin->onset)
        sounding->end = release_time(twin);
}

static int insert(struct score *score, const struct note *note)
{
    if (score->count - score->next >= SCORE_ROOM)
        return -ENOSPC;
    if (score->count == CAPACITY) {
        memmove(score->notes, score->notes + FORGET,
                (score->count - FORGET) * sizeof score->notes[0]);
        score->count -= FORGET;
        score->next -= FORGET;
    }

    // Behind all that begin no later: for what is composed in order, that is the end.
    size_t at = first_from(score, note->onset + 1);
    memmove(score->notes + at + 1, score->notes + at, (score->count - at) * sizeof score->notes[0]);
    score->notes[at] = *note;
    score->count++;
    return 0;
}

int score_add(struct score *score, const struct note *note)
{
    if (!is_playable(note))
        return 0;
    struct note fresh = *note;
    if (fresh.duration != NOTE_OPEN && fresh.duration > SCORE_LONGEST_NOTE)
        fresh.duration = SCORE_LONGEST_NOTE;

    int rc = 0;
    pthread_mutex_lock(&score->lock);
    struct note *twin = find_twin(score, &fresh);
    if (twin) {
        if (twin->duration == NOTE_OPEN && fresh.duration != NOTE_OPEN)
            complete(score, twin, fresh.duration);
    } else if (fresh.onset >= score->floor && fresh.onset >= score->position) {
        rc = insert(score, &fresh);
    }
    pthread_mutex_unlock(&score->lock);
    return rc;
}

void score_extend(struct score *score, int64_t until)
{
    pthread_mutex_lock(&score->lock);
    if (until > score->horizon)
        score->horizon = until;
    pthread_mutex_unlock(&score->lock);
}

/** Ends at `at` what sounds over it. */
static void damp(struct score *score, int64_t at)
{
    // Only the last SCORE_LONGEST_NOTE can still sound then. A note struck at the very position of
    // a cut keeps a moment, because notes without duration do not exist.
    for (size_t i = first_from(score, at - SCORE_LONGEST_NOTE);
         i < score->count && score->notes[i].onset <= at; i++) {
        struct note *note = &score->notes[i];
        if (release_time(note) > at)
            complete(score, note, at > note->onset ? at - note->onset : 1);
    }
    // What sounds may be forgotten among the notes.
    for (size_t pitch = 0; pitch < PITCHES; pitch++)
        if (score->sounding[pitch].on && score->sounding[pitch].end > at)
            score->sounding[pitch].end = at;
}

int score_cut(struct score *score, int64_t at)
{
    int rc = 0;
    pthread_mutex_lock(&score->lock);
    if (at < score->position) {
        rc = -ESTALE;
    } else {
        // What begins before the position is never removed: onset < position <= at.
        size_t end = first_from(score, at);
        score->count = end > score->next ? end : score->next;
        if (at < score->horizon)
            score->horizon = at;
        score->floor = score->horizon;
        damp(score, at);
    }
    pthread_mutex_unlock(&score->lock);
    return rc;
}

void score_damp(struct score *score, int64_t at)
{
    pthread_mutex_lock(&score->lock);
    if (at >= score->position)
        damp(score, at);
    pthread_mutex_unlock(&score->lock);
}

/** What is to end when notes[last] is struck, if more than `voices` sound then; else NULL. */
static struct note *one_too_many(struct score *score, size_t last, size_t voices, uint8_t brief)
{
    int64_t at = score->notes[last].onset;
    struct note *oldest = NULL;
    size_t sounding = 0;
    for (size_t i = first_from(score, at - SCORE_LONGEST_NOTE); i <= last; i++) {
        struct note *note = &score->notes[i];
        if (release_time(note) <= at)
            continue;
        sounding++;
        if (note->onset < at && (!oldest || (oldest->pitch <= brief && note->pitch > brief)))
            oldest = note;
    }
    return sounding > voices ? oldest : NULL;
}

void score_limit(struct score *score, int64_t from, size_t voices, uint8_t brief)
{
    pthread_mutex_lock(&score->lock);
    if (from < score->position)
        from = score->position;
    for (size_t i = first_from(score, from); i < score->count; i++) {
        struct note *note;
        while ((note = one_too_many(score, i, voices, brief)))
            complete(score, note, score->notes[i].onset - note->onset);
    }
    pthread_mutex_unlock(&score->lock);
}

int64_t score_horizon(struct score *score)
{
    pthread_mutex_lock(&score->lock);
    int64_t horizon = score->horizon;
    pthread_mutex_unlock(&score->lock);
    return horizon;
}

int64_t score_position(struct score *score)
{
    pthread_mutex_lock(&score->lock);
    int64_t position = score->position;
    pthread_mutex_unlock(&score->lock);
    return position;
}

/** The pitch to be released next and when, or -1. An end that became known too late is due now. */
static int next_release(const struct score *score, int64_t *ret_time)
{
    int found = -1;
    int64_t earliest = INT64_MAX;
    for (int pitch = 0; pitch < PITCHES; pitch++) {
        const struct sounding *sounding = &score->sounding[pitch];
        if (sounding->on && sounding->end < earliest) {
            earliest = sounding->end;
            found = pitch;
        }
    }
    if (found >= 0)
        *ret_time = earliest > score->position ? earliest : score->position;
    return found;
}

static void release(struct score *score, int pitch, int64_t time, struct score_event *ret_event)
{
    score->sounding[pitch].on = false;
    score->position = time;
    *ret_event = (struct score_event){.time = time, .pitch = (uint8_t)pitch};
}

static void strike(struct score *score, struct score_event *ret_event)
{
    const struct note *note = &score->notes[score->next++];
    score->sounding[note->pitch] =
        (struct sounding){.on = true, .onset = note->onset, .end = release_time(note)};
    score->position = note->onset;
    *ret_event = (struct score_event){
        .time = note->onset,
        .duration = note->duration == NOTE_OPEN ? 0 : note->duration,
        .pitch = note->pitch,
        .velocity = note->velocity,
    };
}

bool score_take(struct score *score, int64_t until, struct score_event *ret_event)
{
    bool taken = true;
    pthread_mutex_lock(&score->lock);
    int64_t limit = until < score->horizon ? until : score->horizon;
    int64_t onset = score->next < score->count ? score->notes[score->next].onset : INT64_MAX;
    int64_t end = INT64_MAX;
    int pitch = next_release(score, &end);

    if (pitch >= 0 && end <= onset && end < limit) {
        release(score, pitch, end, ret_event);
    } else if (onset < limit) {
        uint8_t struck = score->notes[score->next].pitch;
        if (score->sounding[struck].on)
            release(score, struck, onset, ret_event);
        else
            strike(score, ret_event);
    } else {
        taken = false;
        if (limit > score->position)
            score->position = limit;
    }
    pthread_mutex_unlock(&score->lock);
    return taken;
}

/** The note as far as it is known: one that has been open for too long was released. */
static struct note known(const struct score *score, const struct note *note)
{
    struct note copy = *note;
    if (copy.duration == NOTE_OPEN && copy.onset + SCORE_LONGEST_NOTE <= score->horizon)
        copy.duration = SCORE_LONGEST_NOTE;
    return copy;
}

static size_t copy_from(const struct score *score, size_t first, int64_t from, int64_t to,
                        struct note *notes, size_t room)
{
    size_t copied = 0;
    for (size_t i = first; i < score->count && score->notes[i].onset < to && copied < room; i++) {
        const struct note *note = &score->notes[i];
        if (note->onset >= from || release_time(note) > from)
            notes[copied++] = known(score, note);
    }
    return copied;
}

size_t score_copy(struct score *score, int64_t from, int64_t to, struct note *notes, size_t room)
{
    pthread_mutex_lock(&score->lock);
    size_t copied = copy_from(score, first_from(score, from), from, to, notes, room);
    pthread_mutex_unlock(&score->lock);
    return copied;
}

size_t score_copy_sounding(struct score *score, int64_t from, int64_t to, struct note *notes,
                           size_t room)
{
    pthread_mutex_lock(&score->lock);
    // A note that began earlier than this cannot sound any more.
    int64_t reach = from > INT64_MIN + SCORE_LONGEST_NOTE ? from - SCORE_LONGEST_NOTE : from;
    size_t copied = copy_from(score, first_from(score, reach), from, to, notes, room);
    pthread_mutex_unlock(&score->lock);
    return copied;
}
