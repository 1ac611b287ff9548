// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_MIDI_PORT_H
#define FERMATA_AUDIO_MIDI_PORT_H

#include <stdbool.h>
#include <stdint.h>

struct playhead;
struct pw_context;
struct pw_loop;

/**
 * midi_port: a channel's notes as live MIDI in the PipeWire graph, beside its output: one output
 * port of a node "fermata.NAME.midi", to be linked to a DAW or a synth.
 *
 * Each event comes at the sample of the graph at which the audio of the same channel leaves the
 * output (a sink adds its latency behind it, a null sink's monitor one cycle): the output says
 * where in its ring it is (playhead), and both nodes are in one group, so one clock drives them. An
 * event is late, by a cycle of the graph at most, only in the cycle in which the audio begins. At
 * rates of the graph other than 48 kHz the resampler's delay is not known here: the audio is some
 * frames later. Where the output plays nothing, the port is silent. All that sounds ends with the
 * music: at a stop, where the output has lost its sink, and before the port goes.
 *
 * Lives on the main loop; PipeWire may be absent, die and come back (see output.h).
 */
struct midi_port;

struct midi_port_config {
    const char *node_name;   ///< such as "fermata.main.midi"
    const char *group;       ///< the node.name of the output, which is in the same group
    const char *description; ///< such as "Fermata hold music, MIDI"
    struct playhead *playhead;
};

/** Returns 0 or -ENOMEM. Begins closed: without a node. Strings are copied; loop, context and
 * playhead outlive it, and the output ends before the playhead does. */
int midi_port_new(struct pw_loop *loop, struct pw_context *context,
                  const struct midi_port_config *config, struct midi_port **ret_port);
void midi_port_free(struct midi_port *port);

/** Makes the node, or ends what sounds and takes the node away. NULL for no port. Main loop. */
void midi_port_set_open(struct midi_port *port, bool open);

/** An event that is heard when the output reads frame `index` of its ring; velocity 0 ends a note.
 * In the order of the indices. NULL for no port. One thread, such as the performer's. */
void midi_port_send(struct midi_port *port, uint32_t index, uint8_t pitch, uint8_t velocity);

#endif
