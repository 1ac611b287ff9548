// SPDX-License-Identifier: MIT
#include "control/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <time.h>

#include <dbus/dbus.h>
#include <pipewire/pipewire.h>
#include <spa/support/dbus.h>
#include <spa/utils/hook.h>

#include "control/bus_access.h"
#include "control/bus_object.h"
#include "control/manager.h"
#include "control/mpris.h"
#include "log.h"

#define RETRY_FIRST 2 // seconds
#define RETRY_LONGEST 10
/** A daemon that has crashed may own the name until a busy bus has noticed: so its successor asks
 * again for a while before it gives way to what seems to be another one. */
#define PREDECESSOR_TRIES 20
#define PREDECESSOR_US 250000
/** Where it listens unless the environment says otherwise (D-Bus specification, "Well-known Message
 * Bus Instances"). */
#define SYSTEM_BUS "unix:path=/var/run/dbus/system_bus_socket"

struct bus {
    struct pw_loop *loop;
    struct manager *manager;
    bool system; ///< the system bus, not the session bus
    const char *name;
    struct bus_access *access; ///< NULL: whoever can call may do everything
    struct spa_dbus_connection *wrapper;
    struct spa_hook hook;
    struct spa_source *retry;
    time_t retry_seconds;
    DBusConnection *connection; ///< our reference; NULL while there is no bus
    bool owner;                 ///< the name is ours
    bool player;                ///< and that of a media player
    bool complained;            ///< of the present trouble, in the log
};

/** False: memory is short. */
static bool answer(struct bus *bus, DBusMessage *message, DBusMessage *reply)
{
    DBusConnection *connection = bus->connection;
    if (!reply)
        return false;
    if (connection && !dbus_message_get_no_reply(message)) {
        // libdbus aborts where a message carries descriptors over a transport that cannot.
        if (dbus_message_contains_unix_fds(reply) &&
            !dbus_connection_can_send_type(connection, DBUS_TYPE_UNIX_FD)) {
            dbus_message_unref(reply);
            reply = dbus_message_new_error(message, DBUS_ERROR_NOT_SUPPORTED,
                                           "this bus cannot pass file descriptors");
        }
        if (reply)
            dbus_connection_send(connection, reply, NULL);
    }
    if (reply)
        dbus_message_unref(reply);
    return true;
}

static void on_access(void *user, DBusMessage *message, bool allowed)
{
    struct bus *bus = user;
    answer(bus, message,
           allowed ? bus_object_call(bus->manager, message)
                   : dbus_message_new_error(message, DBUS_ERROR_ACCESS_DENIED,
                                            "only root and the group " BUS_ACCESS_GROUP
                                            " may do this; as root: adduser USER " BUS_ACCESS_GROUP
                                            ", then log in anew"));
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *user)
{
    struct bus *bus = user;
    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    bool good = bus->access && !bus_access_is_free(message)
                    ? bus_access_check(bus->access, message) == 0
                    : answer(bus, message, bus_object_call(bus->manager, message));
    return good ? DBUS_HANDLER_RESULT_HANDLED : DBUS_HANDLER_RESULT_NEED_MEMORY;
}

/** Sends a signal, which may be NULL, and lets go of it. */
static void send_signal(struct bus *bus, DBusMessage *signal)
{
    if (!signal)
        return;
    dbus_connection_send(bus->connection, signal, NULL);
    dbus_message_unref(signal);
}

static void on_changed(void *user, struct channel *channel, const char *property)
{
    struct bus *bus = user;
    if (!bus->connection)
        return;
    struct bus_object object = bus_object_of(bus->manager, channel);
    send_signal(bus, bus_property_changed(&object, property));
    struct bus_object player;
    if (bus->player && bus_object_of_player(bus->manager, &player) == 0 &&
        player.channel == channel)
        send_signal(bus, mpris_changed(&player, property));
}

static void announce(struct bus *bus, struct channel *channel, bool added)
{
    if (!bus->connection)
        return;
    struct bus_object object = bus_object_of(bus->manager, channel);
    DBusMessage *signal = bus_object_announced(&object, added);
    if (!signal)
        return;
    dbus_connection_send(bus->connection, signal, NULL);
    dbus_message_unref(signal);
}

