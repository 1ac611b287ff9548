// SPDX-License-Identifier: MIT
#include "control/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/titles.h"

#define RATE 48000
#define TEXT_ROOM 1024 // bytes of a mark's text, escaped

struct plan {
    int64_t time;
    const char *event;
    const char *text;
    char title[TITLES_ROOM];
};

struct feed {
    char channel[64];
    pthread_mutex_t lock;
    size_t count;
    int watchers[FEED_WATCHERS];
    int64_t last_time;  ///< channel time of the latest event, and when it is heard, both in
    int64_t last_heard; ///< microseconds: marks are placed by them
    bool placed;        ///< there was an event
    struct plan plans[FEED_PLANNED]; ///< in order of time
    size_t planned;
};

int feed_new(const char *channel, struct feed **ret_feed)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return -ENOMEM;
    snprintf(feed->channel, sizeof(feed->channel), "%s", channel);
    pthread_mutex_init(&feed->lock, NULL);
    *ret_feed = feed;
    return 0;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < feed->count; i++)
        close(feed->watchers[i]);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NOTE_SECOND + now.tv_nsec / 1000;
}

/** A line in the making. What does not fit is left out; lines are far shorter than that. */
struct line {
    char text[PIPE_BUF];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof(line->text) - line->length;
    int length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

/** Microseconds as seconds, without printf's %f: that would follow the locale's comma. */
static void append_seconds(struct line *line, const char *key, int64_t us)
{
    uint64_t magnitude = us < 0 ? -(uint64_t)us : (uint64_t)us;
    append(line, ",\"%s\":%s%" PRIu64 ".%06u", key, us < 0 ? "-" : "",
           magnitude / (uint64_t)NOTE_SECOND, (unsigned)(magnitude % (uint64_t)NOTE_SECOND));
    while (line->text[line->length - 1] == '0' && line->text[line->length - 2] != '.')
        line->length--;
}

/** JSON string contents. Bytes from 0x80 on pass: our texts are UTF-8. */
static void append_escaped(struct line *line, const char *text)
{
    size_t end = line->length + TEXT_ROOM;
    for (; *text && line->length + 6 < end; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            append(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            append(line, "\\u%04x", c);
        else
            line->text[line->length++] = (char)c;
    }
    // A text that was cut may end within a character; take such a torso away.
    if (*text && ((unsigned char)*text & 0xc0) == 0x80) {
        while (((unsigned char)line->text[line->length - 1] & 0xc0) == 0x80)
            line->length--;
        line->length--;
    }
}

/** At most PIPE_BUF bytes, so the kernel takes the whole line or none of it (pipe(7)). */
static bool send_line(int fd, const struct line *line)
{
    ssize_t r;
    do
        r = write(fd, line->text, line->length);
    while (r < 0 && errno == EINTR);
    return r >= 0 || errno == EAGAIN;
}

static void forget(struct feed *feed, size_t index)
{
    close(feed->watchers[index]);
    feed->watchers[index] = feed->watchers[--feed->count];
}

/** With the lock held. */
static void tell(struct feed *feed, const struct line *line)
{
    for (size_t i = feed->count; i-- > 0;)
        if (!send_line(feed->watchers[i], line))
            forget(feed, i);
}

/** Nothing where `text` is NULL. */
static void append_text(struct line *line, const char *key, const char *text)
{
    if (!text)
        return;
    append(line, ",\"%s\":\"", key);
    append_escaped(line, text);
    append(line, "\"");
}

static void mark_line(struct line *line, const char *event, int64_t time, int64_t heard,
                      const char *text, const char *title)
{
    append(line, "{\"event\":\"");
    append_escaped(line, event);
    append(line, "\"");
    append_seconds(line, "time", time);
    append_seconds(line, "heard", heard);
    append_text(line, "text", text);
    append_text(line, "title", title);
    append(line, "}\n");
}

/** When channel time `time` is heard, as far as the latest event tells. */
static int64_t heard_at(const struct feed *feed, int64_t time)
{
    int64_t now = now_us();
    int64_t heard = feed->placed ? feed->last_heard + (time - feed->last_time) : now;
    return heard > now ? heard : now;
}

int feed_open(struct feed *feed, int *ret_fd)
{
    int r = 0;
    int ends[2];
    pthread_mutex_lock(&feed->lock);
    // While nothing plays no write tells who has left.
    for (size_t i = feed->count; i-- > 0;) {
        struct pollfd poller = {.fd = feed->watchers[i]};
        if (poll(&poller, 1, 0) > 0 && (poller.revents & POLLERR))
            forget(feed, i);
    }
    if (feed->count == FEED_WATCHERS) {
        r = -EMFILE;
    } else if (pipe2(ends, O_CLOEXEC) < 0) {
        r = errno == EMFILE ? -ENFILE : -errno; // -EMFILE has its own meaning here
    } else {
        // Only our end: the watcher's reads block, as `cat` expects.
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        struct line line = {.length = 0};
        mark_line(&line, "hello", feed->last_time, now_us(), feed->channel, NULL);
        send_line(ends[1], &line);
        feed->watchers[feed->count++] = ends[1];
        *ret_fd = ends[0];
    }
    pthread_mutex_unlock(&feed->lock);
    return r;
}

/** Tells the plans up to `until`; with the lock held. */
static void tell_plans(struct feed *feed, int64_t until)
{
    size_t told = 0;
    while (told < feed->planned && feed->plans[told].time <= until) {
        const struct plan *plan = &feed->plans[told++];
        if (feed->count > 0) {
            struct line line = {.length = 0};
            mark_line(&line, plan->event, plan->time, heard_at(feed, plan->time), plan->text,
                      *plan->title ? plan->title : NULL);
            tell(feed, &line);
        }
    }
    feed->planned -= told;
    memmove(feed->plans, feed->plans + told, feed->planned * sizeof feed->plans[0]);
}

void feed_event(struct feed *feed, const struct score_event *event, uint64_t frame, uint32_t ahead)
{
    int64_t heard = now_us() + (int64_t)ahead * NOTE_SECOND / RATE;
    pthread_mutex_lock(&feed->lock);
    feed->last_time = event->time;
    feed->last_heard = heard;
    feed->placed = true;
    tell_plans(feed, event->time);
    if (feed->count > 0) {
        struct line line = {.length = 0};
        append(&line, "{\"event\":\"%s\"", event->velocity ? "on" : "off");
        append_seconds(&line, "time", event->time);
        append(&line, ",\"frame\":%" PRIu64, frame);
        append_seconds(&line, "heard", heard);
        append(&line, ",\"pitch\":%u", event->pitch);
        if (event->velocity) {
            append(&line, ",\"velocity\":%u", event->velocity);
            if (event->duration > 0 && event->duration != NOTE_OPEN)
                append_seconds(&line, "duration", event->duration);
        }
        append(&line, "}\n");
        tell(feed, &line);
    }
    pthread_mutex_unlock(&feed->lock);
}

void feed_mark(struct feed *feed, const char *event, int64_t time, const char *text)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->count > 0) {
        struct line line = {.length = 0};
        mark_line(&line, event, time, heard_at(feed, time), text, NULL);
        tell(feed, &line);
    }
    pthread_mutex_unlock(&feed->lock);
}

void feed_plan(struct feed *feed, const char *event, int64_t time, const char *text,
               const char *title)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->planned == FEED_PLANNED)
        tell_plans(feed, feed->plans[0].time);
    size_t at = feed->planned++;
    for (; at > 0 && feed->plans[at - 1].time > time; at--)
        feed->plans[at] = feed->plans[at - 1];
    feed->plans[at] = (struct plan){time, event, text, ""};
    snprintf(feed->plans[at].title, sizeof feed->plans[at].title, "%s", title ? title : "");
    pthread_mutex_unlock(&feed->lock);
}

void feed_cut(struct feed *feed, int64_t at)
{
    pthread_mutex_lock(&feed->lock);
    while (feed->planned > 0 && feed->plans[feed->planned - 1].time >= at)
        feed->planned--;
    pthread_mutex_unlock(&feed->lock);
}
