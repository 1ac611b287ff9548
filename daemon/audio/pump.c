// SPDX-License-Identifier: MIT
#include "audio/pump.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "audio/outlet.h"
#include "audio/pace.h"
#include "audio/rtp_outlet.h"
#include "log.h"

/** Of one of the two kinds. */
struct entry {
    struct outlet *outlet;
    struct rtp_outlet *rtp;
};

struct pump {
    pthread_mutex_t lock; // of the entries
    struct entry *entries;
    size_t count;

    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool stop;
};

int pump_new(struct pump **ret_pump)
{
    struct pump *pump = calloc(1, sizeof *pump);
    if (!pump)
        return -ENOMEM;
    pump->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pump->wake_fd < 0) {
        int r = -errno;
        log_error("cannot make an eventfd for the pump: %s; raise the limit of open files",
                  strerror(errno));
        free(pump);
        return r;
    }
    pthread_mutex_init(&pump->lock, NULL);
    *ret_pump = pump;
    return 0;
}

void pump_free(struct pump *pump)
{
    if (!pump)
        return;
    if (pump->started) {
        atomic_store(&pump->stop, true);
        pump_wake(pump);
        pthread_join(pump->thread, NULL);
    }
    pthread_mutex_destroy(&pump->lock);
    close(pump->wake_fd);
    free(pump->entries);
    free(pump);
}

static int add(struct pump *pump, struct entry entry)
{
    int r = -ENOMEM;
    pthread_mutex_lock(&pump->lock);
    struct entry *entries = realloc(pump->entries, (pump->count + 1) * sizeof *entries);
    if (entries) {
        pump->entries = entries;
        entries[pump->count++] = entry;
        r = 0;
    }
    pthread_mutex_unlock(&pump->lock);
    if (r == 0)
        pump_wake(pump);
    return r;
}

static void take_out(struct pump *pump, struct entry entry)
{
    pthread_mutex_lock(&pump->lock);
    for (size_t i = 0; i < pump->count; i++) {
        if (pump->entries[i].outlet == entry.outlet && pump->entries[i].rtp == entry.rtp) {
            pump->entries[i] = pump->entries[--pump->count];
            break;
        }
    }
    pthread_mutex_unlock(&pump->lock);
    // The thread may still poll its descriptor, which is to be closed.
    pump_wake(pump);
}

int pump_add(struct pump *pump, struct outlet *outlet)
{
    return add(pump, (struct entry){.outlet = outlet});
}

void pump_remove(struct pump *pump, struct outlet *outlet)
{
    take_out(pump, (struct entry){.outlet = outlet});
}

int pump_add_rtp(struct pump *pump, struct rtp_outlet *outlet)
{
    return add(pump, (struct entry){.rtp = outlet});
}

void pump_remove_rtp(struct pump *pump, struct rtp_outlet *outlet)
{
    take_out(pump, (struct entry){.rtp = outlet});
}

/** Steps all outlets; writes what is to be polled, and tells how long: microseconds, INT64_MAX for
 * ever. */
static int64_t step(struct pump *pump, struct pollfd **polled, size_t *ret_count, size_t *room)
{
    int64_t wait = INT64_MAX;
    pthread_mutex_lock(&pump->lock);
    if (pump->count + 1 > *room) {
        struct pollfd *more = realloc(*polled, (pump->count + 1) * sizeof **polled);
        if (more) {
            *polled = more;
            *room = pump->count + 1;
        }
    }
    size_t count = 0;
    if (*room > 0)
        (*polled)[count++] = (struct pollfd){.fd = pump->wake_fd, .events = POLLIN};
    int64_t now = pace_now_us();
    for (size_t i = 0; i < pump->count; i++) {
        const struct entry *entry = &pump->entries[i];
        int64_t wants =
            entry->rtp ? rtp_outlet_step(entry->rtp, now) : outlet_step(entry->outlet, now);
        wait = wants < wait ? wants : wait;
        if (entry->outlet && count < *room)
            (*polled)[count++] = (struct pollfd){.fd = outlet_poll_fd(entry->outlet)};
    }
    pthread_mutex_unlock(&pump->lock);
    *ret_count = count;
    if (count == 0)
        return 20000; // memory is short: without its events, then
    return wait;
}

static void *run(void *data)
{
    struct pump *pump = data;
    struct pollfd *polled = NULL;
    size_t room = 0;
    pthread_setname_np(pthread_self(), "pump");
    while (!atomic_load(&pump->stop)) {
        size_t count;
        int64_t wait = step(pump, &polled, &count, &room);
        // Not in whole milliseconds: they would be the jitter of RTP.
        struct timespec timeout = {wait / 1000000, wait % 1000000 * 1000};
        uint64_t wakes;
        if (ppoll(polled, count, wait == INT64_MAX ? NULL : &timeout, NULL) > 0 &&
            read(pump->wake_fd, &wakes, sizeof wakes) < 0 && errno != EAGAIN)
            log_debug("pump: %s", strerror(errno));
    }
    free(polled);
    return NULL;
}

int pump_start(struct pump *pump)
{
    // Signals are the main loop's business.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&pump->thread, NULL, run, pump);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0) {
        log_error("cannot start the pump's thread: %s; raise the limit of threads", strerror(-r));
        return r;
    }
    pump->started = true;
    return 0;
}

void pump_wake(struct pump *pump)
{
    uint64_t one = 1;
    // It fails only where 2^64 wakes are waiting.
    ssize_t written = write(pump->wake_fd, &one, sizeof one);
    (void)written;
}

uint64_t pump_cpu_ns(const struct pump *pump)
{
    clockid_t clock;
    struct timespec used;
    if (!pump->started || pthread_getcpuclockid(pump->thread, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}
