// SPDX-License-Identifier: MIT
// The announcements of bus_probe's channels: files are looked at as the daemon does, and not said.

#include <errno.h>

#include "audio/announcement.h"
#include "control/channel.h"

static uint32_t repeated; // of all channels

int channel_announce(struct channel *channel, int fd, uint32_t every, double *ret_seconds,
                     const char **ret_why)
{
    if (every && (every < 5 || every > 3600))
        return -ERANGE;
    if (channel_state(channel) == CHANNEL_STOPPED && !every)
        return -ESHUTDOWN;
    int r = announcement_check(fd, ret_seconds, ret_why);
    if (r == 0 && every)
        repeated = every;
    return r;
}

void channel_hush(struct channel *channel)
{
    repeated = 0;
}

uint32_t channel_announce_every(const struct channel *channel)
{
    return repeated;
}
