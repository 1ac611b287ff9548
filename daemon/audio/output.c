// SPDX-License-Identifier: MIT
#include "audio/output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>
#include <spa/utils/result.h>

#include "audio/cycle.h"
#include "audio/fader.h"
#include "audio/synth.h"
#include "audio/target.h"
#include "log.h"

#define RETRY_FIRST_MS 200
#define RETRY_MOST_MS 2000
/** After being told to play, or losing the sink, this long may pass before it is called missing. */
#define SINK_GRACE_MS 1000
/** A node that has had no sink for so long is made anew, then after twice as long and so on,
 * whether there is one or not: WirePlumber 0.4 may overlook a node that came, or whose target
 * changed, while it was busy with another, and leaves it without a link for ever. */
#define SINK_PATIENCE_FIRST_MS 10000
#define SINK_PATIENCE_MOST_MS 60000
/** A fade takes 30 ms and some cycles of the graph; where the graph has stopped, it never ends. */
#define FADE_MOST_MS 1000

struct output {
    struct pw_loop *loop;
    struct pw_context *context;
    char *node_name;
    char *description;
    bool source;
    char *sink; ///< to play to; "": the default one
    void (*on_state)(void *user);
    void *user;
    struct cycle cycle;
    struct spa_source *silent_event; // signalled by the callback

    struct pw_core *core;
    struct pw_stream *stream;
    struct target *target; ///< watches the sink's name; NULL: none is asked for
    struct spa_hook core_hook;
    struct spa_hook stream_hook;
    enum pw_stream_state stream_state;

    struct spa_source *retry_timer;
    struct spa_source *sink_timer;
    struct spa_source *fade_timer;
    uint32_t retry_ms;
    uint32_t patience_ms; ///< of a node without a sink

    bool playing;
    bool lost;      // the server has gone, or taken the node away; retry_timer runs
    bool announced; // that it has gone
    bool sink_missing;
    bool remaking; // fades out in order to be made anew
    bool diverted;
    enum output_state state;
};

static void set_timer(struct output *output, struct spa_source *timer, uint32_t ms)
{
    struct timespec value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    pw_loop_update_timer(output->loop, timer, ms > 0 ? &value : NULL, NULL, false);
}

static void update_state(struct output *output)
{
    enum output_state state = OUTPUT_PAUSED;
    if (output->lost || !output->stream)
        state = OUTPUT_NO_PIPEWIRE;
    else if (output->playing && output->stream_state == PW_STREAM_STATE_STREAMING)
        state = OUTPUT_STREAMING;
    else if (output->playing && output->source)
        state = OUTPUT_UNHEARD;
    else if (output->playing && output->sink_missing)
        state = OUTPUT_NO_SINK;
    bool diverted = state == OUTPUT_STREAMING && output->target && target_is_missed(output->target);
    if (diverted && !output->diverted)
        log_warning("there is no sink %s for %s in PipeWire; it plays to another one until there "
                    "is (wpctl status shows what there is)",
                    output->sink, output->node_name);
    if (state == output->state && diverted == output->diverted)
        return;
    output->state = state;
    output->diverted = diverted;
    if (output->on_state)
        output->on_state(output->user);
}

static void remake(struct output *output);

static void retry_later(struct output *output)
{
    output->lost = true;
    output->sink_missing = false;
    set_timer(output, output->sink_timer, 0);
    set_timer(output, output->retry_timer, output->retry_ms);
    output->retry_ms *= 2;
    if (output->retry_ms > RETRY_MOST_MS)
        output->retry_ms = RETRY_MOST_MS;
}

static void disconnect(struct output *output)
{
    target_free(output->target);
    output->target = NULL;
    if (output->stream) {
        spa_hook_remove(&output->stream_hook);
        pw_stream_destroy(output->stream);
        output->stream = NULL;
        output->cycle.position = NULL;
    }
    if (output->core) {
        spa_hook_remove(&output->core_hook);
        pw_core_disconnect(output->core);
        output->core = NULL;
    }
}

