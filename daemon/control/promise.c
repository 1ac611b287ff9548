// SPDX-License-Identifier: MIT
#include "control/promise.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "control/soak_stream.h"

static __attribute__((format(printf, 2, 3))) void add(struct promise_list *list, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(list->broken[list->count++], sizeof list->broken[0], format, arguments);
    va_end(arguments);
}

static void check_silence(const struct soak_figures *figures, struct promise_list *list)
{
    if (figures->silence <= PROMISE_SILENCE) {
        if (figures->onset_gap > PROMISE_ONSETS)
            add(list, "no note begins for %.1f s; %.0f s is the most", figures->onset_gap,
                PROMISE_ONSETS);
        return;
    }
    int at = (int)(figures->silence_at / NOTE_SECOND);
    add(list, "silent for %.1f s from %d:%02d:%02d on; %.0f s is the most", figures->silence,
        at / 3600, at / 60 % 60, at % 60, PROMISE_SILENCE);
}

/** The hour that is furthest out of the band; where there is none yet, the whole. */
static void check_density(const struct soak_figures *figures, struct promise_list *list)
{
    double seconds = (double)figures->length / NOTE_SECOND;
    if (seconds < PROMISE_DENSITY_FROM)
        return;
    double whole = (double)figures->notes * 60 / seconds;
    const double *rates = figures->hour_count ? figures->hours : &whole;
    size_t count = figures->hour_count ? figures->hour_count : 1;
    double worst = 0;
    size_t hour = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fmax(figures->band[0] - rates[i], rates[i] - figures->band[2]);
        if (off > worst) {
            worst = off;
            hour = i;
        }
    }
    if (worst <= 0)
        return;
    char when[32] = "over the whole";
    if (figures->hour_count)
        snprintf(when, sizeof when, "in hour %zu", hour + 1);
    add(list, "%.0f notes a minute %s; the composer's own are %.0f to %.0f", rates[hour], when,
        figures->band[0], figures->band[2]);
}

static void check_slope(const struct soak_figures *figures, struct promise_list *list)
{
    double slope, error;
    if (figures->trend.count < PROMISE_SLOPE_BLOCKS ||
        !trend_slope(&figures->trend, &slope, &error) ||
        fabs(slope) <= PROMISE_SLOPE_ERRORS * error)
        return;
    add(list, "the density drifts: %+.1f notes a minute each hour, with a standard error of %.1f",
        slope, error);
}

void promise_of_stream(const struct soak_figures *figures, struct promise_list *ret_list)
{
    ret_list->count = 0;
    check_silence(figures, ret_list);
    check_density(figures, ret_list);
    check_slope(figures, ret_list);
}

void promise_of_memory(int64_t early, int64_t late, struct promise_list *ret_list)
{
    ret_list->count = 0;
    if (late - early > PROMISE_GROWTH)
        add(ret_list, "the process grew from %.1f to %.1f MB", (double)early / 1e6,
            (double)late / 1e6);
}
