// SPDX-License-Identifier: MIT
#include "control/announcing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "audio/announcement.h"
#include "audio/announcer.h"
#include "client/whole_file.h"
#include "log.h"

#define PATH 600

/** What the thread works on; its own until it has signalled. */
struct reading {
    pthread_t thread;
    bool running;
    int fd;
    uint32_t every;
    bool restored; ///< from the copy, of an earlier run
    int result;
    const char *why;
    struct announcement *announcement;
};

struct announcing {
    struct announcing_config config;
    char copy[PATH];
    struct reading reading;
    struct announcement *repeated;
    uint32_t every;
    uint32_t silent; ///< seconds since it was said last
    bool playing;
    struct spa_source *read_event;
    struct spa_source *timer;
};

static int write_all(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(to, bytes, size);
        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

/** The folders that a path leads through. */
/** Puts a copy of the file in its place. */
static int keep_copy(const char *path, int fd)
{
    char fresh[PATH + 8], bytes[1 << 16];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int r = whole_file_make_folders(path);
    if (r < 0)
        return r;
    int to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    r = to < 0 ? -errno : 0;
    off_t at = 0;
    for (ssize_t got = 1; r == 0 && got > 0; at += got) {
        got = pread(fd, bytes, sizeof bytes, at);
        r = got < 0 ? -errno : write_all(to, bytes, (size_t)got);
    }
    if (to >= 0 && ((r == 0 && fsync(to) < 0) || (close(to) < 0 && r == 0)))
        r = -errno;
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(fresh);
    return r;
}

static void *read_file(void *data)
{
    struct announcing *announcing = data;
    struct reading *reading = &announcing->reading;
    pthread_setname_np(pthread_self(), "announcement");
    reading->result = announcement_read(reading->fd, &reading->announcement, &reading->why);
    if (reading->result == 0 && reading->every && !reading->restored && *announcing->copy) {
        int r = keep_copy(announcing->copy, reading->fd);
        if (r < 0)
            log_warning("channel %s: cannot keep the announcement in %s: %s; it is repeated until "
                        "the daemon ends",
                        announcing->config.channel, announcing->copy, strerror(-r));
    }
    pw_loop_signal_event(announcing->config.loop, announcing->read_event);
    return NULL;
}

/** Takes over the descriptor. */
static int start_reading(struct announcing *announcing, int fd, uint32_t every, bool restored)
{
    announcing->reading = (struct reading){.fd = fd, .every = every, .restored = restored};
    // Signals are the main loop's business.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&announcing->reading.thread, NULL, read_file, announcing);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    announcing->reading.running = r == 0;
    if (r < 0) {
        log_error("channel %s: cannot start a thread to read the announcement: %s; raise the limit "
                  "of threads",
                  announcing->config.channel, strerror(-r));
        close(fd);
    }
    return r;
}

/** The clock of the repetitions ticks only where there are any. */
static void set_timer(struct announcing *announcing)
{
    struct timespec second = {.tv_sec = announcing->repeated && announcing->playing};
    pw_loop_update_timer(announcing->config.loop, announcing->timer, &second, &second, false);
}

static void set_every(struct announcing *announcing, uint32_t every)
{
    bool new = announcing->every != every;
    announcing->every = every;
    announcing->silent = 0;
    set_timer(announcing);
    if (new)
        announcing->config.on_every(announcing->config.user, every);
}

static void on_read(void *user, uint64_t count)
{
    (void)count;
    struct announcing *announcing = user;
    struct reading *reading = &announcing->reading;
    if (!reading->running)
        return;
    pthread_join(reading->thread, NULL);
    reading->running = false;
    close(reading->fd);
    if (reading->result < 0) {
        log_error("channel %s: cannot announce: the file %s", announcing->config.channel,
                  reading->why);
        if (reading->restored)
            set_every(announcing, 0);
        return;
    }
    if (reading->every) {
        announcement_unref(announcing->repeated);
        announcing->repeated = announcement_ref(reading->announcement);
        set_every(announcing, reading->every);
    }
    if (!reading->restored)
        announcer_say(announcing->config.announcer, reading->announcement);
    announcement_unref(reading->announcement);
}

static void on_second(void *user, uint64_t expirations)
{
    struct announcing *announcing = user;
    announcing->silent += (uint32_t)expirations;
    if (announcer_is_busy(announcing->config.announcer))
        announcing->silent = 0;
    if (announcing->silent < announcing->every)
        return;
    announcing->silent = 0;
    announcer_say(announcing->config.announcer, announcing->repeated);
}

/** What was repeated before the daemon ended. */
static void restore(struct announcing *announcing, uint32_t every)
{
    int fd = open(announcing->copy, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        log_warning("channel %s: cannot read the announcement kept in %s: %s; give it again with "
                    "fermatactl announce",
                    announcing->config.channel, announcing->copy, strerror(errno));
        return;
    }
    announcing->every = every;
    if (start_reading(announcing, fd, every, true) < 0)
        announcing->every = 0;
}

int announcing_new(const struct announcing_config *config, uint32_t every,
                   struct announcing **ret_announcing)
{
    struct announcing *announcing = calloc(1, sizeof *announcing);
    if (!announcing)
        return -ENOMEM;
    announcing->config = *config;
    if (snprintf(announcing->copy, sizeof announcing->copy, "%s", config->copy) >= PATH)
        announcing->copy[0] = '\0';
    announcing->read_event = pw_loop_add_event(config->loop, on_read, announcing);
    announcing->timer = pw_loop_add_timer(config->loop, on_second, announcing);
    if (!announcing->read_event || !announcing->timer) {
        announcing_free(announcing);
        return -ENOMEM;
    }
    if (every && *announcing->copy)
        restore(announcing, every);
    *ret_announcing = announcing;
    return 0;
}

void announcing_free(struct announcing *announcing)
{
    if (!announcing)
        return;
    struct reading *reading = &announcing->reading;
    if (reading->running) {
        pthread_join(reading->thread, NULL);
        close(reading->fd);
        if (reading->result == 0)
            announcement_unref(reading->announcement);
    }
    announcement_unref(announcing->repeated);
    if (announcing->read_event)
        pw_loop_destroy_source(announcing->config.loop, announcing->read_event);
    if (announcing->timer)
        pw_loop_destroy_source(announcing->config.loop, announcing->timer);
    free(announcing);
}

int announcing_say(struct announcing *announcing, int fd, uint32_t every, double *ret_seconds,
                   const char **ret_why)
{
    if (every && (every < ANNOUNCING_SHORTEST || every > ANNOUNCING_LONGEST))
        return -ERANGE;
    if (announcing->reading.running)
        return -EBUSY;
    int r = announcement_check(fd, ret_seconds, ret_why);
    if (r < 0)
        return r;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return -errno;
    return start_reading(announcing, own, every, false);
}

void announcing_stop(struct announcing *announcing)
{
    announcer_hush(announcing->config.announcer);
    // What is still being read is neither said nor repeated.
    if (announcing->reading.running) {
        pthread_join(announcing->reading.thread, NULL);
        announcing->reading.running = false;
        close(announcing->reading.fd);
        if (announcing->reading.result == 0)
            announcement_unref(announcing->reading.announcement);
    }
    announcement_unref(announcing->repeated);
    announcing->repeated = NULL;
    if (*announcing->copy)
        unlink(announcing->copy);
    set_every(announcing, 0);
}

uint32_t announcing_every(const struct announcing *announcing)
{
    return announcing->every;
}

void announcing_set_playing(struct announcing *announcing, bool playing)
{
    announcing->playing = playing;
    announcing->silent = 0;
    set_timer(announcing);
}
