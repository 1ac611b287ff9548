// SPDX-License-Identifier: MIT
#include "control/channel_pipes.h"

#include <errno.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "audio/converter.h"
#include "audio/outlet.h"
#include "audio/output.h"
#include "audio/pump.h"
#include "audio/rtp_outlet.h"
#include "audio/synth.h"
#include "control/channel_private.h"
#include "log.h"

static void on_room(void *user)
{
    struct channel *channel = user;
    performer_wake(channel->config.performer);
}

static void on_music(void *user)
{
    struct channel *channel = user;
    pump_wake(channel->config.pump);
}

static void on_state(void *user)
{
    struct channel *channel = user;
    pw_loop_signal_event(channel->config.loop, channel->event);
}

int channel_open_pipe(struct channel *channel, const struct channel_pipe *pipe, int *ret_fd)
{
    struct channel_pipes *pipes = &channel->pipes;
    const struct converter_format *format = converter_format(pipe->format);
    if (!format)
        return -ENOENT;
    uint32_t chunks = pipe->ahead_ms / OUTLET_CHUNK_MS;
    if (chunks < 1 || chunks > OUTLET_MOST_CHUNKS)
        return -ERANGE;
    channel_pipes_reap(channel, false);
    if (pipes->count == CHANNEL_PIPES)
        return -EMFILE;
    struct outlet_config config = {
        .fan = channel->fan,
        .format = format,
        .rate = pipe->rate,
        .channels = pipe->channels,
        .chunks = chunks,
        .on_room = on_room,
        .on_music = on_music,
        .on_state = on_state,
        .user = channel,
    };
    struct outlet *outlet;
    int fd;
    int r = outlet_new(&config, &outlet, &fd);
    if (r < 0)
        return r == -EINVAL ? -ERANGE : r;
    outlet_set_volume(outlet, channel->volume);
    outlet_set_playing(outlet, channel->playing);
    r = pump_add(channel->config.pump, outlet);
    if (r < 0) {
        outlet_free(outlet);
        close(fd);
        return r;
    }
    pipes->outlets[pipes->count++] = outlet;
    log_info("channel %s: a pipe of %s, %u Hz, %u channel%s (%zu now)", channel->name, format->name,
             pipe->rate, pipe->channels, pipe->channels == 1 ? "" : "s", pipes->count);
    channel_refresh(channel);
    *ret_fd = fd;
    return 0;
}

void channel_pipes_reap(struct channel *channel, bool all)
{
    struct channel_pipes *pipes = &channel->pipes;
    for (size_t i = pipes->count; i-- > 0;) {
        struct outlet *outlet = pipes->outlets[i];
        if (!all && outlet_state(outlet) != OUTLET_CLOSED)
            continue;
        pump_remove(channel->config.pump, outlet);
        pipes->underruns += outlet_underruns(outlet);
        outlet_free(outlet);
        pipes->outlets[i] = pipes->outlets[--pipes->count];
        log_info("channel %s: a pipe is closed (%zu left)", channel->name, pipes->count);
    }
}

void channel_pipes_follow(struct channel *channel)
{
    channel_rtp_follow(channel);
    for (size_t i = 0; i < channel->pipes.count; i++) {
        outlet_set_volume(channel->pipes.outlets[i], channel->volume);
        outlet_set_playing(channel->pipes.outlets[i], channel->playing);
    }
    if (channel->pipes.count > 0)
        pump_wake(channel->config.pump);
}

uint32_t channel_pipes_flowing(const struct channel *channel)
{
    uint32_t flowing = 0;
    for (size_t i = 0; i < channel->pipes.count; i++)
        flowing += outlet_state(channel->pipes.outlets[i]) == OUTLET_FLOWING;
    return flowing;
}

uint64_t channel_underruns(const struct channel *channel)
{
    uint64_t all = channel->pipes.underruns + output_underruns(channel->output);
    for (size_t i = 0; i < channel->pipes.count; i++)
        all += outlet_underruns(channel->pipes.outlets[i]);
    if (channel->rtp)
        all += rtp_outlet_underruns(channel->rtp);
    return all * 1000 / SYNTH_RATE;
}

uint32_t channel_listeners(const struct channel *channel)
{
    return channel_pipes_flowing(channel) + (channel->rtp ? 1 : 0) +
           (output_state(channel->output) == OUTPUT_STREAMING ? 1 : 0);
}
