// SPDX-License-Identifier: MIT
#include "music/echo.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define BUCKETS ECHO_NOTES

// Seconds, and the least runs: music so sparse does not repeat itself, it rests.
#define LONG ((double)ECHO_LONG / (double)NOTE_SECOND)
#define SHORT ((double)ECHO_SHORT / (double)NOTE_SECOND)

/** A note, and the run that ends with it. Notes are numbered on for ever; number n lies at n modulo
 * ECHO_NOTES. */
struct heard {
    int64_t onset;
    uint32_t run;  ///< half of what tells it; one in four thousand million is mistaken
    uint32_t next; ///< lower half of the number + 1 of the last one before in the same bucket
    uint8_t pitch;
    uint8_t times;   ///< how often the run was heard in the 30 minutes before; up to ECHO_TIMES
    bool begins;     ///< the first of its chord
    bool ends_a_run; ///< there are enough notes before it
};

struct echo {
    struct heard notes[ECHO_NOTES];
    uint32_t buckets[BUCKETS]; ///< lower half of the number + 1 of the last run; 0: none
    uint64_t first;            ///< number of the oldest note remembered,
    uint64_t end;              ///< and one more than that of the latest
    int64_t begin;             ///< channel time of the very first note
};

int echo_new(struct echo **ret_echo)
{
    struct echo *echo = calloc(1, sizeof *echo);
    if (!echo)
        return -ENOMEM;
    *ret_echo = echo;
    return 0;
}

void echo_free(struct echo *echo)
{
    free(echo);
}

static const struct heard *heard_at(const struct echo *echo, uint64_t number)
{
    return &echo->notes[number % ECHO_NOTES];
}

