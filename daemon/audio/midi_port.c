// SPDX-License-Identifier: MIT
#include "audio/midi_port.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <spa/control/control.h>
#include <spa/pod/builder.h>
#include <spa/utils/result.h>
#include <spa/utils/ringbuffer.h>

#include "audio/playhead.h"
#include "audio/synth.h"
#include "log.h"

#define QUEUE_EVENTS 2048 // some 340 ms are ahead of the output; a power of two
#define RETRY_FIRST_MS 200
#define RETRY_MOST_MS 2000
/** After being told to close, so long is waited for a cycle that ends what sounds. */
#define CLOSE_MS 200
/** Room that an event takes in the buffer: a control of 8 bytes, a pod of 8 and 3, padded. */
#define EVENT_BYTES 24

struct event {
    uint32_t index;
    uint8_t pitch;
    uint8_t velocity;
};

/** What is sent, and what the real-time callback makes of it. */
struct rt {
    void *port;
    struct playhead *playhead;
    struct spa_ringbuffer indices; // of `queue`, in bytes
    struct event queue[QUEUE_EVENTS];
    atomic_bool open;
    atomic_bool lost; // the queue was full

    // The callback's own.
    bool sounding[128];
};

struct midi_port {
    struct pw_loop *loop;
    struct pw_context *context;
    char *node_name;
    char *group;
    char *description;
    struct rt rt;

    struct pw_core *core;
    struct pw_filter *filter;
    struct spa_hook core_hook;
    struct spa_hook filter_hook;
    struct spa_source *timer; // to connect again, or to close
    uint32_t retry_ms;
    bool open;
    bool lost;
    bool announced;
};

// -- the real-time callback

/** The buffer of a cycle. */
struct writer {
    struct spa_pod_builder builder;
    uint32_t room;
    uint32_t offset; // of the latest event
};

static bool has_room(const struct writer *writer)
{
    return writer->builder.state.offset + EVENT_BYTES <= writer->room;
}

static void put(struct rt *rt, struct writer *writer, uint32_t offset, uint8_t pitch,
                uint8_t velocity)
{
    const uint8_t bytes[3] = {velocity > 0 ? 0x90 : 0x80, pitch, velocity > 0 ? velocity : 64};
    // A sequence goes forward only.
    writer->offset = offset > writer->offset ? offset : writer->offset;
    spa_pod_builder_control(&writer->builder, writer->offset, SPA_CONTROL_Midi);
    spa_pod_builder_bytes(&writer->builder, bytes, sizeof bytes);
    rt->sounding[pitch] = velocity > 0;
}

static void end_all(struct rt *rt, struct writer *writer, uint32_t offset)
{
    for (unsigned pitch = 0; pitch < 128 && has_room(writer); pitch++)
        if (rt->sounding[pitch])
            put(rt, writer, offset, (uint8_t)pitch, 0);
}

static bool peek(struct rt *rt, struct event *ret_event)
{
    uint32_t at;
    if (spa_ringbuffer_get_read_index(&rt->indices, &at) < (int32_t)sizeof *ret_event)
        return false;
    spa_ringbuffer_read_data(&rt->indices, rt->queue, sizeof rt->queue, at % sizeof rt->queue,
                             ret_event, sizeof *ret_event);
    return true;
}

static void drop(struct rt *rt)
{
    uint32_t at;
    spa_ringbuffer_get_read_index(&rt->indices, &at);
    spa_ringbuffer_read_update(&rt->indices, (int32_t)(at + sizeof(struct event)));
}

/** The frames of the ring that are heard in the cycle at `clock`. */
static bool find_span(struct rt *rt, const struct spa_io_clock *clock, uint32_t *ret_index,
                      uint32_t *ret_frames)
{
    struct playhead_cycle cycle;
    if (!playhead_read(rt->playhead, &cycle) || cycle.duration == 0)
        return false;
    uint64_t distance = clock->position - cycle.position;
    if (distance == 0) {
        *ret_index = cycle.index;
        *ret_frames = cycle.taken;
        return true;
    }
    // The output's turn in this cycle is yet to come: it goes on as it did in the one before. A
    // cycle that its clock has left out does no harm either.
    if (distance > 2 * (uint64_t)cycle.duration || cycle.taken < cycle.given)
        return false;
    *ret_index = cycle.index + cycle.taken;
    *ret_frames = (uint32_t)(clock->duration * SYNTH_RATE / clock->rate.denom);
    return true;
}