/** Freeing a core or stream within its own event is not allowed; the timer does it. */
static void lose(struct output *output, const char *what)
{
    if (output->lost)
        return;
    log_warning("%s; %s connects again as soon as it can", what, output->node_name);
    output->announced = true;
    output->retry_ms = RETRY_FIRST_MS;
    retry_later(output);
    update_state(output);
}

/** A microphone waits for nobody. */
static void await_sink(struct output *output)
{
    if (output->playing && !output->source)
        set_timer(output, output->sink_timer,
                  output->sink_missing ? output->patience_ms : SINK_GRACE_MS);
}

static void on_core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
    if (id == PW_ID_CORE && res == -EPIPE)
        lose(data, "PipeWire has gone");
}

static const struct pw_core_events core_events = {
    PW_VERSION_CORE_EVENTS,
    .error = on_core_error,
};

static void on_stream_process(void *data)
{
    struct output *output = data;
    cycle_process(&output->cycle);
}

static void on_stream_state(void *data, enum pw_stream_state old, enum pw_stream_state state,
                            const char *error)
{
    struct output *output = data;
    output->stream_state = state;
    log_debug("%s: %s -> %s%s%s", output->node_name, pw_stream_state_as_string(old),
              pw_stream_state_as_string(state), error ? ": " : "", error ? error : "");
    if (state == PW_STREAM_STATE_STREAMING) {
        if (output->sink_missing)
            log_info("%s has something to play to again", output->node_name);
        output->sink_missing = false;
        set_timer(output, output->sink_timer, 0);
    } else if (state == PW_STREAM_STATE_UNCONNECTED) {
        lose(output, "PipeWire or somebody using it has removed our node");
    } else if (state == PW_STREAM_STATE_ERROR || old == PW_STREAM_STATE_STREAMING) {
        // A soft error while there is no sink: the session manager links the stream later on.
        await_sink(output);
    }
    update_state(output);
}

static void on_stream_io(void *data, uint32_t id, void *area, uint32_t size)
{
    struct output *output = data;
    if (id == SPA_IO_Position)
        output->cycle.position = size >= sizeof(struct spa_io_position) ? area : NULL;
}

static const struct pw_stream_events stream_events = {
    PW_VERSION_STREAM_EVENTS,
    .state_changed = on_stream_state,
    .io_changed = on_stream_io,
    .process = on_stream_process,
};

static struct pw_properties *stream_properties(const struct output *output)
{
    struct pw_properties *properties = pw_properties_new(
        PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback", PW_KEY_MEDIA_ROLE, "Music",
        PW_KEY_MEDIA_NAME, output->description, PW_KEY_APP_ID, "org.fermata.HoldMusic1",
        PW_KEY_APP_NAME, "Fermata", PW_KEY_NODE_NAME, output->node_name, PW_KEY_NODE_DESCRIPTION,
        output->description, PW_KEY_NODE_GROUP, output->node_name, PW_KEY_NODE_LATENCY,
        "1024/48000", PW_KEY_STREAM_IS_LIVE, "true",
        // Else a mute that somebody once set would silence the hold music for good.
        "state.restore-props", "false", NULL);
    if (properties && output->source)
        pw_properties_set(properties, PW_KEY_MEDIA_CLASS, "Audio/Source");
    if (properties && !output->source && *output->sink) {
        pw_properties_set(properties, PW_KEY_TARGET_OBJECT, output->sink);
        // WirePlumber forgets a target that is the default sink's, but for members of link groups.
        pw_properties_set(properties, PW_KEY_NODE_LINK_GROUP, output->node_name);
    }
    return properties;
}

static void on_target(void *user)
{
    struct output *output = user;
    bool diverted = output->diverted;
    update_state(output);
    // WirePlumber 0.4 may have made its second choice one for good; a new node has none. It fades
    // out first: this is the stream's own event.
    if (diverted && !output->diverted && output->state == OUTPUT_STREAMING &&
        target_is_there(output->target) && !output->remaking)
        remake(output);
}

