// SPDX-License-Identifier: MIT
// A channel's music as RTP.
#include "control/channel_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audio/pump.h"
#include "audio/rtp_outlet.h"
#include "log.h"

static void on_room(void *user)
{
    struct channel *channel = user;
    performer_wake(channel->config.performer);
}

static int open_rtp(struct channel *channel, const struct rtp_address *address, uint32_t ttl,
                    struct rtp_outlet **ret_rtp)
{
    struct rtp_outlet_config config = {
        .fan = channel->fan,
        .address = *address,
        .ttl = (uint8_t)ttl,
        .channel = channel->name,
        .on_room = on_room,
        .user = channel,
    };
    struct rtp_outlet *rtp;
    int r = rtp_outlet_new(&config, &rtp);
    if (r < 0)
        return r;
    rtp_outlet_set_volume(rtp, channel->volume);
    rtp_outlet_set_playing(rtp, channel->playing);
    r = pump_add_rtp(channel->config.pump, rtp);
    if (r < 0) {
        rtp_outlet_free(rtp);
        return r;
    }
    *ret_rtp = rtp;
    return 0;
}

void channel_rtp_close(struct channel *channel)
{
    if (!channel->rtp)
        return;
    pump_remove_rtp(channel->config.pump, channel->rtp);
    channel->pipes.underruns += rtp_outlet_underruns(channel->rtp);
    rtp_outlet_free(channel->rtp);
    channel->rtp = NULL;
}

/** The new one is there before the old one goes, which stays where that fails. */
static int change(struct channel *channel, const char *text, uint32_t ttl, const char **ret_why)
{
    struct rtp_address address;
    struct rtp_outlet *rtp = NULL;
    int r = 0;
    if (*text) {
        r = rtp_address_read(text, &address, ret_why);
        if (r == 0)
            r = open_rtp(channel, &address, ttl, &rtp);
    }
    if (r < 0)
        return r;
    channel_rtp_close(channel);
    channel->rtp = rtp;
    channel->rtp_ttl = ttl;
    if (text != channel->rtp_address)
        snprintf(channel->rtp_address, sizeof channel->rtp_address, "%s", text);
    if (rtp)
        log_info("channel %s: RTP to %s", channel->name, text);
    return 0;
}

const char *channel_rtp(const struct channel *channel)
{
    return channel->rtp_address;
}

int channel_set_rtp(struct channel *channel, const char *address, const char **ret_why)
{
    if (!strcmp(address, channel->rtp_address))
        return 0;
    int r = change(channel, address, channel->rtp_ttl, ret_why);
    if (r < 0)
        return r;
    channel_remember(channel, "rtp", address);
    channel_tell(channel, "Rtp");
    channel_refresh(channel);
    return 0;
}

int channel_set_rtp_ttl(struct channel *channel, uint32_t ttl)
{
    const char *why;
    if (ttl > UINT8_MAX)
        return -ERANGE;
    if (ttl == channel->rtp_ttl)
        return 0;
    int r = change(channel, channel->rtp_address, ttl, &why);
    if (r < 0)
        return r;
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, ttl);
    channel_remember(channel, "rtp-ttl", text);
    return 0;
}

int channel_rtp_apply(struct channel *channel, const struct settings *settings)
{
    const char *why;
    if (!strcmp(settings->rtp, channel->rtp_address) && settings->rtp_ttl == channel->rtp_ttl)
        return 0;
    bool told = strcmp(settings->rtp, channel->rtp_address) != 0;
    int r = change(channel, settings->rtp, settings->rtp_ttl, &why);
    if (r == 0 && told)
        channel_tell(channel, "Rtp");
    return r;
}

void channel_rtp_follow(struct channel *channel)
{
    if (!channel->rtp)
        return;
    rtp_outlet_set_volume(channel->rtp, channel->volume);
    rtp_outlet_set_playing(channel->rtp, channel->playing);
    pump_wake(channel->config.pump);
}
