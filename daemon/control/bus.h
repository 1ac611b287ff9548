// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_BUS_H
#define FERMATA_CONTROL_BUS_H

#include <stdbool.h>

/** Which of the two. */
enum bus_which {
    BUS_SESSION,
    BUS_SYSTEM,
};

struct manager;
struct pw_context;
struct pw_loop;

/**
 * bus: org.fermata.HoldMusic1 on the session bus, or of the machine's instance on the system bus,
 * on the main loop (libdbus through SPA's support.dbus). On the system bus everybody may read and
 * bus_access says who may change. The bus may be absent, die and come back: the music goes on, the
 * name is asked for again every few seconds.
 */
struct bus;

/**
 * `context` must have been made with "support.dbus" = "true". Returns 0 even when there is no bus
 * yet, -ENOMEM, -ENOENT (SPA's D-Bus plugin is missing), or -EEXIST when another daemon owns the
 * name (logged; two daemons would play over each other). An owner found only later, on a bus that
 * came late, is logged once, and the name asked for again quietly. Takes the manager's listener.
 */
int bus_new(struct pw_loop *loop, struct pw_context *context, struct manager *manager,
            enum bus_which which, struct bus **ret_bus);
void bus_free(struct bus *bus);

bool bus_is_connected(const struct bus *bus);

/** Whether somebody listens at the bus's address: SPA and libdbus would find out by themselves, but
 * not quietly. libdbus also remembers for ever that there was no address when it looked first, or
 * starts a bus of its own ("autolaunch:"). */
bool bus_answers(enum bus_which which);

#endif