/** Makes core and stream. Returns 0 or -errno. */
static int connect_stream(struct output *output)
{
    output->core = pw_context_connect(output->context, NULL, 0);
    if (!output->core)
        return -errno;
    pw_core_add_listener(output->core, &output->core_hook, &core_events, output);

    output->stream = pw_stream_new(output->core, output->node_name, stream_properties(output));
    if (!output->stream)
        return -errno;
    output->cycle.stream = output->stream;
    output->stream_state = PW_STREAM_STATE_CONNECTING;
    fader_restart(&output->cycle.fader);
    pw_stream_add_listener(output->stream, &output->stream_hook, &stream_events, output);

    uint8_t buffer[1024];
    struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(buffer, sizeof buffer);
    const struct spa_pod *format = spa_format_audio_raw_build(
        &builder, SPA_PARAM_EnumFormat,
        &SPA_AUDIO_INFO_RAW_INIT(.format = SPA_AUDIO_FORMAT_F32, .rate = SYNTH_RATE, .channels = 2,
                                 .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}));
    if (*output->sink && !output->source) {
        int r = target_new(output->core, output->stream, output->sink, on_target, output,
                           &output->target);
        if (r < 0)
            return r;
    }
    enum pw_stream_flags flags = PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS |
                                 (output->source ? 0 : PW_STREAM_FLAG_AUTOCONNECT) |
                                 (output->playing ? 0 : PW_STREAM_FLAG_INACTIVE);
    return pw_stream_connect(output->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY, flags, &format, 1);
}

static void try_to_connect(struct output *output)
{
    disconnect(output);
    set_timer(output, output->sink_timer, 0);
    output->lost = false;
    int res = connect_stream(output);
    if (res < 0) {
        disconnect(output);
        if (!output->announced)
            log_warning("cannot connect %s to PipeWire: %s; is it running "
                        "(systemctl --user status pipewire)? Trying again until it is",
                        output->node_name, spa_strerror(res));
        output->announced = true;
        retry_later(output);
    } else {
        if (output->announced)
            log_info("%s is connected to PipeWire", output->node_name);
        output->announced = false;
        output->retry_ms = RETRY_FIRST_MS;
        await_sink(output);
    }
    update_state(output);
}

static void on_retry_timer(void *data, uint64_t expirations)
{
    try_to_connect(data);
}

static void on_sink_timer(void *data, uint64_t expirations)
{
    struct output *output = data;
    if (output->lost || !output->playing)
        return;
    if (output->sink_missing) {
        log_debug("%s has had no sink for %u s: its node is made anew", output->node_name,
                  output->patience_ms / 1000);
        output->patience_ms = SPA_MIN(2 * output->patience_ms, (uint32_t)SINK_PATIENCE_MOST_MS);
        try_to_connect(output);
        return;
    }
    log_warning("%s has no sink to play to; it starts by itself when one appears "
                "(wpctl status shows what there is)",
                output->node_name);
    output->sink_missing = true;
    output->patience_ms = SINK_PATIENCE_FIRST_MS;
    await_sink(output);
    update_state(output);
}

/** Once it is silent. */
static void deactivate(struct output *output)
{
    set_timer(output, output->fade_timer, 0);
    if (output->remaking) {
        output->remaking = false;
        fader_set_playing(&output->cycle.fader, output->playing);
        if (!output->lost)
            try_to_connect(output);
        return;
    }
    if (output->playing)
        return;
    fader_restart(&output->cycle.fader);
    if (output->stream && !output->lost)
        pw_stream_set_active(output->stream, false);
}

/** Makes the node anew, as soon as it is silent. */
static void remake(struct output *output)
{
    output->remaking = true;
    fader_set_playing(&output->cycle.fader, false);
    if (output->stream_state == PW_STREAM_STATE_STREAMING)
        set_timer(output, output->fade_timer, FADE_MOST_MS);
    else
        deactivate(output);
}

/** From the callback. */
static void signal_silence(void *user)
{
    struct output *output = user;
    pw_loop_signal_event(output->loop, output->silent_event);
}

