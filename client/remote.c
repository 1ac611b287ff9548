// SPDX-License-Identifier: MIT
#include "client/remote_private.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int remote_new(const char *channel, enum remote_bus bus, struct remote **ret_remote)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    remote->channel = channel;
    remote->bus = bus;
    // As sd_bus_path_encode(): a path has but letters, digits and underscores.
    size_t at = (size_t)sprintf(remote->path, "%s/channel/", ROOT);
    for (const char *c = channel; *c && at + 4 < sizeof(remote->path); c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9' && c != channel);
        at += (size_t)sprintf(remote->path + at, plain ? "%c" : "_%02x", (unsigned char)*c);
    }
    if (!*channel)
        strcat(remote->path, "_");
    *ret_remote = remote;
    return 0;
}

static void disconnect(struct remote *remote)
{
    if (!remote->connection)
        return;
    dbus_connection_close(remote->connection);
    dbus_connection_unref(remote->connection);
    remote->connection = NULL;
    remote->answered = false;
}

void remote_free(struct remote *remote)
{
    if (!remote)
        return;
    disconnect(remote);
    free(remote);
}

void remote_do_not_start(struct remote *remote)
{
    remote->no_start = true;
}

const char *remote_why(const struct remote *remote)
{
    return remote->why;
}

enum ending remote_fail(struct remote *remote, enum ending ending, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(remote->why, sizeof(remote->why), format, arguments);
    va_end(arguments);
    return ending;
}

/** Connects to the bus named; what is wrong is kept as the reason. */
static enum ending open_bus(struct remote *remote, enum remote_bus bus)
{
    // libdbus would start a bus of its own (autolaunch), where no daemon is and nobody ends it.
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[512];
    snprintf(path, sizeof(path), "%s/bus", runtime ? runtime : "");
    if (bus == REMOTE_SESSION && !getenv("DBUS_SESSION_BUS_ADDRESS") &&
        (!runtime || access(path, F_OK) < 0))
        return remote_fail(
            remote, ENDING_UNREACHABLE,
            "there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set and "
            "$XDG_RUNTIME_DIR/bus is not there. Use it from within your login session, or "
            "begin one with: dbus-run-session sh");

    DBusError error = DBUS_ERROR_INIT;
    remote->connection =
        dbus_bus_get_private(bus == REMOTE_SYSTEM ? DBUS_BUS_SYSTEM : DBUS_BUS_SESSION, &error);
    if (!remote->connection) {
        if (bus == REMOTE_SYSTEM)
            remote_fail(remote, ENDING_UNREACHABLE,
                        "cannot reach the system bus: %s. Is dbus running (systemctl status dbus)?",
                        error.message);
        else
            remote_fail(
                remote, ENDING_UNREACHABLE,
                "cannot reach the session bus: %s. Is DBUS_SESSION_BUS_ADDRESS that of a running "
                "bus?",
                error.message);
        dbus_error_free(&error);
        return ENDING_UNREACHABLE;
    }
    dbus_connection_set_exit_on_disconnect(remote->connection, FALSE);
    return ENDING_OK;
}

/** Whether the daemon runs there; or, where `can_start`, whether the bus can start it. */
static bool is_there(DBusConnection *connection, bool can_start)
{
    if (!can_start)
        return dbus_bus_name_has_owner(connection, NAME, NULL);
    bool found = false;
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "ListActivatableNames");
    DBusMessage *reply =
        call ? dbus_connection_send_with_reply_and_block(connection, call, ANSWER_MS, NULL) : NULL;
    char **names = NULL;
    int count = 0;
    if (reply && dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names,
                                       &count, DBUS_TYPE_INVALID)) {
        for (int i = 0; i < count; i++)
            found = found || !strcmp(names[i], NAME);
        dbus_free_string_array(names);
    }
    if (reply)
        dbus_message_unref(reply);
    if (call)
        dbus_message_unref(call);
    return found;
}

/** Connects to that bus where the daemon is; true if so. */
static bool try_bus(struct remote *remote, enum remote_bus bus, bool can_start)
{
    if (open_bus(remote, bus) != ENDING_OK)
        return false;
    if (is_there(remote->connection, can_start)) {
        remote->bus = bus;
        return true;
    }
    disconnect(remote);
    return false;
}

static enum ending connect_bus(struct remote *remote)
{
    if (remote->connection && dbus_connection_get_is_connected(remote->connection))
        return ENDING_OK;
    disconnect(remote);
    if (remote->bus != REMOTE_ANY)
        return open_bus(remote, remote->bus);
    for (int can_start = 0; can_start <= 1; can_start++)
        if (try_bus(remote, REMOTE_SESSION, can_start) || try_bus(remote, REMOTE_SYSTEM, can_start))
            return ENDING_OK;
    return open_bus(remote, REMOTE_SESSION);
}

/** What a person has to do who may not. */
static enum ending explain_denied(struct remote *remote)
{
    const struct passwd *user = getpwuid(getuid());
    return remote_fail(
        remote, ENDING_REFUSED,
        "only root and the group fermata control the machine's instance. As root: adduser "
        "%s fermata; then log in anew (and `fermatactl --user` is for your own instance)",
        user ? user->pw_name : "USER");
}

static enum ending explain(struct remote *remote, const DBusError *error)
{
    // The last is systemd's, of a unit that is not enabled.
    static const char *const absent[] = {DBUS_ERROR_SERVICE_UNKNOWN, DBUS_ERROR_NAME_HAS_NO_OWNER,
                                         "org.freedesktop.systemd1.NoSuchUnit"};
    static const char *const silent[] = {DBUS_ERROR_NO_REPLY, DBUS_ERROR_TIMEOUT,
                                         DBUS_ERROR_DISCONNECTED, DBUS_ERROR_NO_SERVER};
    static const char spawn[] = "org.freedesktop.DBus.Error.Spawn.";
    const char *user = remote->bus == REMOTE_SYSTEM ? "" : "--user ";