static void on_added(void *user, struct channel *channel)
{
    announce(user, channel, true);
}

static void on_removed(void *user, struct channel *channel)
{
    announce(user, channel, false);
}

static void schedule_retry(struct bus *bus)
{
    struct timespec wait = {.tv_sec = bus->retry_seconds};
    bus->retry_seconds = SPA_MIN(bus->retry_seconds * 2, RETRY_LONGEST);
    pw_loop_update_timer(bus->loop, bus->retry, &wait, NULL, false);
}

static void forget_connection(struct bus *bus)
{
    if (!bus->connection)
        return;
    bus_access_free(bus->access);
    bus->access = NULL;
    dbus_connection_unregister_object_path(bus->connection, BUS_PATH);
    if (!bus->system)
        dbus_connection_unregister_object_path(bus->connection, MPRIS_PATH);
    dbus_connection_unref(bus->connection);
    bus->connection = NULL;
    bus->owner = bus->player = false;
}

static void on_disconnected(void *user)
{
    struct bus *bus = user;
    forget_connection(bus);
    log_notice("the %s bus is gone; the music goes on, and the bus is tried again", bus->name);
    bus->complained = true;
    bus->retry_seconds = RETRY_FIRST;
    schedule_retry(bus);
}

bool bus_answers(enum bus_which which)
{
    bool system = which == BUS_SYSTEM;
    const char *address = getenv(system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS");
    char *made = NULL;
    if (system && (!address || !*address))
        address = SYSTEM_BUS;
    if (!address || !*address) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        char path[512];
        struct stat st;
        if (!runtime || snprintf(path, sizeof(path), "%s/bus", runtime) >= (int)sizeof(path) ||
            stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
            return false;
        char *escaped = dbus_address_escape_value(path);
        if (!escaped || asprintf(&made, "unix:path=%s", escaped) < 0)
            made = NULL;
        dbus_free(escaped);
        if (!made)
            return false;
        address = made;
    }
    DBusConnection *probe = dbus_connection_open_private(address, NULL);
    if (probe) {
        dbus_connection_close(probe);
        dbus_connection_unref(probe);
    }
    free(made);
    return probe != NULL;
}

/** Returns 0, -ECONNREFUSED (no bus), -EEXIST (another owner) or -errno; logs nothing. */
static int connect_bus(struct bus *bus)
{
    if (!bus->connection) {
        if (!bus_answers(bus->system ? BUS_SYSTEM : BUS_SESSION))
            return -ECONNREFUSED;
        DBusConnection *connection = spa_dbus_connection_get(bus->wrapper);
        if (!connection)
            return -ECONNREFUSED;
        static const DBusObjectPathVTable table = {.message_function = on_message};
        if (!dbus_connection_try_register_fallback(connection, BUS_PATH, &table, bus, NULL))
            return -ENOMEM;
        bus->connection = dbus_connection_ref(connection);
        if (!bus->system &&
            !dbus_connection_try_register_object_path(connection, MPRIS_PATH, &table, bus, NULL)) {
            forget_connection(bus);
            return -ENOMEM;
        }
        if (bus->system && bus_access_new(connection, on_access, bus, &bus->access) < 0) {
            forget_connection(bus);
            return -ENOMEM;
        }
    }
    // Without the name there is no queueing either: a second daemon would play over the first.
    DBusError error = DBUS_ERROR_INIT;
    int r = dbus_bus_request_name(bus->connection, BUS_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, &error);
    bool refused = dbus_error_has_name(&error, DBUS_ERROR_ACCESS_DENIED);
    dbus_error_free(&error);
    if (r == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER || r == DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER) {
        bus->owner = true;
        bus->player = !bus->system && mpris_take_name(bus->connection);
        bus->complained = false;
        bus->retry_seconds = RETRY_FIRST;
        log_info("on the %s bus as %s", bus->name, BUS_NAME);
        return 0;
    }
    return r == DBUS_REQUEST_NAME_REPLY_EXISTS ? -EEXIST : refused ? -EACCES : -EIO;
}

static void complain(struct bus *bus, int r)
{
    if (bus->complained)
        return;
    bus->complained = true;
    if (r == -ECONNREFUSED && bus->system)
        log_notice("no system bus (" SYSTEM_BUS "); the music plays without remote control, and "
                   "the bus is tried again every %d s",
                   RETRY_LONGEST);
    else if (r == -EACCES && bus->system)
        log_warning("the system bus does not let this user own %s: only the user fermata may, by "
                    "dbus-1/system.d/org.fermata.HoldMusic1.conf; start it with: systemctl start "
                    "fermata. Tried again every %d s",
                    BUS_NAME, RETRY_LONGEST);
    else if (r == -ECONNREFUSED)
        log_notice("no session bus (DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus); the music "
                   "plays without remote control, and the bus is tried again every %d s",
                   RETRY_LONGEST);
    else if (r == -EEXIST)
        log_warning("another program owns %s on this bus; stop it (systemctl%s stop fermata) to "
                    "control this one; the name is asked for again every %d s",
                    BUS_NAME, bus->system ? "" : " --user", RETRY_LONGEST);
    else
        log_warning("cannot take the name %s on the %s bus: %s; tried again every %d s", BUS_NAME,
                    bus->name, strerror(-r), RETRY_LONGEST);
}

static void on_retry(void *user, uint64_t expirations)
{
    struct bus *bus = user;
    int r = connect_bus(bus);
    if (r < 0) {
        complain(bus, r);
        schedule_retry(bus);
    }
}

static const struct spa_dbus_connection_events connection_events = {
    SPA_VERSION_DBUS_CONNECTION_EVENTS,
    .disconnected = on_disconnected,
};

int bus_new(struct pw_loop *loop, struct pw_context *context, struct manager *manager,
            enum bus_which which, struct bus **ret_bus)
{
    uint32_t count;
    const struct spa_support *support = pw_context_get_support(context, &count);
    struct spa_dbus *dbus = spa_support_find(support, count, SPA_TYPE_INTERFACE_DBus);
    if (!dbus) {
        log_error("cannot load SPA's support.dbus; is libspa-0.2-modules installed?");
        return -ENOENT;
    }

    struct bus *bus = calloc(1, sizeof(*bus));
    if (!bus)
        return -ENOMEM;
    bus->loop = loop;
    bus->manager = manager;
    bus->system = which == BUS_SYSTEM;
    bus->name = bus->system ? "system" : "session";
    bus->retry_seconds = RETRY_FIRST;
    bus->retry = pw_loop_add_timer(loop, on_retry, bus);
    bus->wrapper =
        spa_dbus_get_connection(dbus, bus->system ? SPA_DBUS_TYPE_SYSTEM : SPA_DBUS_TYPE_SESSION);
    if (!bus->retry || !bus->wrapper) {
        bus_free(bus);
        return -ENOMEM;
    }
    spa_dbus_connection_add_listener(bus->wrapper, &bus->hook, &connection_events, bus);

    int r = connect_bus(bus);
    for (int i = 0; r == -EEXIST && i < PREDECESSOR_TRIES; i++) {
        usleep(PREDECESSOR_US);
        r = connect_bus(bus);
    }
    if (r == -EEXIST) {
        log_error("another program owns %s on this bus already; a second one would play over it; "
                  "stop that one first (systemctl%s stop fermata)",
                  BUS_NAME, bus->system ? "" : " --user");
        bus_free(bus);
        return r;
    }
    if (r < 0) {
        complain(bus, r);
        schedule_retry(bus);
    }
    manager_set_listener(manager,
                         &(struct manager_listener){on_changed, on_added, on_removed, bus});
    *ret_bus = bus;
    return 0;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    manager_set_listener(bus->manager, NULL);
    if (bus->owner)
        dbus_bus_release_name(bus->connection, BUS_NAME, NULL);
    if (bus->player)
        dbus_bus_release_name(bus->connection, MPRIS_NAME, NULL);
    if (bus->connection)
        dbus_connection_flush(bus->connection);
    forget_connection(bus);
    if (bus->wrapper) {
        if (bus->hook.link.next)
            spa_hook_remove(&bus->hook);
        spa_dbus_connection_destroy(bus->wrapper);
    }
    if (bus->retry)
        pw_loop_destroy_source(bus->loop, bus->retry);
    free(bus);
}

bool bus_is_connected(const struct bus *bus)
{
    return bus->connection && bus->owner;
}
