// SPDX-License-Identifier: MIT
#include "client/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "client/exchange.h"
#include "client/feedline.h"
#include "client/picture.h"
#include "client/remote.h"
#include "client/roll.h"
#include "client/screen.h"
#include "client/text.h"

#define STATUS_EVERY 1.0 // seconds
#define KEEP_SECONDS 120
#define MESSAGE_FOR 4.0 // seconds that an error stays to be read
#define LINE_ROOM 8192  // the feed's lines are shorter than PIPE_BUF

struct watch {
    const struct watch_options *options;
    struct remote *remote;
    struct status status;
    struct screen *screen; ///< NULL: lines or nothing
    struct roll roll;
    struct feedline
        struck[128]; ///< notes whose length is not yet told; event "" where there is none
    int feed;
    char buffer[LINE_ROOM];
    size_t length;
    char composer[64]; ///< at the beginning
    double begin, last_status, message_until;
    char message[512];
    bool quit, lost; ///< asked for, the daemon is gone
    int broken;      ///< errno of our output; EPIPE: nobody reads it any more; 0: well
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct status_channel *channel_of(const struct watch *watch)
{
    return status_channel(&watch->status, watch->options->channel);
}

static void note_trouble(struct watch *watch, enum ending ending)
{
    if (ending == ENDING_OK)
        return;
    snprintf(watch->message, sizeof(watch->message), "%s", remote_why(watch->remote));
    watch->message_until = now() + MESSAGE_FOR;
}

static void ask_status(struct watch *watch)
{
    note_trouble(watch, remote_status(watch->remote, &watch->status));
    watch->last_status = now();
}

/** Those there are are those of all nets: on to the next one whom the channel's own net offers. */
static void set_next_composer(struct watch *watch, bool back)
{
    const struct status_names *composers = &watch->status.composers;
    const size_t count = composers->count, step = back ? count - 1 : 1;
    size_t i = 0;
    while (i < count && strcmp(composers->name[i], channel_of(watch)->composer) != 0)
        i++;
    enum ending ending = ENDING_REFUSED;
    for (size_t tried = 0; tried < count && ending == ENDING_REFUSED; tried++) {
        i = (i + step) % count;
        ending = remote_set_text(watch->remote, "Composer", composers->name[i]);
    }
    if (count)
        note_trouble(watch, ending);
}

static void set_number(struct watch *watch, const char *property, double value)
{
    value = fmin(fmax(round(value * 20) / 20, 0), 1);
    note_trouble(watch, remote_set_number(watch->remote, property, value));
}

/** The last two minutes, into the folder one is in. */
static void keep(struct watch *watch)
{
    char name[64], said[EXCHANGE_ROOM];
    time_t t = time(NULL);
    struct tm local;
    localtime_r(&t, &local);
    strftime(name, sizeof(name), "fermata-%Y%m%d-%H%M%S.mid", &local);
    enum ending ending = exchange_write(watch->remote, KEEP_SECONDS, name, said);
    if (*said)
        text_copy(watch->message, sizeof(watch->message), said);
    else
        note_trouble(watch, ending);
    watch->message_until = now() + MESSAGE_FOR;
}

static void on_key(struct watch *watch, int key)
{
    const struct status_channel *c = channel_of(watch);
    switch (key) {
    case 'q':
    case 'Q':
        watch->quit = true;
        return;
    case ' ':
        note_trouble(
            watch, remote_call(watch->remote, strcmp(c->state, "stopped") == 0 ? "Start" : "Stop"));
        break;
    case 'n':
        note_trouble(watch, remote_call(watch->remote, "Skip"));
        break;
    case 'k':
        keep(watch);
        break;
    case 'r':
        note_trouble(watch, remote_call(watch->remote, "Reseed"));
        break;
    case 'c':
        set_next_composer(watch, false);
        break;
    case 'C':
        set_next_composer(watch, true);
        break;
    case 't':
        set_number(watch, "Threshold", c->threshold - 0.05);
        break;
    case 'T':
        set_number(watch, "Threshold", c->threshold + 0.05);
        break;
    case '+':
    case '=':
        set_number(watch, "Volume", c->volume + 0.05);
        break;
    case '-':
        set_number(watch, "Volume", c->volume - 0.05);
        break;
    default:
        return;
    }
    ask_status(watch);
}

/** Lines for people say how long a note is, so they wait for its end where that is not yet told. */
static void print_line(struct watch *watch, const struct feedline *line)
{
    struct feedline *struck = line->kind == FEEDLINE_MARK ? NULL : &watch->struck[line->pitch];
    if (struck && *struck->event) {
        struck->duration = line->time - struck->time;
        feedline_print(struck, stdout);
        *struck->event = '\0';
    }
    if (line->kind == FEEDLINE_ON && line->duration <= 0)
        *struck = *line;
    else
        feedline_print(line, stdout);
}

/** Keeps why nothing can be written, right after it failed. */
static void note_broken(struct watch *watch, int failed)
{
    if (failed && !watch->broken)
        watch->broken = errno ? errno : EIO;
}

static void on_line(struct watch *watch, const char *text)
{
    struct feedline line;
    const struct watch_options *options = watch->options;
    if (feedline_parse(text, &line) < 0)
        return;
    if (watch->screen || options->png)
        roll_add(&watch->roll, &line);
    if (!watch->screen && !options->quiet) {
        if (options->json)
            puts(text);
        else if (strcmp(line.event, "hello") != 0)
            print_line(watch, &line);
        note_broken(watch, ferror(stdout));
    }
    if (line.kind == FEEDLINE_MARK && watch->screen)
        watch->last_status = 0; // what is told of may show in the title
}

static void read_feed(struct watch *watch)
{
    ssize_t r = read(watch->feed, watch->buffer + watch->length, LINE_ROOM - 1 - watch->length);
    if (r < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (r <= 0) {
        watch->lost = true;
        return;
    }
    watch->length += (size_t)r;
    char *start = watch->buffer, *end;
    watch->buffer[watch->length] = '\0';
    while ((end = memchr(start, '\n', watch->length - (size_t)(start - watch->buffer)))) {
        *end = '\0';
        on_line(watch, start);
        start = end + 1;
    }
    watch->length -= (size_t)(start - watch->buffer);
    memmove(watch->buffer, start, watch->length);
    if (watch->length == LINE_ROOM - 1)
        watch->length = 0; // no line of ours
    if (!watch->screen && !watch->broken)
        note_broken(watch, fflush(stdout));
}

static void read_signals(struct watch *watch, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH && watch->screen)
            screen_resize(watch->screen);
        else if (info.ssi_signo != SIGWINCH)
            watch->quit = true;
    }
}