    if (remote->bus == REMOTE_SYSTEM && !strcmp(error->name, DBUS_ERROR_ACCESS_DENIED))
        return explain_denied(remote);

    for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
        if (!strcmp(error->name, absent[i]))
            return remote_fail(
                remote, ENDING_UNREACHABLE,
                "fermatad is not running, and the bus does not know how to start it. Start "
                "it with: systemctl %sstart fermata (or run: fermatad%s)",
                user, *user ? "" : " --system");
    if (!strncmp(error->name, spawn, sizeof(spawn) - 1) ||
        !strcmp(error->name, DBUS_ERROR_TIMED_OUT))
        return remote_fail(remote, ENDING_UNREACHABLE,
                           "the bus could not start fermatad: %s. See: journalctl %s-u fermata",
                           error->message, user);
    for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
        if (!strcmp(error->name, silent[i]))
            return remote_fail(remote, ENDING_UNREACHABLE,
                               "fermatad does not answer: %s. See: systemctl %sstatus fermata",
                               error->message, user);
    if (!strcmp(error->name, DBUS_ERROR_UNKNOWN_OBJECT))
        return remote_fail(remote, ENDING_REFUSED,
                           "there is no channel \"%s\"; fermatactl status lists those there are",
                           remote->channel);
    return remote_fail(remote, ENDING_REFUSED, "%s", error->message);
}

enum ending remote_ask(struct remote *remote, DBusMessage *message, DBusMessage **ret_reply)
{
    if (!message)
        return remote_fail(remote, ENDING_UNREACHABLE, "out of memory");
    enum ending ending = connect_bus(remote);
    if (ending == ENDING_OK) {
        DBusError error = DBUS_ERROR_INIT;
        dbus_message_set_auto_start(message, !remote->no_start);
        DBusMessage *reply = dbus_connection_send_with_reply_and_block(
            remote->connection, message, remote->answered ? ANSWER_MS : ACTIVATION_MS, &error);
        if (reply) {
            remote->answered = true;
            *ret_reply = reply;
        } else {
            ending = explain(remote, &error);
            dbus_error_free(&error);
        }
    }
    dbus_message_unref(message);
    return ending;
}

enum ending remote_status(struct remote *remote, struct status *ret_status)
{
    struct status status = {.channel_count = 0};
    static const char interface[] = NAME ".Manager";
    const char *argument = interface;
    DBusMessage *reply = NULL;
    DBusMessageIter iter;

    DBusMessage *message =
        dbus_message_new_method_call(NAME, ROOT, DBUS_INTERFACE_PROPERTIES, "GetAll");
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending != ENDING_OK)
        return ending;
    dbus_message_iter_init(reply, &iter);
    status_read_manager(&status, &iter);
    dbus_message_unref(reply);

    ending = remote_ask(remote,
                        dbus_message_new_method_call(
                            NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
                        &reply);
    if (ending != ENDING_OK)
        return ending;
    dbus_message_iter_init(reply, &iter);
    status_read_channels(&status, &iter);
    dbus_message_unref(reply);

    if (!status_channel(&status, remote->channel)) {
        remote_fail(remote, ENDING_REFUSED,
                    "there is no channel \"%s\"; there are:", remote->channel);
        for (size_t i = 0; i < status.channel_count; i++) {
            size_t length = strlen(remote->why);
            snprintf(remote->why + length, sizeof(remote->why) - length, "%s %s", i ? "," : "",
                     status.channels[i].name);
        }
        return ENDING_REFUSED;
    }
    *ret_status = status;
    return ENDING_OK;
}

enum ending remote_call(struct remote *remote, const char *method)
{
    DBusMessage *reply = NULL;
    enum ending ending = remote_ask(
        remote, dbus_message_new_method_call(NAME, remote->path, CHANNEL, method), &reply);
    if (ending == ENDING_OK)
        dbus_message_unref(reply);
    return ending;
}

static enum ending set(struct remote *remote, const char *property, const char *type,
                       const void *value)
{
    static const char interface[] = CHANNEL;
    const char *argument = interface;
    DBusMessage *reply = NULL;
    DBusMessage *message =
        dbus_message_new_method_call(NAME, remote->path, DBUS_INTERFACE_PROPERTIES, "Set");
    if (message) {
        DBusMessageIter iter, variant;
        dbus_message_iter_init_append(message, &iter);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &argument);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &property);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, type, &variant);
        dbus_message_iter_append_basic(&variant, *type, value);
        dbus_message_iter_close_container(&iter, &variant);
    }
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending == ENDING_OK)
        dbus_message_unref(reply);
    return ending;
}

enum ending remote_set_text(struct remote *remote, const char *property, const char *value)
{
    // libdbus aborts on it, so the daemon is not even asked.
    if (!dbus_validate_utf8(value, NULL))
        return remote_fail(remote, ENDING_REFUSED, "the value for %s is not UTF-8", property);
    return set(remote, property, "s", &value);
}

enum ending remote_set_number(struct remote *remote, const char *property, double value)
{
    return set(remote, property, "d", &value);
}

enum ending remote_set_seconds(struct remote *remote, const char *property, uint32_t value)
{
    return set(remote, property, "u", &value);
}

enum ending remote_set_switch(struct remote *remote, const char *property, bool value)
{
    dbus_bool_t truth = value;
    return set(remote, property, "b", &truth);
}
