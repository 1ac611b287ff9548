// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_WATCHDOG_H
#define FERMATA_CONTROL_WATCHDOG_H

#include <stdbool.h>

/**
 * watchdog: what systemd is told (sd_notify): ready, a line of status, stopping, and that we are
 * alive, as long as the main loop turns and music that is due is composed and performed.
 * Silent where there is no systemd. Main loop.
 */
struct pw_loop;
struct watchdog;

/** `is_alive` is asked at half the watchdog's interval; where it says false, systemd is left to
 * find out. Returns 0 or -ENOMEM. */
int watchdog_new(struct pw_loop *loop, bool (*is_alive)(void *user), void *user,
                 struct watchdog **ret_watchdog);
void watchdog_free(struct watchdog *watchdog);

void watchdog_ready(const char *status);
/** Settings are read again; ends with watchdog_ready(). */
void watchdog_reloading(void);
void watchdog_stopping(void);

#endif
