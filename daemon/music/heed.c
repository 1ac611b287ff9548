// SPDX-License-Identifier: MIT
#include "music/heed.h"

#include <math.h>
#include <stdbool.h>

// The windows of models/passages.py: what a note is told is heard from so long before it on.
#define WINDOW (10 * NOTE_SECOND)
#define BEFORE (3 * NOTE_SECOND)

// Of each draft's difference, this is learnt: the mean of about a minute and a half. One bucket
// more or less is heard ten seconds later, so it does not swing.
#define RATE 0.04
#define LEAN_MOST 3.0
#define NOTES_LEAST 8

/** The columns of a plan. */
enum { DENSITY, REGISTER, LOUDNESS, POLYPHONY, KEY, CHROMA };

_Static_assert(KEY == PLAN_KEY && CHROMA == PLAN_CONTROLS - 1, "the columns of a plan");

void heed_init(struct heed *heed)
{
    *heed = (struct heed){.lean = {0}};
}

int64_t heed_planned_at(int64_t now)
{
    return now - WINDOW + BEFORE;
}

/** Entropy of the pitch classes, bits. */
static double chroma_of(const struct note *notes, size_t count)
{
    size_t classes[12] = {0};
    for (size_t i = 0; i < count; i++)
        classes[notes[i].pitch % 12]++;
    double bits = 0;
    for (int i = 0; i < 12; i++)
        if (classes[i])
            bits -= (double)classes[i] / (double)count * log2((double)classes[i] / (double)count);
    return bits;
}

/** Figures in the order of the columns. Returns false where there is too little to tell. */
static bool figures_of(const struct note *notes, size_t count, int64_t now,
                       double ret_figures[PLAN_CONTROLS])
{
    size_t first = 0;
    while (first < count && notes[first].onset < now - WINDOW)
        first++;
    size_t heard = count - first;
    if (heard < NOTES_LEAST)
        return false;
    double pitches = 0, velocities = 0, sounding = 0;
    for (size_t i = first; i < count; i++) {
        int64_t end = note_end(&notes[i]);
        pitches += notes[i].pitch;
        velocities += notes[i].velocity;
        sounding += (double)((end == NOTE_OPEN ? now : end) - notes[i].onset);
    }
    ret_figures[DENSITY] = (double)heard * 60 * NOTE_SECOND / WINDOW;
    ret_figures[REGISTER] = pitches / (double)heard;
    ret_figures[LOUDNESS] = velocities / (double)heard;
    ret_figures[POLYPHONY] = sounding / WINDOW;
    ret_figures[KEY] = 0;
    ret_figures[CHROMA] = chroma_of(notes, count);
    return true;
}

static int bucket_of(double figure, const struct heed_edges *edges)
{
    size_t bucket = 0;
    while (bucket < edges->count && figure >= (double)edges->edges[bucket])
        bucket++;
    return (int)bucket;
}

void heed_hear(struct heed *heed, const struct heed_edges edges[PLAN_CONTROLS],
               const struct note *notes, size_t count, int64_t now,
               const int8_t planned[PLAN_CONTROLS])
{
    double figures[PLAN_CONTROLS];
    if (!figures_of(notes, count, now, figures))
        return;
    for (int i = 0; i < PLAN_CONTROLS; i++) {
        if (i == PLAN_KEY || planned[i] < 0 || edges[i].count == 0)
            continue;
        double beyond = bucket_of(figures[i], &edges[i]) - planned[i];
        heed->lean[i] = fmin(fmax(heed->lean[i] + RATE * beyond, -LEAN_MOST), LEAN_MOST);
    }
}

void heed_move(const struct heed *heed, const struct heed_edges edges[PLAN_CONTROLS],
               int8_t control[PLAN_CONTROLS])
{
    for (int i = 0; i < PLAN_CONTROLS; i++)
        if (control[i] >= 0 && edges[i].count)
            control[i] = (int8_t)fmin(fmax((double)(control[i] - lround(heed->lean[i])), 0),
                                      (double)edges[i].count);
}
