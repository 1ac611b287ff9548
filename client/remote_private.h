// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_REMOTE_PRIVATE_H
#define FERMATA_CLIENT_REMOTE_PRIVATE_H

#include <stdbool.h>

#include <dbus/dbus.h>

#include "client/remote.h"

/**
 * remote_private: what remote.c (the connection, status and settings), remote_channels.c
 * (which channels there are, and when they change) and remote_music.c (what is music: files, sounds
 * and pipes) share.
 */

#define NAME "org.fermata.HoldMusic1"
#define ROOT "/org/fermata/HoldMusic1"
#define CHANNEL NAME ".Channel"
#define ACTIVATION_MS 30000 // loading the nets may take some seconds
#define ANSWER_MS 3000

struct remote {
    const char *channel;
    char path[256];
    enum remote_bus bus; ///< where it was found, once it was
    DBusConnection *connection;
    bool no_start; ///< a daemon that does not run is not to be started
    bool answered; ///< so the daemon runs, and answers are quick
    char why[1024];
};

/** Keeps the reason for remote_why(); returns `ending`. */
__attribute__((format(printf, 3, 4))) enum ending
remote_fail(struct remote *remote, enum ending ending, const char *format, ...);

/** Sends `message` (unreferenced here; NULL: memory was short) and waits for the answer. */
enum ending remote_ask(struct remote *remote, DBusMessage *message, DBusMessage **ret_reply);

#endif
