// SPDX-License-Identifier: MIT
#include "control/tuner.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "compute/device.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "log.h"
#include "nets/tune.h"

/** One channel, pieces that a core has in work at once (compose.c), and the widest tile. */
static const uint32_t lane_counts[] = {1, 4, 8};

static void print(const char *net, uint32_t lanes, const struct tune_report *report)
{
    if (!report->count)
        printf("%-24s %5u  nothing to choose: the device has the plain kernels\n", net, lanes);
    for (uint32_t i = 0; i < report->count; i++)
        printf("%-24s %5u  %8u  %4u  %11.1f  %s%s\n", net, lanes, report->trials[i].layout.tile,
               report->trials[i].layout.rows, report->trials[i].step_us,
               i == report->chosen ? "chosen" : "",
               i == 0 ? (i == report->chosen ? ", as usual" : "usual") : "");
    fflush(stdout);
}

static int tune_net(struct device *device, const struct repertoire_net *net, uint32_t lanes)
{
    struct tune *tune = NULL;
    int r = tune_new(device, net->path, lanes, &tune);
    if (r == 0)
        while ((r = tune_next(tune)) > 0)
            ;
    if (r == 0)
        print(net->name, lanes, tune_report(tune));
    tune_free(tune);
    return r;
}

static int tune_all(struct device *device, const struct repertoire *repertoire)
{
    printf("%-24s %5s  %8s  %4s  %11s\n", "net", "lanes", "together", "rows", "us per step");
    int r = 0;
    for (size_t i = 0; i < repertoire_count(repertoire) && r == 0; i++)
        for (size_t k = 0; k < sizeof lane_counts / sizeof lane_counts[0] && r == 0; k++)
            r = tune_net(device, repertoire_net(repertoire, i), lane_counts[k]);
    char path[PATH_MAX];
    if (r == 0 && device_memory(device, "tuning", path, sizeof path))
        printf("kept in %s\n", path);
    else if (r == 0)
        log_warning("there is no folder to keep it in (set XDG_CACHE_HOME or HOME)");
    return r;
}

int tuner_run(struct settings *settings)
{
    struct repertoire *repertoire = NULL;
    struct device *device = NULL;
    int r = repertoire_new(settings->models, !strcmp(settings->licence, "commercial"), &repertoire);
    if (r == 0)
        r = device_new(settings->device, &device);
    if (r == 0)
        r = tune_all(device, repertoire);
    device_free(device);
    repertoire_free(repertoire);
    return r;
}
