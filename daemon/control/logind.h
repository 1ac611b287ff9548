// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_LOGIND_H
#define FERMATA_CONTROL_LOGIND_H

#include <stdbool.h>

struct pw_context;
struct pw_loop;

/**
 * logind: tells when the machine goes to sleep (suspends, hibernates) and when it wakes, on the
 * main loop and on a connection of its own to the system bus. It holds a lock that *delays* the
 * sleep, so that the fade-out is heard, and lets go of it some tenths of a second after the machine
 * wanted to sleep; it never holds the sleep up, nor idling or shutting down. Bus and logind may be
 * absent, go and come: they are asked for again, quietly. Who sleeps then is woken, as nobody else
 * would.
 *
 * Source: https://www.freedesktop.org/software/systemd/man/252/org.freedesktop.login1.html,
 * https://systemd.io/INHIBITOR_LOCKS/
 */
struct logind;

struct logind_calls {
    bool (*sleep)(void *user); ///< fade out; false: nothing plays, there is nothing to wait for
    void (*wake)(void *user);  ///< go on with what was played
    void *user;
};

/** `context` must have been made with "support.dbus" = "true". Returns 0 even when there is no bus
 * yet, -ENOMEM, or -ENOENT (SPA's D-Bus plugin is missing; logged). */
int logind_new(struct pw_loop *loop, struct pw_context *context, const struct logind_calls *calls,
               struct logind **ret_logind);
/** Wakes nobody. */
void logind_free(struct logind *logind);

#endif
