// SPDX-License-Identifier: MIT
// The notes as live MIDI in the PipeWire graph, beside the sound.
#include "control/channel_private.h"

#include <stdio.h>

#include "audio/fan.h"
#include "audio/midi_port.h"
#include "audio/ring.h"

int channel_make_midi(struct channel *channel)
{
    char node[64];
    char group[64];
    char description[80];
    snprintf(node, sizeof node, "fermata.%s.midi", channel->name);
    snprintf(group, sizeof group, "fermata.%s", channel->name);
    snprintf(description, sizeof description, "Fermata hold music: %s, MIDI", channel->name);
    struct midi_port_config config = {
        .node_name = node,
        .group = group,
        .description = description,
        .playhead = &channel->playhead,
    };
    int r =
        midi_port_new(channel->config.loop, channel->config.context, &config, &channel->midi_port);
    if (r == 0)
        midi_port_set_open(channel->midi_port, channel->midi);
    return r;
}

void channel_send_midi(struct channel *channel, const struct score_event *event)
{
    if (!channel->midi_port)
        return;
    uint32_t index;
    bool flows = ring_end(tap_ring(channel->tap), &index);
    // What the output is not given shall not begin to sound; but what sounds shall end.
    if (flows || event->velocity == 0)
        midi_port_send(channel->midi_port, index + performer_delay(&channel->part), event->pitch,
                       event->velocity);
}

bool channel_midi(const struct channel *channel)
{
    return channel->midi;
}

void channel_set_midi(struct channel *channel, bool midi)
{
    if (midi == channel->midi)
        return;
    channel->midi = midi;
    midi_port_set_open(channel->midi_port, midi);
    channel_remember(channel, "midi", midi ? "yes" : "no");
    channel_tell(channel, "Midi");
}
