// SPDX-License-Identifier: MIT
/*
 * output_probe: plays a sine through ring, fader and output into PipeWire, as told by lines on
 * standard input, and says on standard output what happens:
 *
 *     play on|off     output_set_playing()
 *     volume V        output_set_volume()
 *     target NAME     output_redirect(), to a stream
 *     source          output_redirect(), to a microphone
 *     refill on|off   keep the ring full, or let it run empty
 *     wakeups         how often the process's threads have woken up since the last time
 *     quit
 *
 *     time.nanoseconds state NAME | did LINE | wakeups N | read FRAMES underruns FRAMES
 *
 * NAME is that of enum output_state, or "elsewhere" where it is diverted.
 *
 * The sine goes on without a break in the ring, whatever is heard of it: where the recording shows
 * a jump in its phase, frames were lost.
 */
#include <math.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "audio/output.h"
#include "audio/ring.h"
#include "audio/synth.h"

#define HERTZ 440.0
#define AMPLITUDE 0.5

struct probe {
    struct pw_main_loop *main_loop;
    struct pw_loop *loop;
    struct ring *ring;
    struct output *output;
    int room_fd;
    bool refill;
    uint64_t written;
    long switches;
};

static void say(const char *what, const char *of)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%ld.%09ld %s %s\n", (long)now.tv_sec, now.tv_nsec, what, of);
    fflush(stdout);
}

static void refill(struct probe *probe)
{
    while (probe->refill && ring_writable(probe->ring) > 0) {
        float v = (float)(AMPLITUDE * sin(2.0 * M_PI * HERTZ / SYNTH_RATE *
                                          (double)(probe->written % SYNTH_RATE)));
        const float frame[2] = {v, v};
        probe->written += ring_write(probe->ring, frame, 1);
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

static void on_state(void *user)
{
    static const char *const names[] = {
        [OUTPUT_NO_PIPEWIRE] = "no-pipewire", [OUTPUT_NO_SINK] = "no-sink",
        [OUTPUT_PAUSED] = "paused",           [OUTPUT_STREAMING] = "streaming",
        [OUTPUT_UNHEARD] = "unheard",
    };
    struct probe *probe = user;
    say("state",
        output_is_diverted(probe->output) ? "elsewhere" : names[output_state(probe->output)]);
}

/** Voluntary context switches of all threads: each sleep that was ended by something. */
static long count_switches(void)
{
    long all = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        char line[256];
        long count;
        while (file && fgets(line, sizeof line, file))
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
                all += count;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return all;
}

static void obey(struct probe *probe, const char *line)
{
    double volume;
    char text[80];
    if (strcmp(line, "play on") == 0 || strcmp(line, "play off") == 0) {
        output_set_playing(probe->output, strcmp(line, "play on") == 0);
    } else if (sscanf(line, "volume %lf", &volume) == 1) {
        output_set_volume(probe->output, volume);
    } else if (strcmp(line, "refill on") == 0 || strcmp(line, "refill off") == 0) {
        probe->refill = strcmp(line, "refill on") == 0;
        refill(probe);
    } else if (strncmp(line, "target ", 7) == 0) {
        if (output_redirect(probe->output, false, line + 7) < 0)
            exit(1);
    } else if (strcmp(line, "source") == 0) {
        if (output_redirect(probe->output, true, NULL) < 0)
            exit(1);
    } else if (strcmp(line, "wakeups") == 0) {
        long now = count_switches();
        snprintf(text, sizeof text, "%ld", now - probe->switches);
        probe->switches = now;
        say("wakeups", text);
    } else if (strcmp(line, "quit") == 0) {
        pw_main_loop_quit(probe->main_loop);
    } else {
        fprintf(stderr, "output_probe: what is \"%s\"?\n", line);
        exit(2);
    }
    say("did", line);
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
    struct probe probe = {.refill = true, .room_fd = eventfd(0, EFD_CLOEXEC)};
    probe.main_loop = pw_main_loop_new(NULL);
    probe.loop = pw_main_loop_get_loop(probe.main_loop);
    struct pw_context *context = pw_context_new(
        probe.loop, pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf", NULL), 0);
    if (!context || ring_new(16384, &probe.ring) < 0)
        return 1;
    refill(&probe);

    struct output_config config = {
        .node_name = "fermata.probe",
        .description = "Fermata output probe",
        .target = argc > 1 ? argv[1] : NULL,
        .ring = probe.ring,
        .on_room = on_room,
        .on_state = on_state,
        .user = &probe,
    };
    if (output_new(probe.loop, context, &config, &probe.output) < 0)
        return 1;
    on_state(&probe);
    pw_loop_add_io(probe.loop, STDIN_FILENO, SPA_IO_IN | SPA_IO_HUP, false, on_input, &probe);
    pw_loop_add_io(probe.loop, probe.room_fd, SPA_IO_IN, false, on_room_fd, &probe);
    pw_main_loop_run(probe.main_loop);

    char text[80];
    snprintf(text, sizeof text, "%llu underruns %llu",
             (unsigned long long)(probe.written - ring_readable(probe.ring)),
             (unsigned long long)output_underruns(probe.output));
    say("read", text);
    output_free(probe.output);
    pw_context_destroy(context);
    pw_main_loop_destroy(probe.main_loop);
    ring_free(probe.ring);
    close(probe.room_fd);
    pw_deinit();
    return 0;
}
