// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_MPRIS_H
#define FERMATA_CONTROL_MPRIS_H

#include <stdbool.h>

#include <dbus/dbus.h>

#include "control/bus_object.h"

/**
 * mpris: the channel "main" as a media player of the desktop (MPRIS 2.2), so that media keys, lock
 * screens and playerctl steer it. An object of bus_object's tables under a name and a path of its
 * own, on the connection that bus.c keeps. Main thread.
 *
 * An endless stream is told as one: it cannot be sought, has no length, and its next track is a new
 * piece. To stop is to pause: the place is kept.
 */
#define MPRIS_NAME "org.mpris.MediaPlayer2.fermata"
#define MPRIS_PATH "/org/mpris/MediaPlayer2"

extern const struct bus_interface bus_mpris_interface;
extern const struct bus_interface bus_mpris_player_interface;

/** Takes the name on a connection; logs where another program has it. False: it is not ours. */
bool mpris_take_name(DBusConnection *connection);

/** The PropertiesChanged signal for a property ("State") of the channel main that has changed; NULL
 * where that is nothing to a media player, or memory is short. */
DBusMessage *mpris_changed(const struct bus_object *main, const char *property);

#endif
