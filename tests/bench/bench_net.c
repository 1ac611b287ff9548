// SPDX-License-Identifier: MIT
// CPU time per step of a resident net, as the generator runs it: whole runs of net_info.steps,
// sampling included. A notes net has heard as much as its largest window holds.
//
//     bench_net [--window STEPS] WEIGHTS [RUNS [LANES...]]
//     bench_net [--window STEPS] --turns WEIGHTS RUNS LANES
//
// With --window a step is what it would cost without a state: the net is reset and given so many
// steps of the past anew. (Whole runs that hold them are timed, and their share counted.)
//
// One line for each number of lanes, of "key value" pairs:
//     lanes 1 open_ms 31.0 wall_us 612.3 cpu_us 615.0 steps_per_s 1633 cpu_us_least 598.2 ...
// wall_us and cpu_us are medians over the runs, of one step of all lanes; CPU time is that of the
// whole process, so the driver's threads count. open_ms is net_new(), with device_new() on the
// first line.
//
// With --turns it is a worker of run.py: when the net is open it says "open_ms 31.0 form texel
// device NAME, DRIVER", and measures as often as it is sent a line.

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "log.h"

#define MOST_RUNS 1000
/** Runs that fill the windows of a notes net. */
#define FILLING_RUNS 33

/** What a run played; nobody reads it. */
static uint8_t tokens[64 * NET_MAX_RUN_BYTES];

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static int ascending(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/** One run, or those that give a window of the past. `ret_share` is what of its time one step of
 * music took. */
static int step_on(struct net *net, struct net_lane *lanes, uint32_t window, double *ret_share)
{
    static const uint8_t given[NET_MAX_RUN_BYTES] = {[60] = 70, [1000] = 128, [2000] = 90};
    const uint32_t steps = net_info(net)->steps, count = net_info(net)->lanes;
    const uint32_t runs = window ? (window + steps - 1) / steps : 1;
    *ret_share = window ? (double)window / (runs * steps) : 1.0 / steps;
    int r = 0;
    for (uint32_t i = 0; i < count; i++) {
        lanes[i].step += window ? 1 : steps;
        lanes[i].forced = window ? given : NULL;
        lanes[i].forced_count = window ? steps : 0;
        if (window)
            net_reset(net, i);
    }
    for (uint32_t run = 0; run < runs && r == 0; run++)
        r = net_run(net, lanes, tokens);
    return r;
}

/** Runs of a net, and one line of what they took. */
static int measure(struct net *net, struct net_lane *lanes, int runs, uint32_t window,
                   const char *before)
{
    static double wall[MOST_RUNS], cpu[MOST_RUNS];
    double share;
    int r = 0;
    for (int run = 0; run < runs && r == 0; run++) {
        double wall_before = now(CLOCK_MONOTONIC), cpu_before = now(CLOCK_PROCESS_CPUTIME_ID);
        r = step_on(net, lanes, window, &share);
        wall[run] = (now(CLOCK_MONOTONIC) - wall_before) * share;
        cpu[run] = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu_before) * share;
    }
    if (r == 0) {
        qsort(wall, (size_t)runs, sizeof wall[0], ascending);
        qsort(cpu, (size_t)runs, sizeof cpu[0], ascending);
        double middle = wall[runs / 2];
        printf("%swall_us %.1f cpu_us %.1f steps_per_s %.0f cpu_us_least %.1f form %s\n", before,
               middle, cpu[runs / 2], 1e6 / middle, cpu[0], net_debug_form(net));
        fflush(stdout);
    }
    return r;
}

/** A run that finds the machine as the others left it, then a measurement, for each line sent. */
static int take_turns(struct device *device, struct net *net, struct net_lane *lanes, int runs,
                      uint32_t window, double open_ms)
{
    char line[64];
    int r = 0;
    printf("open_ms %.1f form %s device %s, %s\n", open_ms, net_debug_form(net),
           device_info(device)->name, device_info(device)->driver);
    fflush(stdout);
    while (r == 0 && fgets(line, sizeof line, stdin)) {
        double share;
        r = step_on(net, lanes, window, &share);
        if (r == 0)
            r = measure(net, lanes, runs, window, "");
    }
    return r;
}

static int bench(struct device *device, const char *path, uint32_t count, int runs, uint32_t window,
                 bool turns, double begun)
{
    struct net_lane lanes[64];
    struct net *net;
    int r = net_new(device, path, count, &net);
    if (r < 0)
        return r;
    double open_ms = (now(CLOCK_MONOTONIC) - begun) * 1e-3;

    for (uint32_t i = 0; i < count; i++) {
        lanes[i] = (struct net_lane){
            .active = true,
            .composer = i % net_info(net)->composer_count,
            .threshold = 0.5f,
            .seed = i,
        };
        memset(lanes[i].control, -1, sizeof lanes[i].control);
    }
    const int filling = net_info(net)->vocabulary == NET_NOTES ? FILLING_RUNS : 1;
    for (int run = 0; run < filling && r == 0; run++)
        r = net_run(net, lanes, tokens);
    if (r == 0 && turns) {
        r = take_turns(device, net, lanes, runs, window, open_ms);
    } else if (r == 0) {
        char before[64];
        snprintf(before, sizeof before, "lanes %u open_ms %.1f ", count, open_ms);
        r = measure(net, lanes, runs, window, before);
    }
    net_free(net);
    return r;
}

int main(int argc, char **argv)
{
    double begun = now(CLOCK_MONOTONIC);
    int window = 0;
    if (argc > 2 && strcmp(argv[1], "--window") == 0) {
        window = atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    bool turns = argc == 5 && strcmp(argv[1], "--turns") == 0;
    if (turns) {
        argv++;
        argc--;
    }
    const char *path = argc > 1 ? argv[1] : NULL;
    int runs = argc > 2 ? atoi(argv[2]) : 25;
    if (!path || runs < 1 || runs > MOST_RUNS || window < 0) {
        fprintf(stderr, "usage: bench_net [--window STEPS] WEIGHTS [RUNS [LANES...]]\n"
                        "       bench_net [--window STEPS] --turns WEIGHTS RUNS LANES\n");
        return 2;
    }
    if (!getenv("FERMATA_DEBUG"))
        log_set_level(LOG_LEVEL_WARNING);
    struct device *device;
    int r = device_new(getenv("FERMATA_DEVICE"), &device);
    if (r < 0)
        return r == -ENODEV ? 77 : 1;
    static const char *const usual[] = {"1", "8", "16"};
    int count = argc > 3 ? argc - 3 : 3;
    for (int i = 0; i < count && r == 0; i++) {
        int lanes = atoi(argc > 3 ? argv[3 + i] : usual[i]);
        r = lanes >= 1 && lanes <= 64
                ? bench(device, path, (uint32_t)lanes, runs, (uint32_t)window, turns, begun)
                : -EINVAL;
        begun = now(CLOCK_MONOTONIC);
    }
    device_free(device);
    return r < 0;
}
