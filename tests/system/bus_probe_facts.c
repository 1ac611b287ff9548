// SPDX-License-Identifier: MIT
// What bus_probe tells of its channels and its device without looking at them.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/channel.h"
#include "control/manager.h"

void channel_human_density(const struct channel *channel, double ret_band[3])
{
    memcpy(ret_band, (double[]){200, 320, 450}, 3 * sizeof *ret_band);
}

size_t channel_decisions(const struct channel *channel, struct decision ret_list[DECISION_ROOM])
{
    static const struct decision some[] = {{"judged", 12},
                                           {"kept", 10},
                                           {"refused", 3},
                                           {"refused_thin", 2},
                                           {"refused_loop", 1},
                                           {"refused_stuck", 0},
                                           {"least_bad", 1},
                                           {"reseeds_own", 4},
                                           {"pieces", 5},
                                           {"longest_gap_ms", 2345},
                                           {"threshold_permille", 432}};
    memcpy(ret_list, some, sizeof some);
    return sizeof some / sizeof *some;
}

int channel_keep(struct channel *channel, double seconds, const char *ending, int *ret_fd,
                 double *ret_seconds)
{
    // The head of a MIDI file: enough to be passed on.
    static const char head[] = "MThd\0\0\0\6\0\0\0\0\0\140";
    int ends[2];
    if (strcmp(ending, ".mid"))
        return -ENODATA;
    if (pipe(ends) < 0)
        return -errno;
    if (write(ends[1], head, sizeof head - 1) != sizeof head - 1)
        abort();
    close(ends[1]);
    *ret_fd = ends[0];
    *ret_seconds = fmin(seconds, 12.5);
    return 0;
}

const char *manager_device(const struct manager *manager)
{
    return "memory (no device)";
}

const char *manager_driver(const struct manager *manager)
{
    return "none";
}
