// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_OUTPUT_H
#define FERMATA_AUDIO_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

struct pw_context;
struct pw_loop;
struct playhead;
struct ring;

/**
 * output: a channel's node in the PipeWire graph: a playback stream, or a virtual microphone.
 *
 * Lives on the main loop; its real-time callback only copies from the ring and applies the fade.
 * PipeWire may be absent, die, come back, or have no sink: the output waits, retries and goes on
 * by itself, and the ring keeps its place meanwhile.
 */
struct output;

enum output_state {
    OUTPUT_NONE,        ///< of NULL: there is no output, and none is wanted
    OUTPUT_NO_PIPEWIRE, ///< no server: trying again every now and then
    OUTPUT_NO_SINK,     ///< connected and told to play, but for a second there was no sink
    OUTPUT_PAUSED,      ///< about to play, or stopped: then the node wakes nothing up
    OUTPUT_STREAMING,
    OUTPUT_UNHEARD, ///< a microphone, told to play, that nobody records: it costs nothing
};

struct output_config {
    const char *node_name;   ///< such as "fermata.main"; unique per channel
    const char *description; ///< such as "Fermata hold music"
    /** A virtual microphone (Audio/Source), which whoever records links to, instead of a stream. */
    bool source;
    const char *target; ///< of a stream: node.name or serial of a sink; NULL or "": the default one
    struct ring *ring;
    struct playhead *playhead; ///< told where in the ring it is, each cycle; NULL: nobody asks
    /** Real-time thread: the ring has got room (performer_wake). */
    void (*on_room)(void *user);
    /** Main loop: output_state() or output_is_diverted() has changed. */
    void (*on_state)(void *user);
    void *user;
};

/**
 * The node is in a group of its own name (node.group), which others may join to share its clock.
 * Returns 0 or -ENOMEM; never fails because PipeWire is not there. Starts paused. Make `context`
 * with the property PW_KEY_CONFIG_NAME = "client-rt.conf": then the callback's thread has real-time
 * priority, without which a busy machine makes it stutter. The strings are copied; ring, loop and
 * context outlive the output.
 */
int output_new(struct pw_loop *loop, struct pw_context *context, const struct output_config *config,
               struct output **ret_output);
void output_free(struct output *output);

/** The functions below take NULL for no output. */

/** Fades in / out within 60 ms of the callback, then (in-)activates the stream. Main loop. */
void output_set_playing(struct output *output, bool playing);

/** 0 to 1, linear amplitude = volume cubed (as PulseAudio and PipeWire mixers do); ramped. */
void output_set_volume(struct output *output, double volume);

/**
 * Has the node made anew as another kind of node, or for another target, with a fade where it is
 * heard. Returns 0 or -ENOMEM, and then nothing has changed. Main loop.
 */
int output_redirect(struct output *output, bool source, const char *target);

enum output_state output_state(const struct output *output);

/** It streams, but to another sink, as there is none of its target's name; PipeWire's session
 * manager moves it as soon as there is. Not where somebody has moved it himself. */
bool output_is_diverted(const struct output *output);

/** Frames of silence given out while playing, after the first music since the start, because the
 * ring was empty. Any thread. */
uint64_t output_underruns(const struct output *output);

#endif