/** Milliseconds until something is to be done, or -1. */
static int time_to_wait(const struct watch *watch)
{
    double until = 1e9, t = now();
    if (watch->options->seconds > 0)
        until = watch->begin + watch->options->seconds - t;
    if (watch->screen)
        until = fmin(until, (floor(t / SCREEN_COLUMN) + 1) * SCREEN_COLUMN - t);
    return until >= 1e6 ? -1 : until <= 0 ? 0 : (int)ceil(until * 1000);
}

static void draw(struct watch *watch)
{
    double t = now();
    if (t - watch->last_status >= STATUS_EVERY)
        ask_status(watch);
    if (!watch->options->png)
        roll_forget(&watch->roll, t - screen_span(watch->screen) - 1);
    screen_draw(watch->screen, &watch->roll, &watch->status, channel_of(watch), t,
                t < watch->message_until ? watch->message : NULL);
}

static void follow(struct watch *watch, int signals)
{
    struct pollfd fds[] = {{.fd = watch->feed, .events = POLLIN},
                           {.fd = signals, .events = POLLIN},
                           {.fd = watch->screen ? STDIN_FILENO : -1, .events = POLLIN}};
    while (!watch->quit && !watch->lost && !watch->broken) {
        if (watch->options->seconds > 0 && now() >= watch->begin + watch->options->seconds)
            break;
        if (watch->screen)
            draw(watch);
        if (poll(fds, 3, time_to_wait(watch)) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            read_feed(watch);
        if (fds[1].revents)
            read_signals(watch, signals);
        if (watch->screen && fds[2].revents) {
            int key;
            if (fds[2].revents & POLLHUP)
                watch->quit = true;
            while (!watch->quit && (key = screen_key(watch->screen)) >= 0)
                on_key(watch, key);
        }
    }
}

/** A composer's name as it begins a title: ASCII, as they come. */
static void capitalise(const char *name, char ret_text[64])
{
    snprintf(ret_text, 64, "%s", name);
    if (*ret_text >= 'a' && *ret_text <= 'z')
        *ret_text = (char)(*ret_text - 'a' + 'A');
}

static enum ending write_picture(struct watch *watch)
{
    char title[256], first[64], last[64];
    struct status status;
    if (!watch->lost && remote_status(watch->remote, &status) == ENDING_OK)
        watch->status = status;
    capitalise(watch->composer, first);
    capitalise(channel_of(watch)->composer, last);
    bool same = !strcmp(first, last);
    snprintf(title, sizeof(title), "Fermata: %s%s%s, composed live by %s", first,
             same ? "" : ", then ", same ? "" : last, channel_of(watch)->net);
    double end = now();
    if (watch->options->seconds > 0)
        end = fmin(end, watch->begin + watch->options->seconds);
    roll_end(&watch->roll, end);
    struct picture picture = {title, watch->begin, end};
    int r = picture_write(&picture, &watch->roll, watch->options->png);
    if (r == 0)
        return ENDING_OK;
    fprintf(stderr,
            "fermatactl: cannot write the picture %s: %s. Is the folder there, and yours?\n",
            watch->options->png, strerror(-r));
    return ENDING_OUTPUT;
}

enum ending watch_run(struct remote *remote, const struct watch_options *options)
{
    static struct watch storage;
    struct watch *watch = &storage;
    *watch = (struct watch){.options = options, .remote = remote, .feed = -1};

    enum ending ending = remote_status(remote, &watch->status);
    if (ending == ENDING_OK)
        ending = remote_open_feed(remote, &watch->feed);
    if (ending != ENDING_OK)
        return ending;

    // They come through a descriptor, so that the terminal and the picture are always seen to.
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGWINCH);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);

    if (!options->quiet && !options->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)) {
        int r = screen_new(&watch->screen);
        if (r < 0)
            fprintf(stderr, "fermatactl: cannot draw on this terminal (TERM=%s); here are lines\n",
                    getenv("TERM") ? getenv("TERM") : "");
    }
    snprintf(watch->composer, sizeof(watch->composer), "%s", channel_of(watch)->composer);
    watch->begin = now();
    watch->last_status = watch->begin;
    follow(watch, signals);
    screen_free(watch->screen);

    if (watch->lost) {
        fprintf(stderr, "fermatactl: fermatad has ended. See: systemctl --user status fermata\n");
        ending = ENDING_LOST;
    }
    if (watch->broken && watch->broken != EPIPE) {
        fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(watch->broken));
        ending = ENDING_OUTPUT;
    }
    if (options->png) {
        enum ending written = write_picture(watch);
        ending = ending == ENDING_OK ? written : ending;
    }
    roll_finish(&watch->roll);
    close(signals);
    close(watch->feed);
    return ending;
}
