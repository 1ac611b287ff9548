// SPDX-License-Identifier: MIT
#include "music/drift.h"

#include <math.h>
#include <stdbool.h>

#include "music/line.h"

static const double half_lives[DRIFT_MEMORIES] = {[DRIFT_MINUTES] = 600, [DRIFT_HOUR] = 3600};

// The bands of human music are those of 99 of 100 moments of concerts of works drawn at random. A
// net that has a character of its own is not adrift, nor is a work unlike any other: so much more
// is let pass, of rates as a factor, of the others as a distance.
static const double margins[DRIFT_MEMORIES][DRIFT_FIGURES] = {
    [DRIFT_MINUTES] =
        {[DRIFT_DENSITY] = 1.3, [DRIFT_PACE] = 1.3, [DRIFT_REGISTER] = 3, [DRIFT_SPREAD] = 0.2},
    [DRIFT_HOUR] =
        {[DRIFT_DENSITY] = 1.2, [DRIFT_PACE] = 1.2, [DRIFT_REGISTER] = 2, [DRIFT_SPREAD] = 0.07},
};

void drift_init(struct drift *drift)
{
    *drift = (struct drift){.heard = 0};
}

static void fade(struct drift_sums *sums, double by)
{
    sums->seconds *= by;
    sums->notes *= by;
    sums->chords *= by;
    sums->pitches *= by;
    for (int i = 0; i < 12; i++)
        sums->classes[i] *= by;
}

static void add(struct drift_sums *sums, const struct note *notes, size_t count, double seconds)
{
    sums->seconds += seconds;
    sums->notes += (double)count;
    for (size_t i = 0; i < count; i++) {
        sums->chords += i == 0 || notes[i].onset - notes[i - 1].onset > LINE_CHORD_US;
        sums->pitches += notes[i].pitch;
        sums->classes[notes[i].pitch % 12]++;
    }
}

void drift_keep(struct drift *drift, const struct note *notes, size_t count, double seconds)
{
    for (int memory = 0; memory < DRIFT_MEMORIES; memory++) {
        fade(&drift->sums[memory], exp2(-seconds / half_lives[memory]));
        add(&drift->sums[memory], notes, count, seconds);
    }
    drift->heard += seconds;
    if (drift->heard - seconds < half_lives[DRIFT_HOUR])
        drift_measure(drift, DRIFT_HOUR, drift->settled);
}

static double entropy(const double classes[12], double all)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        if (classes[i] > 0)
            sum -= classes[i] / all * log2(classes[i] / all);
    return sum;
}

double drift_measure(const struct drift *drift, enum drift_memory memory,
                     double ret_figures[DRIFT_FIGURES])
{
    const struct drift_sums *sums = &drift->sums[memory];
    double notes = fmax(sums->notes, 1e-6);
    ret_figures[DRIFT_DENSITY] = sums->notes / fmax(sums->seconds, 1e-6) * 60;
    ret_figures[DRIFT_PACE] = sums->seconds / fmax(sums->chords, 1e-6) * 1000;
    ret_figures[DRIFT_REGISTER] = sums->pitches / notes;
    ret_figures[DRIFT_SPREAD] = entropy(sums->classes, notes);
    return drift->heard / half_lives[memory];
}

/** How far out of its band a figure is, in widths of the band. */
static double outside(const struct drift *drift, enum drift_memory memory, enum drift_figure which,
                      double figure, const double band[2])
{
    double margin = margins[memory][which], low = band[0], high = band[1];
    bool rate = which == DRIFT_DENSITY || which == DRIFT_PACE;
    if (memory == DRIFT_HOUR) {
        low = fmin(low, drift->settled[which]);
        high = fmax(high, drift->settled[which]);
    }
    low = rate ? low / margin : low - margin;
    high = rate ? high * margin : high + margin;
    return fmax(fmax(low - figure, figure - high), 0) / fmax(high - low, 1e-6);
}

double drift_judge(const struct drift *drift, const struct drift_bands *bands,
                   const struct note *notes, size_t count, double seconds)
{
    struct drift after = *drift;
    drift_keep(&after, notes, count, seconds);
    double badness = 0;
    for (int memory = 0; memory < DRIFT_MEMORIES; memory++) {
        double now[DRIFT_FIGURES], then[DRIFT_FIGURES];
        if (drift_measure(drift, memory, now) < 1)
            continue;
        drift_measure(&after, memory, then);
        for (int figure = 0; figure < DRIFT_FIGURES; figure++) {
            const double *band = bands->band[figure][memory];
            double out = outside(drift, memory, figure, then[figure], band);
            if (out > outside(drift, memory, figure, now[figure], band))
                badness += out;
        }
    }
    return badness;
}
