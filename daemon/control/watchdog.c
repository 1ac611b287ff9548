// SPDX-License-Identifier: MIT
#include "control/watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <pipewire/pipewire.h>
#include <systemd/sd-daemon.h>

#include "log.h"

struct watchdog {
    struct pw_loop *loop;
    struct spa_source *timer;
    bool (*is_alive)(void *user);
    void *user;
    bool complained;
};

static void on_timer(void *data, uint64_t expirations)
{
    (void)expirations;
    struct watchdog *watchdog = data;
    if (watchdog->is_alive(watchdog->user)) {
        sd_notify(0, "WATCHDOG=1");
        watchdog->complained = false;
    } else if (!watchdog->complained) {
        log_error("music is due and none is made: leaving it to systemd to start me anew");
        watchdog->complained = true;
    }
}

int watchdog_new(struct pw_loop *loop, bool (*is_alive)(void *user), void *user,
                 struct watchdog **ret_watchdog)
{
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog)
        return -ENOMEM;
    watchdog->loop = loop;
    watchdog->is_alive = is_alive;
    watchdog->user = user;
    uint64_t interval = 0;
    if (sd_watchdog_enabled(0, &interval) > 0) {
        uint64_t half = interval / 2;
        struct timespec period = {(time_t)(half / 1000000), (long)(half % 1000000) * 1000};
        watchdog->timer = pw_loop_add_timer(loop, on_timer, watchdog);
        if (!watchdog->timer) {
            free(watchdog);
            return -ENOMEM;
        }
        pw_loop_update_timer(loop, watchdog->timer, &period, &period, false);
    }
    *ret_watchdog = watchdog;
    return 0;
}

void watchdog_free(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    if (watchdog->timer)
        pw_loop_destroy_source(watchdog->loop, watchdog->timer);
    free(watchdog);
}

void watchdog_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void watchdog_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void watchdog_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}