static void on_silent_event(void *data, uint64_t count)
{
    deactivate(data);
}

static void on_fade_timer(void *data, uint64_t expirations)
{
    deactivate(data);
}

int output_new(struct pw_loop *loop, struct pw_context *context, const struct output_config *config,
               struct output **ret_output)
{
    struct output *output = calloc(1, sizeof *output);
    if (!output)
        return -ENOMEM;
    output->loop = loop;
    output->context = context;
    output->on_state = NULL;
    output->user = config->user;
    output->retry_ms = RETRY_FIRST_MS;
    output->state = OUTPUT_NO_PIPEWIRE;
    output->node_name = strdup(config->node_name);
    output->description = strdup(config->description);
    output->source = config->source;
    output->sink = strdup(config->target ? config->target : "");
    output->retry_timer = pw_loop_add_timer(loop, on_retry_timer, output);
    output->sink_timer = pw_loop_add_timer(loop, on_sink_timer, output);
    output->fade_timer = pw_loop_add_timer(loop, on_fade_timer, output);
    output->silent_event = pw_loop_add_event(loop, on_silent_event, output);
    if (!output->node_name || !output->description || !output->sink || !output->retry_timer ||
        !output->sink_timer || !output->fade_timer || !output->silent_event) {
        output_free(output);
        return -ENOMEM;
    }
    output->cycle.on_room = config->on_room;
    output->cycle.user = config->user;
    output->cycle.on_silence = signal_silence;
    output->cycle.owner = output;
    output->cycle.playhead = config->playhead;
    fader_init(&output->cycle.fader, config->ring);

    try_to_connect(output);
    output->on_state = config->on_state;
    *ret_output = output;
    return 0;
}

void output_free(struct output *output)
{
    if (!output)
        return;
    // The callback signals the event: the stream goes first.
    disconnect(output);
    struct spa_source *sources[] = {output->retry_timer, output->sink_timer, output->fade_timer,
                                    output->silent_event};
    for (size_t i = 0; i < SPA_N_ELEMENTS(sources); i++)
        if (sources[i])
            pw_loop_destroy_source(output->loop, sources[i]);
    free(output->node_name);
    free(output->description);
    free(output->sink);
    free(output);
}

void output_set_playing(struct output *output, bool playing)
{
    if (!output || playing == output->playing)
        return;
    output->playing = playing;
    if (output->remaking) {
        update_state(output);
        return;
    }
    fader_set_playing(&output->cycle.fader, playing);
    if (playing) {
        set_timer(output, output->fade_timer, 0);
        if (output->stream && !output->lost) {
            pw_stream_set_active(output->stream, true);
            if (output->stream_state != PW_STREAM_STATE_STREAMING)
                await_sink(output);
        }
    } else {
        set_timer(output, output->sink_timer, 0);
        output->sink_missing = false;
        if (output->stream_state == PW_STREAM_STATE_STREAMING)
            set_timer(output, output->fade_timer, FADE_MOST_MS);
        else
            deactivate(output);
    }
    update_state(output);
}

void output_set_volume(struct output *output, double volume)
{
    if (!output)
        return;
    double clamped = fmin(fmax(volume, 0.0), 1.0);
    fader_set_volume(&output->cycle.fader, (float)(clamped * clamped * clamped));
}

int output_redirect(struct output *output, bool source, const char *target)
{
    if (!output)
        return 0;
    char *sink = strdup(target ? target : "");
    if (!sink)
        return -ENOMEM;
    bool same = source == output->source && (source || !strcmp(sink, output->sink));
    free(output->sink);
    output->sink = sink;
    output->source = source;
    output->sink_missing = output->sink_missing && same;
    if (!same && !output->remaking && !output->lost)
        remake(output);
    return 0;
}

enum output_state output_state(const struct output *output)
{
    return output ? output->state : OUTPUT_NONE;
}

bool output_is_diverted(const struct output *output)
{
    return output && output->diverted;
}

uint64_t output_underruns(const struct output *output)
{
    return output ? fader_underruns(&output->cycle.fader) : 0;
}
