// SPDX-License-Identifier: MIT
#include "client/remote_private.h"

/** The daemon's answer is not what was expected. */
static enum ending wonder(struct remote *remote, const char *what)
{
    return remote_fail(
        remote, ENDING_UNREACHABLE,
        "fermatad answered without %s; is it of the same version? See: fermatactl version", what);
}

enum ending remote_continue(struct remote *remote, const void *midi, size_t size,
                            uint32_t *ret_notes, double *ret_seconds)
{
    DBusMessage *reply = NULL;
    DBusMessage *message = dbus_message_new_method_call(NAME, remote->path, CHANNEL, "Continue");
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &midi, (int)size,
                                 DBUS_TYPE_INVALID);
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending != ENDING_OK)
        return ending;
    dbus_uint32_t notes = 0;
    double seconds = 0;
    if (dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &notes, DBUS_TYPE_DOUBLE, &seconds,
                              DBUS_TYPE_INVALID)) {
        *ret_notes = notes;
        *ret_seconds = seconds;
    } else {
        ending = wonder(remote, "the length of the phrase");
    }
    dbus_message_unref(reply);
    return ending;
}

enum ending remote_announce(struct remote *remote, int fd, uint32_t every, double *ret_seconds)
{
    DBusMessage *reply = NULL;
    DBusMessage *message = dbus_message_new_method_call(NAME, remote->path, CHANNEL, "Announce");
    dbus_uint32_t seconds = every;
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_UINT32, &seconds,
                                 DBUS_TYPE_INVALID);
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending != ENDING_OK)
        return ending;
    if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_DOUBLE, ret_seconds, DBUS_TYPE_INVALID))
        ending = wonder(remote, "the length of the announcement");
    dbus_message_unref(reply);
    return ending;
}

enum ending remote_keep(struct remote *remote, double seconds, const char *ending, int *ret_fd,
                        double *ret_length)
{
    DBusMessage *reply = NULL;
    if (!dbus_validate_utf8(ending, NULL))
        return remote_fail(remote, ENDING_REFUSED, "the ending of the file's name is not UTF-8");
    DBusMessage *message = dbus_message_new_method_call(NAME, remote->path, CHANNEL, "Keep");
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_DOUBLE, &seconds, DBUS_TYPE_STRING, &ending,
                                 DBUS_TYPE_INVALID);
    enum ending result = remote_ask(remote, message, &reply);
    if (result != ENDING_OK)
        return result;
    if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UNIX_FD, ret_fd, DBUS_TYPE_DOUBLE, ret_length,
                               DBUS_TYPE_INVALID))
        result = wonder(remote, "a file");
    dbus_message_unref(reply);
    return result;
}

/** Asks for a descriptor; `what` it is of, for the case that there is none. */
static enum ending ask_fd(struct remote *remote, DBusMessage *message, const char *what,
                          int *ret_fd)
{
    DBusMessage *reply = NULL;
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending != ENDING_OK)
        return ending;
    int fd;
    if (dbus_message_get_args(reply, NULL, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID))
        *ret_fd = fd;
    else
        ending = wonder(remote, what);
    dbus_message_unref(reply);
    return ending;
}

enum ending remote_open_pipe(struct remote *remote, const char *format, uint32_t rate,
                             uint32_t channels, uint32_t ahead_ms, int *ret_fd)
{
    DBusMessage *message =
        dbus_message_new_method_call(NAME, remote->path, CHANNEL, "OpenPipeAhead");
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_STRING, &format, DBUS_TYPE_UINT32, &rate,
                                 DBUS_TYPE_UINT32, &channels, DBUS_TYPE_UINT32, &ahead_ms,
                                 DBUS_TYPE_INVALID);
    return ask_fd(remote, message, "a pipe", ret_fd);
}

enum ending remote_open_feed(struct remote *remote, int *ret_fd)
{
    return ask_fd(remote, dbus_message_new_method_call(NAME, remote->path, CHANNEL, "OpenFeed"),
                  "a feed", ret_fd);
}
