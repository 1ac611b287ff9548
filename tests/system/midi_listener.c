// SPDX-License-Identifier: MIT
/*
 * midi_listener FILE: a node "listener" with the input ports "audio" and "midi", which hears both
 * in the same cycles of the graph. The sound goes to FILE as raw floats, 48 kHz; each MIDI event to
 * standard output:
 *
 *     FRAME STATUS KEY VELOCITY       FRAME is that of FILE at which it comes
 *
 * Ends with SIGTERM or SIGINT.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <spa/control/control.h>
#include <spa/pod/iter.h>

struct listener {
    struct pw_main_loop *loop;
    struct pw_filter *filter;
    void *audio;
    void *midi;
    FILE *file;
    uint64_t frames;
};

static void hear_midi(struct listener *listener)
{
    struct pw_buffer *buffer = pw_filter_dequeue_buffer(listener->midi);
    if (!buffer)
        return;
    struct spa_data *datas = &buffer->buffer->datas[0];
    struct spa_pod *pod =
        spa_pod_from_data(datas->data, datas->maxsize, datas->chunk->offset, datas->chunk->size);
    if (pod && spa_pod_is_sequence(pod)) {
        struct spa_pod_control *control;
        SPA_POD_SEQUENCE_FOREACH((struct spa_pod_sequence *)pod, control)
        {
            const uint8_t *bytes = SPA_POD_BODY(&control->value);
            if (control->type == SPA_CONTROL_Midi && SPA_POD_BODY_SIZE(&control->value) == 3)
                printf("%" PRIu64 " %d %d %d\n", listener->frames + control->offset, bytes[0],
                       bytes[1], bytes[2]);
        }
    }
    pw_filter_queue_buffer(listener->midi, buffer);
}

static void on_process(void *data, struct spa_io_position *position)
{
    static const float silence[8192];
    struct listener *listener = data;
    uint32_t frames = (uint32_t)position->clock.duration;
    const float *samples = pw_filter_get_dsp_buffer(listener->audio, frames);
    hear_midi(listener);
    fwrite(samples ? samples : silence, sizeof *samples, frames < 8192 ? frames : 8192,
           listener->file);
    listener->frames += frames;
}

static const struct pw_filter_events events = {
    PW_VERSION_FILTER_EVENTS,
    .process = on_process,
};

static void on_signal(void *data, int number)
{
    struct listener *listener = data;
    pw_main_loop_quit(listener->loop);
}

int main(int argc, char **argv)
{
    pw_init(&argc, &argv);
    struct listener listener = {.loop = pw_main_loop_new(NULL)};
    listener.file = argc > 1 ? fopen(argv[1], "we") : NULL;
    if (!listener.file)
        return 2;
    struct pw_loop *loop = pw_main_loop_get_loop(listener.loop);
    pw_loop_add_signal(loop, SIGTERM, on_signal, &listener);
    pw_loop_add_signal(loop, SIGINT, on_signal, &listener);
    listener.filter = pw_filter_new_simple(loop, "listener",
                                           pw_properties_new(PW_KEY_NODE_NAME, "listener", NULL),
                                           &events, &listener);
    listener.audio =
        pw_filter_add_port(listener.filter, PW_DIRECTION_INPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0,
                           pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
                                             PW_KEY_PORT_NAME, "audio", NULL),
                           NULL, 0);
    listener.midi = pw_filter_add_port(
        listener.filter, PW_DIRECTION_INPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0,
        pw_properties_new(PW_KEY_FORMAT_DSP, "8 bit raw midi", PW_KEY_PORT_NAME, "midi", NULL),
        NULL, 0);
    if (pw_filter_connect(listener.filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0) < 0)
        return 1;
    pw_main_loop_run(listener.loop);
    pw_filter_destroy(listener.filter);
    pw_main_loop_destroy(listener.loop);
    fclose(listener.file);
    pw_deinit();
    return 0;
}
