// SPDX-License-Identifier: MIT
/*
 * midi_probe: plays clicks, single samples of 0.5, through ring and output, and with each click a
 * note through a MIDI port, which lasts until the next click: their distance is odd, so they come
 * at any place of a cycle. Told by lines on standard input:
 *
 *     play on|off     output_set_playing()
 *     midi on|off     midi_port_set_open()
 *     refill on|off   keep the ring full, or let it run empty
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "audio/midi_port.h"
#include "audio/output.h"
#include "audio/playhead.h"
#include "audio/ring.h"

#define DISTANCE 3001

struct probe {
    struct pw_main_loop *main_loop;
    struct ring *ring;
    struct output *output;
    struct midi_port *midi;
    struct playhead playhead;
    int room_fd;
    bool refill;
    uint32_t clicks;
    uint32_t until_click;
};

static uint8_t key_of(uint32_t click)
{
    return (uint8_t)(60 + click % 12);
}

static void refill(struct probe *probe)
{
    while (probe->refill && ring_writable(probe->ring) > 0) {
        float frame[2] = {0, 0};
        if (probe->until_click == 0) {
            uint32_t index;
            ring_end(probe->ring, &index);
            if (probe->clicks > 0)
                midi_port_send(probe->midi, index, key_of(probe->clicks - 1), 0);
            midi_port_send(probe->midi, index, key_of(probe->clicks++), 100);
            frame[0] = frame[1] = 0.5f;
            probe->until_click = DISTANCE;
        }
        probe->until_click--;
        ring_write(probe->ring, frame, 1);
    }
}

static void on_room(void *user)
{
    struct probe *probe = user;
    uint64_t one = 1;
    ssize_t written = write(probe->room_fd, &one, sizeof one);
    (void)written;
}

static void on_room_fd(void *data, int fd, uint32_t mask)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) > 0)
        refill(data);
}

static void obey(struct probe *probe, const char *line)
{
    bool on = strstr(line, " on") != NULL;
    if (!strncmp(line, "play", 4))
        output_set_playing(probe->output, on);
    else if (!strncmp(line, "midi", 4))
        midi_port_set_open(probe->midi, on);
    else if (!strncmp(line, "refill", 6))
        probe->refill = on;
    refill(probe);
    printf("did %s\n", line);
    fflush(stdout);
}

static void on_input(void *data, int fd, uint32_t mask)
{
    struct probe *probe = data;
    char lines[512];
    ssize_t got = read(fd, lines, sizeof lines - 1);
    if (got <= 0) {
        pw_main_loop_quit(probe->main_loop);
        return;
    }
    lines[got] = '\0';
    char *rest = lines;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            obey(probe, line);
}

int main(int argc, char **argv)
{
    pw_init(&argc, &argv);
    struct probe probe = {.room_fd = eventfd(0, EFD_CLOEXEC), .refill = true};
    probe.main_loop = pw_main_loop_new(NULL);
    struct pw_loop *loop = pw_main_loop_get_loop(probe.main_loop);
    struct pw_context *context =
        pw_context_new(loop, pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf", NULL), 0);
    struct output_config config = {
        .node_name = "fermata.probe",
        .description = "Fermata MIDI probe",
        .playhead = &probe.playhead,
        .on_room = on_room,
        .user = &probe,
    };
    struct midi_port_config midi = {
        .node_name = "fermata.probe.midi",
        .group = "fermata.probe",
        .description = "Fermata MIDI probe",
        .playhead = &probe.playhead,
    };
    if (!context || ring_new(16384, &probe.ring) < 0)
        return 1;
    config.ring = probe.ring;
    if (output_new(loop, context, &config, &probe.output) < 0 ||
        midi_port_new(loop, context, &midi, &probe.midi) < 0)
        return 1;
    pw_loop_add_io(loop, STDIN_FILENO, SPA_IO_IN | SPA_IO_HUP, false, on_input, &probe);
    pw_loop_add_io(loop, probe.room_fd, SPA_IO_IN, false, on_room_fd, &probe);
    pw_main_loop_run(probe.main_loop);
    midi_port_free(probe.midi);
    output_free(probe.output);
    pw_context_destroy(context);
    pw_main_loop_destroy(probe.main_loop);
    ring_free(probe.ring);
    close(probe.room_fd);
    pw_deinit();
    return 0;
}