/** The last interval of a run is in its lowest bits only: all are spread before half is taken. */
static uint32_t shorten(uint64_t run)
{
    run = (run ^ (run >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    run = (run ^ (run >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(run >> 32);
}

static uint32_t bucket_of(uint32_t run)
{
    return run % BUCKETS;
}

/** How often `run` was heard before note number `end`, not before `earliest`. */
static unsigned count_times(const struct echo *echo, uint32_t run, uint64_t end, int64_t earliest)
{
    unsigned times = 0;
    // A link says the lower half of a number; what it means is the last such number there was.
    uint32_t link = echo->buckets[bucket_of(run)];
    uint64_t upper = echo->end;
    while (link != 0 && times < ECHO_TIMES) {
        uint64_t number = upper - (uint32_t)((uint32_t)upper - (link - 1));
        // Of what was written over, the links lead nowhere.
        if (number >= upper || number < echo->first)
            break;
        const struct heard *heard = heard_at(echo, number);
        if (heard->onset < earliest)
            break;
        if (number < end && heard->run == run)
            times++;
        link = heard->next;
        upper = number;
    }
    return times;
}

/** Number of the first note of the chord that note number `last` is in. */
static uint64_t chord_of(const struct echo *echo, uint64_t last)
{
    while (last > echo->first && !heard_at(echo, last)->begins)
        last--;
    return last;
}

static void push(struct echo *echo, const struct note *note, bool begins)
{
    struct heard *heard = &echo->notes[echo->end % ECHO_NOTES];
    *heard = (struct heard){.onset = note->onset, .pitch = note->pitch, .begins = begins};
    if (echo->end - echo->first == ECHO_NOTES)
        echo->first++;
    if (echo->end - echo->first >= LINE_RUN - 1) {
        uint8_t pitch[LINE_RUN];
        for (unsigned i = 0; i < LINE_RUN - 1; i++)
            pitch[i] = heard_at(echo, echo->end - (LINE_RUN - 1) + i)->pitch;
        pitch[LINE_RUN - 1] = note->pitch;
        heard->run = shorten(line_run(pitch));
        heard->times = (uint8_t)count_times(echo, heard->run, echo->end, note->onset - ECHO_MEMORY);
        heard->ends_a_run = true;
        uint32_t *bucket = &echo->buckets[bucket_of(heard->run)];
        heard->next = *bucket;
        *bucket = (uint32_t)echo->end + 1;
    }
    if (echo->end == echo->first || note->onset < echo->begin)
        echo->begin = note->onset;
    echo->end++;
}

static void pop(struct echo *echo)
{
    const struct heard *heard = heard_at(echo, --echo->end);
    if (heard->ends_a_run)
        echo->buckets[bucket_of(heard->run)] = heard->next;
}

/** The first note whose place in the line is open, if the line is to go on from `from`: the last
 * chord that has notes before that time. It may not be complete. */
static uint64_t open_from(const struct echo *echo, int64_t from)
{
    uint64_t end = echo->end;
    while (end > echo->first) {
        uint64_t start = chord_of(echo, end - 1);
        for (uint64_t number = start; number < end; number++)
            if (heard_at(echo, number)->onset < from)
                return start;
        end = start;
    }
    return end;
}

/** Copies the notes from number `number` on that begin before `from`, in order of onset. */
static size_t copy_open(const struct echo *echo, uint64_t number, int64_t from,
                        struct note chord[LINE_CHORD])
{
    size_t count = 0;
    for (; number < echo->end && count < LINE_CHORD; number++) {
        const struct heard *heard = heard_at(echo, number);
        if (heard->onset >= from)
            continue;
        size_t at = count++;
        for (; at > 0 && chord[at - 1].onset > heard->onset; at--)
            chord[at] = chord[at - 1];
        chord[at] = (struct note){.onset = heard->onset, .duration = 1, .pitch = heard->pitch};
    }
    return count;
}

/** Who takes the chords of a line, one after the other. */
typedef void take_func(void *user, const struct note *chord, size_t length);

/** Tells the line of an open chord of `length` notes and what follows it. */
static void tell_line(struct note chord[LINE_CHORD], size_t length, const struct note *notes,
                      size_t count, take_func *take, void *user)
{
    while (length > 0 || count > 0) {
        while (count > 0 && length < LINE_CHORD &&
               (length == 0 || notes->onset - chord[length - 1].onset <= LINE_CHORD_US)) {
            chord[length++] = *notes++;
            count--;
        }
        line_sort(chord, length);
        take(user, chord, length);
        length = 0;
    }
}

static void push_chord(void *user, const struct note *chord, size_t length)
{
    for (size_t i = 0; i < length; i++)
        push(user, &chord[i], i == 0);
}

/** Opens the last chord before `from`, and has it go on with the notes. */
static void go_on(struct echo *echo, int64_t from, const struct note *notes, size_t count)
{
    struct note chord[LINE_CHORD];
    uint64_t open = open_from(echo, from);
    size_t length = copy_open(echo, open, from, chord);
    while (echo->end > open)
        pop(echo);
    tell_line(chord, length, notes, count, push_chord, echo);
}

void echo_cut(struct echo *echo, int64_t at)
{
    go_on(echo, at, NULL, 0);
}

void echo_keep(struct echo *echo, const struct note *notes, size_t count)
{
    go_on(echo, INT64_MAX, notes, count);
}

static void append_chord(void *user, const struct note *chord, size_t length)
{
    struct echo_line *line = user;
    for (size_t i = 0; i < length && line->count < ECHO_ROOM; i++)
        line->pitch[line->count++] = chord[i].pitch;
}

void echo_follow(const struct echo *echo, int64_t from, const struct note *notes, size_t count,
                 struct echo_line *ret_line)
{
    uint64_t open = open_from(echo, from);
    uint64_t known = open - echo->first;
    ret_line->count = 0;
    for (uint64_t i = known < ECHO_BEFORE ? known : ECHO_BEFORE; i > 0; i--)
        ret_line->pitch[ret_line->count++] = heard_at(echo, open - i)->pitch;
    ret_line->fresh = ret_line->count;
    ret_line->before = open;

    struct note chord[LINE_CHORD];
    size_t length = copy_open(echo, open, from, chord);
    tell_line(chord, length, notes, count, append_chord, ret_line);
}

/** Sums over runs. */
struct sums {
    double runs;
    double repeated;
    double times;
};

static void add(struct sums *sums, unsigned times)
{
    sums->runs++;
    sums->repeated += times > 0;
    sums->times += times;
}

/** Sums over the runs of the draft. */
static struct sums measure_draft(const struct echo *echo, const struct echo_line *line, int64_t to)
{
    struct sums sums = {0};
    uint32_t runs[ECHO_ROOM];
    size_t count = 0;
    for (size_t last = line->fresh < LINE_RUN - 1 ? LINE_RUN - 1 : line->fresh; last < line->count;
         last++) {
        uint32_t run = shorten(line_run(line->pitch + last - (LINE_RUN - 1)));
        unsigned times = count_times(echo, run, line->before, to - ECHO_MEMORY);
        for (size_t i = 0; i < count && times < ECHO_TIMES; i++)
            times += runs[i] == run;
        runs[count++] = run;
        add(&sums, times);
    }
    return sums;
}

void echo_measure(const struct echo *echo, const struct echo_line *line, int64_t to,
                  struct echo_figures *ret_figures)
{
    struct sums draft = measure_draft(echo, line, to);
    struct sums all = draft, latest = draft;
    for (uint64_t number = line->before; number > echo->first; number--) {
        const struct heard *heard = heard_at(echo, number - 1);
        if (heard->onset < to - ECHO_LONG)
            break;
        if (!heard->ends_a_run)
            continue;
        add(&all, heard->times);
        if (heard->onset >= to - ECHO_SHORT)
            add(&latest, heard->times);
    }
    double age = line->before > echo->first ? (double)(to - echo->begin) : 0;
    *ret_figures = (struct echo_figures){
        .share = all.repeated / fmax(all.runs, LONG) * fmin(age / (double)ECHO_LONG, 1),
        .times = latest.times / fmax(latest.runs, SHORT) * fmin(age / (double)ECHO_SHORT, 1),
        .draft_share = draft.repeated / fmax(draft.runs, 1),
        .draft_times = draft.times / fmax(draft.runs, 1),
    };
}
