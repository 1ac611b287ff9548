// SPDX-License-Identifier: MIT
#include "nets/tune.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/tuning.h"
#include "log.h"

/** Of one candidate, in microseconds. */
#define PATIENCE 200e3
#define LEAST_RUNS 3
#define MOST_RUNS 200
/** A candidate is taken before the usual layout if it needs no more than this share of its time. */
#define GAIN 0.95
/** For all candidates, opening included: those that are left are not looked at. In doubt the usual
 * one is opened once more after that. */
#define LONGEST 5e6
/** Of candidate(): two tiles, and up to 16 times and a sixteenth of the usual rows. */
#define TURNS 10

struct tune {
    struct device *device;
    const char *path;
    uint32_t lanes;
    struct tuning_layout next; ///< to measure; zeros: the usual one
    uint32_t turn;             ///< of candidate()
    clockid_t clock;           ///< a device that is the CPU is shared: what it costs is CPU time
    double spent;
    struct tune_report report;
};

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

int tune_new(struct device *device, const char *path, uint32_t lanes, struct tune **ret_tune)
{
    struct tune *tune = calloc(1, sizeof *tune);
    if (!tune)
        return -ENOMEM;
    tune->device = device;
    tune->path = path;
    tune->lanes = lanes;
    tune->clock =
        device_info(device)->kind == DEVICE_CPU ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    *ret_tune = tune;
    return 0;
}

void tune_free(struct tune *tune)
{
    free(tune);
}

const struct tune_report *tune_report(const struct tune *tune)
{
    return &tune->report;
}

static int measure(const struct tune *tune, struct net *net, double *ret_step_us)
{
    const struct net_info *info = net_info(net);
    struct net_lane *lanes = calloc(tune->lanes, sizeof *lanes);
    uint8_t *tokens = malloc((size_t)tune->lanes * info->steps * info->token_bytes);
    int r = lanes && tokens ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < tune->lanes && r == 0; i++)
        lanes[i] = (struct net_lane){
            .active = true, .control = {-1, -1, -1, -1}, .threshold = 0.5f, .seed = i};
    double begun = now(tune->clock), before = begun, least = HUGE_VAL;
    for (int run = 0; run < MOST_RUNS && r == 0; run++) {
        r = net_run(net, lanes, tokens);
        double after = now(tune->clock);
        if (run > 0) // the first one warms up
            least = fmin(least, after - before);
        before = after;
        if (run >= LEAST_RUNS && after - begun > PATIENCE)
            break;
    }
    if (r == 0)
        *ret_step_us = least / info->steps;
    free(lanes);
    free(tokens);
    return r;
}

/** The fastest of those measured. */
static uint32_t fastest(const struct tune_report *report)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < report->count; i++)
        if (report->trials[i].step_us < report->trials[best].step_us)
            best = i;
    return best;
}

static bool measured(const struct tune_report *report, struct tuning_layout layout)
{
    for (uint32_t i = 0; i < report->count; i++)
        if (report->trials[i].layout.tile == layout.tile &&
            report->trials[i].layout.rows == layout.rows)
            return true;
    return false;
}

/** Tiles of twice and half the usual size, then all numbers of rows in the best of these, the
 * nearest first: not all may have their turn. */
static struct tuning_layout candidate(const struct tune_report *report, uint32_t turn)
{
    const struct tuning_layout usual = report->trials[0].layout;
    if (turn < 2)
        return (struct tuning_layout){turn ? usual.tile / 2 : usual.tile * 2, usual.rows};
    const uint32_t times = 1u << (turn / 2);
    return (struct tuning_layout){report->trials[fastest(report)].layout.tile,
                                  turn % 2 ? usual.rows / times : usual.rows * times};
}

/** Whether there is one more to look at. */
static bool find_next(struct tune *tune, const struct net *net)
{
    while (tune->turn < TURNS) {
        tune->next = candidate(&tune->report, tune->turn++);
        if (net_takes_layout(net, tune->next) && !measured(&tune->report, tune->next))
            return true;
    }
    return false;
}

/** Which one there is to be. */
static uint32_t better(const struct tune_report *report)
{
    uint32_t best = fastest(report);
    return report->trials[best].step_us < report->trials[0].step_us * GAIN ? best : 0;
}

static int choose(struct tune *tune)
{
    struct tune_report *report = &tune->report;
    report->chosen = better(report);
    tuning_keep(tune->device, tune->path, report->most, report->trials[report->chosen].layout);
    return 0;
}

/** Whether the usual layout is to be measured once more. */
static bool doubt(struct tune *tune)
{
    struct tune_report *report = &tune->report;
    if (report->doubted || better(report) == 0)
        return false;
    report->doubted = true;
    tune->next = report->trials[0].layout;
    return true;
}

/** Takes note of what a layout needs. Returns whether there is one more to measure. */
static bool note(struct tune *tune, const struct net *net, double step_us)
{
    struct tune_report *report = &tune->report;
    const struct net_layout laid = net_layout(net);
    log_debug("%s, %u lanes: %u together, %u rows take %.1f us a step", tune->path, tune->lanes,
              laid.layout.tile, laid.layout.rows, step_us);
    if (report->doubted) {
        report->trials[0].step_us = fmin(report->trials[0].step_us, step_us);
        return false;
    }
    report->trials[report->count++] = (struct tune_trial){laid.layout, step_us};
    report->most = laid.most;
    bool more = report->count < TUNE_MOST && find_next(tune, net);
    return (more && tune->spent < LONGEST) || doubt(tune);
}

int tune_next(struct tune *tune)
{
    struct net *net = NULL;
    double begun = now(tune->clock), step_us = 0;
    int r = net_new_laid(tune->device, tune->path, tune->lanes, tune->next, &net);
    if (r < 0)
        return r;
    const bool texel = net_layout(net).texel;
    if (texel)
        r = measure(tune, net, &step_us);
    tune->spent += now(tune->clock) - begun;
    if (r == 0 && texel)
        r = note(tune, net, step_us) ? 1 : choose(tune);
    net_free(net);
    return r;
}
