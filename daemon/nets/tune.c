// SPDX-License-Identifier: MIT
#include "nets/tune.h"

#include <errno.h>
#include <math.h>
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
/** For all candidates, opening included: those that are left are not looked at. */
#define LONGEST 5e6

struct tune {
    struct device *device;
    const char *path;
    uint32_t lanes;
    uint32_t next;   ///< rows to try; 0: the usual ones
    clockid_t clock; ///< a device that is the CPU is shared: what it costs is CPU time
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

/** The candidate behind `rows` that is not the usual one; 0: there is none. */
static uint32_t candidate(const struct tune *tune, const struct net *net, uint32_t rows)
{
    do
        rows = rows ? 2 * rows : 1;
    while (rows == tune->report.trials[0].rows);
    return net_takes_rows(net, rows) ? rows : 0;
}

static int choose(struct tune *tune)
{
    struct tune_report *report = &tune->report;
    report->chosen = 0;
    double best = report->trials[0].step_us * GAIN;
    for (uint32_t i = 1; i < report->count; i++)
        if (report->trials[i].step_us < best) {
            best = report->trials[i].step_us;
            report->chosen = i;
        }
    tuning_keep(tune->device, tune->path, report->tile, report->trials[report->chosen].rows);
    return 0;
}

int tune_next(struct tune *tune)
{
    struct tune_report *report = &tune->report;
    struct net *net = NULL;
    double begun = now(tune->clock);
    int r = net_new_in_rows(tune->device, tune->path, tune->lanes, tune->next, &net);
    if (r < 0)
        return r;
    struct net_layout layout = net_layout(net);
    struct tune_trial *trial = &report->trials[report->count];
    trial->rows = layout.rows;
    report->tile = layout.tile;
    r = layout.texel ? measure(tune, net, &trial->step_us) : 0;
    if (r == 0 && layout.texel) {
        report->count++;
        tune->next = candidate(tune, net, tune->next);
    }
    net_free(net);
    tune->spent += now(tune->clock) - begun;
    if (r < 0 || !layout.texel)
        return r;
    log_debug("%s, %u lanes: %u rows take %.1f us a step", tune->path, tune->lanes, trial->rows,
              trial->step_us);
    if (tune->next && tune->spent < LONGEST && report->count < TUNE_MOST)
        return 1;
    return choose(tune);
}
