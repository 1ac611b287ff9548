// SPDX-License-Identifier: MIT
// What a channel says of how it is, in one word and in plain ones.
#include "control/channel_private.h"

#include <stdio.h>

#include "audio/output.h"
#include "control/generator.h"
#include "music/score.h"

const char *channel_state_name(enum channel_state state)
{
    static const char *const names[] = {"stopped", "starting", "playing",
                                        "waiting", "degraded", "idle"};
    return names[state];
}

bool channel_is_troubled(const struct channel *channel)
{
    return generator_trouble(channel->config.generator) || lane_trouble(channel->lane);
}

enum channel_state channel_state(const struct channel *channel)
{
    if (!channel->playing)
        return channel->asleep ? CHANNEL_WAITING : CHANNEL_STOPPED;
    enum output_state output = output_state(channel->output);
    bool heard = channel_listeners(channel) > 0;
    if (!heard && (output == OUTPUT_NO_PIPEWIRE || output == OUTPUT_NO_SINK))
        return CHANNEL_WAITING;
    if (!heard && output == OUTPUT_UNHEARD)
        return CHANNEL_IDLE;
    if (channel_is_troubled(channel) || output_is_diverted(channel->output))
        return CHANNEL_DEGRADED;
    if (!heard || score_horizon(channel->score) == 0)
        return CHANNEL_STARTING;
    return CHANNEL_PLAYING;
}

const char *channel_state_reason(const struct channel *channel)
{
    if (!channel->playing)
        return channel->asleep ? "the machine sleeps; the music goes on when it wakes" : "";
    enum output_state output = output_state(channel->output);
    if (channel_listeners(channel) == 0 && output == OUTPUT_NO_PIPEWIRE)
        return "PipeWire is not there; the music goes on as soon as it is";
    if (channel_listeners(channel) == 0 && output == OUTPUT_NO_SINK)
        return "PipeWire has no sink to play to; the music goes on as soon as there is one";
    if (channel_listeners(channel) == 0 && output == OUTPUT_UNHEARD)
        return "nobody records from the microphone; the music goes on as soon as somebody does";
    // What is heard, and then why: both may be the case.
    static char reason[CHANNEL_REASON_ROOM];
    const char *heard = lane_trouble(channel->lane);
    const char *why = generator_trouble(channel->config.generator);
    snprintf(reason, sizeof reason, "%s%s%s", heard ? heard : "", heard && why ? "; " : "",
             why ? why : "");
    if (!*reason && output_is_diverted(channel->output))
        snprintf(reason, sizeof reason,
                 "elsewhere: PipeWire has no sink %.80s; it plays to another one until there is",
                 channel->target);
    return reason;
}