static void fill(struct rt *rt, struct writer *writer, const struct spa_io_clock *clock)
{
    uint32_t index;
    uint32_t frames;
    struct event event;
    if (atomic_exchange(&rt->lost, false)) {
        while (peek(rt, &event))
            drop(rt);
        end_all(rt, writer, 0);
    }
    if (!atomic_load(&rt->open) || !find_span(rt, clock, &index, &frames)) {
        end_all(rt, writer, 0);
        return;
    }
    uint32_t last = clock->duration > 0 ? (uint32_t)clock->duration - 1 : 0;
    while (has_room(writer) && peek(rt, &event)) {
        int32_t ahead = (int32_t)(event.index - index);
        if (ahead >= (int32_t)frames)
            break;
        drop(rt);
        uint64_t offset = ahead > 0 ? (uint64_t)ahead * clock->rate.denom / SYNTH_RATE : 0;
        offset = offset < last ? offset : last;
        // What the output has left out shall not begin to sound, but one that it has just begun
        // with is late rather than missing.
        bool late = ahead < -(int32_t)(2 * clock->duration * SYNTH_RATE / clock->rate.denom);
        if (event.velocity > 0 ? !late : rt->sounding[event.pitch])
            put(rt, writer, (uint32_t)offset, event.pitch, event.velocity);
    }
    uint64_t whole = clock->duration * SYNTH_RATE / clock->rate.denom;
    if (frames < whole)
        end_all(rt, writer, (uint32_t)((uint64_t)frames * clock->rate.denom / SYNTH_RATE));
}

static void on_process(void *data, struct spa_io_position *position)
{
    struct midi_port *port = data;
    struct pw_buffer *buffer = pw_filter_dequeue_buffer(port->rt.port);
    if (!buffer)
        return;
    struct spa_data *datas = &buffer->buffer->datas[0];
    if (datas->data) {
        struct writer writer = {.room = datas->maxsize};
        struct spa_pod_frame frame;
        spa_pod_builder_init(&writer.builder, datas->data, datas->maxsize);
        spa_pod_builder_push_sequence(&writer.builder, &frame, 0);
        if (position && position->clock.rate.denom > 0)
            fill(&port->rt, &writer, &position->clock);
        spa_pod_builder_pop(&writer.builder, &frame);
        datas->chunk->offset = 0;
        datas->chunk->stride = 1;
        datas->chunk->size = writer.builder.state.offset;
        datas->chunk->flags = 0;
    }
    pw_filter_queue_buffer(port->rt.port, buffer);
}

// -- the main loop

static void set_timer(struct midi_port *port, uint32_t ms)
{
    struct timespec value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    pw_loop_update_timer(port->loop, port->timer, ms > 0 ? &value : NULL, NULL, false);
}

static void disconnect(struct midi_port *port)
{
    if (port->filter) {
        spa_hook_remove(&port->filter_hook);
        pw_filter_destroy(port->filter);
        port->filter = NULL;
    }
    if (port->core) {
        spa_hook_remove(&port->core_hook);
        pw_core_disconnect(port->core);
        port->core = NULL;
    }
}

/** Freeing a core or filter within its own event is not allowed; the timer does it. */
static void lose(struct midi_port *port)
{
    if (port->lost)
        return;
    port->lost = true;
    log_warning("%s has lost PipeWire; it connects again as soon as it can", port->node_name);
    port->announced = true;
    port->retry_ms = RETRY_FIRST_MS;
    set_timer(port, port->retry_ms);
}

static void on_core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
    if (id == PW_ID_CORE && res == -EPIPE)
        lose(data);
}

static const struct pw_core_events core_events = {
    PW_VERSION_CORE_EVENTS,
    .error = on_core_error,
};

static void on_filter_state(void *data, enum pw_filter_state old, enum pw_filter_state state,
                            const char *error)
{
    struct midi_port *port = data;
    log_debug("%s: %s -> %s%s%s", port->node_name, pw_filter_state_as_string(old),
              pw_filter_state_as_string(state), error ? ": " : "", error ? error : "");
    if (state == PW_FILTER_STATE_UNCONNECTED)
        lose(port);
}

static const struct pw_filter_events filter_events = {
    PW_VERSION_FILTER_EVENTS,
    .state_changed = on_filter_state,
    .process = on_process,
};

