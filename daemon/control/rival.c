// SPDX-License-Identifier: MIT
#include "control/rival.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audio/rtp_address.h"
#include "control/channel.h"
#include "control/manager.h"
#include "log.h"

const struct channel *rival_find(const struct manager *manager, const char *channel,
                                 const char *rtp)
{
    struct rtp_address own, other;
    const char *why;
    if (!*rtp || rtp_address_read(rtp, &own, &why) < 0)
        return NULL;
    for (size_t i = 0; i < manager_channel_count(manager); i++) {
        const struct channel *found = manager_channel(manager, i);
        if (!strcmp(channel_name(found), channel) || !*channel_rtp(found) ||
            rtp_address_read(channel_rtp(found), &other, &why) < 0)
            continue;
        if (!strcmp(other.host, own.host) && abs(other.port - own.port) <= 1)
            return found;
    }
    return NULL;
}

void rival_warn(const struct manager *manager)
{
    for (size_t i = 0; i < manager_channel_count(manager); i++) {
        const struct channel *channel = manager_channel(manager, i);
        const struct channel *rival =
            rival_find(manager, channel_name(channel), channel_rtp(channel));
        if (rival)
            log_warning(
                "channel %s sends RTP to %s, and channel %s to %s: that is a noise; keep them 2 "
                "ports apart, or give each a group of its own",
                channel_name(channel), channel_rtp(channel), channel_name(rival),
                channel_rtp(rival));
    }
}
