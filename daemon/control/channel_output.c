// SPDX-License-Identifier: MIT
// The channel's node in the PipeWire graph, and what a person may change of it.
#include "control/channel_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audio/fan.h"
#include "audio/output.h"
#include "control/feed.h"
#include "control/settings.h"
#include "log.h"
#include "music/score.h"

/** Rendered ahead: enough for a late thread, little enough for a change to be heard soon. */
#define RING_FRAMES 16384

static void on_room(void *user)
{
    struct channel *channel = user;
    performer_wake(channel->config.performer);
}

static void on_output_state(void *user)
{
    struct channel *channel = user;
    // Where it is not heard it shall not set the pace.
    tap_set_active(channel->tap, output_state(channel->output) == OUTPUT_STREAMING);
    performer_wake(channel->config.performer);
    channel_refresh(channel);
}

int channel_output_make(struct channel *channel)
{
    int r = fan_add(channel->fan, RING_FRAMES, NULL, NULL, &channel->tap);
    if (r < 0)
        return r;
    tap_set_slack(channel->tap, RING_FRAMES / 4);
    char node[64];
    char description[64];
    bool is_main = !strcmp(channel->name, "main");
    snprintf(node, sizeof node, "fermata.%s", channel->name);
    snprintf(description, sizeof description, "Fermata hold music%s%s", is_main ? "" : ": ",
             is_main ? "" : channel->name);
    struct output_config output = {
        .node_name = node,
        .description = description,
        .source = channel->source,
        .target = channel->target,
        .ring = tap_ring(channel->tap),
        .playhead = &channel->playhead,
        .on_room = on_room,
        .on_state = on_output_state,
        .user = channel,
    };
    r = output_new(channel->config.loop, channel->config.context, &output, &channel->output);
    if (r < 0)
        return r;
    output_set_volume(channel->output, channel->volume);
    return channel_make_midi(channel);
}

/** After a change: remembers it, tells everybody. */
static void announce(struct channel *channel, const char *property, const char *key,
                     const char *value)
{
    channel_remember(channel, key, value);
    feed_mark(channel->feed, key, score_position(channel->score), value);
    channel_tell(channel, property);
    channel_refresh(channel);
}

const char *channel_output(const struct channel *channel)
{
    return channel->source ? "source" : "stream";
}

int channel_set_output(struct channel *channel, const char *output)
{
    bool source = !strcmp(output, "source");
    if (!source && strcmp(output, "stream") != 0)
        return -ENOENT;
    if (source == channel->source)
        return 0;
    int r = output_redirect(channel->output, source, channel->target);
    if (r < 0)
        return r;
    channel->source = source;
    announce(channel, "Output", "output", output);
    return 0;
}

const char *channel_target(const struct channel *channel)
{
    return channel->target;
}

int channel_set_target(struct channel *channel, const char *target)
{
    struct settings checked;
    const char *why;
    settings_init(&checked);
    int r = settings_set(&checked, "target", target, &why);
    if (r < 0 || !strcmp(target, channel->target))
        return r;
    r = output_redirect(channel->output, channel->source, target);
    if (r < 0)
        return r;
    memcpy(channel->target, checked.target, sizeof channel->target);
    announce(channel, "Target", "target", target);
    return 0;
}