/** Makes core, filter and port. Returns 0 or -errno. */
static int connect_filter(struct midi_port *port)
{
    port->core = pw_context_connect(port->context, NULL, 0);
    if (!port->core)
        return -errno;
    pw_core_add_listener(port->core, &port->core_hook, &core_events, port);
    port->filter = pw_filter_new(
        port->core, port->node_name,
        pw_properties_new(PW_KEY_MEDIA_TYPE, "Midi", PW_KEY_MEDIA_CATEGORY, "Playback",
                          PW_KEY_MEDIA_CLASS, "Midi/Source", PW_KEY_APP_ID,
                          "org.fermata.HoldMusic1", PW_KEY_APP_NAME, "Fermata", PW_KEY_NODE_NAME,
                          port->node_name, PW_KEY_NODE_DESCRIPTION, port->description,
                          PW_KEY_NODE_GROUP, port->group, NULL));
    if (!port->filter)
        return -errno;
    pw_filter_add_listener(port->filter, &port->filter_hook, &filter_events, port);
    port->rt.port = pw_filter_add_port(
        port->filter, PW_DIRECTION_OUTPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0,
        pw_properties_new(PW_KEY_FORMAT_DSP, "8 bit raw midi", PW_KEY_PORT_NAME, "midi", NULL),
        NULL, 0);
    if (!port->rt.port)
        return -errno;
    return pw_filter_connect(port->filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0);
}

static void try_to_connect(struct midi_port *port)
{
    disconnect(port);
    port->lost = false;
    int res = connect_filter(port);
    if (res >= 0) {
        if (port->announced)
            log_info("%s is connected to PipeWire", port->node_name);
        port->announced = false;
        port->retry_ms = RETRY_FIRST_MS;
        return;
    }
    disconnect(port);
    if (!port->announced)
        log_warning("cannot connect %s to PipeWire: %s; is it running "
                    "(systemctl --user status pipewire)? Trying again until it is",
                    port->node_name, spa_strerror(res));
    port->announced = true;
    set_timer(port, port->retry_ms);
    port->retry_ms = port->retry_ms * 2 < RETRY_MOST_MS ? port->retry_ms * 2 : RETRY_MOST_MS;
}

static void on_timer(void *data, uint64_t expirations)
{
    struct midi_port *port = data;
    if (port->open)
        try_to_connect(port);
    else
        disconnect(port);
}

int midi_port_new(struct pw_loop *loop, struct pw_context *context,
                  const struct midi_port_config *config, struct midi_port **ret_port)
{
    struct midi_port *port = calloc(1, sizeof *port);
    if (!port)
        return -ENOMEM;
    port->loop = loop;
    port->context = context;
    port->retry_ms = RETRY_FIRST_MS;
    port->node_name = strdup(config->node_name);
    port->group = strdup(config->group);
    port->description = strdup(config->description);
    port->timer = pw_loop_add_timer(loop, on_timer, port);
    port->rt.playhead = config->playhead;
    spa_ringbuffer_init(&port->rt.indices);
    atomic_init(&port->rt.open, false);
    atomic_init(&port->rt.lost, false);
    if (!port->node_name || !port->group || !port->description || !port->timer) {
        midi_port_free(port);
        return -ENOMEM;
    }
    *ret_port = port;
    return 0;
}

void midi_port_free(struct midi_port *port)
{
    if (!port)
        return;
    disconnect(port);
    if (port->timer)
        pw_loop_destroy_source(port->loop, port->timer);
    free(port->node_name);
    free(port->group);
    free(port->description);
    free(port);
}

void midi_port_set_open(struct midi_port *port, bool open)
{
    if (!port || open == port->open)
        return;
    port->open = open;
    // Whatever was sent before is not played now.
    if (open)
        atomic_store(&port->rt.lost, true);
    atomic_store(&port->rt.open, open);
    if (!open)
        set_timer(port, CLOSE_MS);
    else if (!port->filter || port->lost)
        try_to_connect(port);
    else
        set_timer(port, 0);
}

void midi_port_send(struct midi_port *port, uint32_t index, uint8_t pitch, uint8_t velocity)
{
    if (!port || !atomic_load(&port->rt.open) || pitch > 127 || velocity > 127)
        return;
    struct rt *rt = &port->rt;
    struct event event = {.index = index, .pitch = pitch, .velocity = velocity};
    uint32_t at;
    int32_t full = spa_ringbuffer_get_write_index(&rt->indices, &at);
    if (full + (int32_t)sizeof event > (int32_t)sizeof rt->queue) {
        atomic_store(&rt->lost, true);
        return;
    }
    spa_ringbuffer_write_data(&rt->indices, rt->queue, sizeof rt->queue, at % sizeof rt->queue,
                              &event, sizeof event);
    spa_ringbuffer_write_update(&rt->indices, (int32_t)(at + sizeof event));
}
