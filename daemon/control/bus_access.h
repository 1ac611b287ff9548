// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_BUS_ACCESS_H
#define FERMATA_CONTROL_BUS_ACCESS_H

#include <stdbool.h>

#include <dbus/dbus.h>

/**
 * bus_access: who may do what on the system bus, where everybody of the machine can call.
 *
 * Everybody may read (properties, introspection, the list of objects). All else, whatever methods
 * there will be, is for root, for the daemon's own user, and for whom polkit lets: its action
 * org.fermata.HoldMusic1.control is granted to the group "fermata" by a rule that is installed with
 * it. Where there is no polkit, membership of the group alone decides.
 *
 * Nothing blocks: the bus and polkit are asked with pending calls. Main loop.
 */
struct bus_access;

#define BUS_ACCESS_ACTION "org.fermata.HoldMusic1.control"
#define BUS_ACCESS_GROUP "fermata"

/** The answer to a check. `message` is the one that was given; main loop. */
typedef void bus_access_func(void *user, DBusMessage *message, bool allowed);

/** References the connection. Looks the group up once; a machine without it is logged. Returns 0
 * or -ENOMEM. */
int bus_access_new(DBusConnection *connection, bus_access_func *then, void *user,
                   struct bus_access **ret_access);
/** Checks that are under way get no answer. */
void bus_access_free(struct bus_access *access);

/** Whether anybody may call this: it only reads. */
bool bus_access_is_free(DBusMessage *message);

/** Finds out whether the sender may call this, and tells `then`. References the message. Returns 0
 * or -ENOMEM. */
int bus_access_check(struct bus_access *access, DBusMessage *message);

#endif
