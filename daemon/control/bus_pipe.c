// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/channel.h"
#include "control/rival.h"

/** What OpenPipe keeps in the pipe for a reader that says nothing about it. */
#define AHEAD_MS 200

static void refuse(const struct bus_object *object, const struct channel_pipe *pipe, int r,
                   DBusError *error)
{
    char quoted[BUS_QUOTE_ROOM];
    if (r == -ENOENT)
        dbus_set_error(error, BUS_ERROR_UNKNOWN_FORMAT, "no format \"%s\" here; there are: %s",
                       bus_quote(pipe->format, quoted), CHANNEL_FORMATS);
    else if (r == -ERANGE)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE,
                       "a pipe cannot have %u Hz, %u channels and %u ms ahead; it takes 8000 to "
                       "48000 Hz (a multiple of 25), 1 or 2 channels (g722: 16000 Hz, 1) and 40 to "
                       "1000 ms",
                       pipe->rate, pipe->channels, pipe->ahead_ms);
    else if (r == -EMFILE)
        dbus_set_error(error, BUS_ERROR_TOO_MANY_PIPES,
                       "channel %s has %d pipes already; close one of them first",
                       channel_name(object->channel), CHANNEL_PIPES);
    else
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot make a pipe: %s", strerror(-r));
}

static void open_pipe(const struct bus_object *object, const struct channel_pipe *pipe,
                      DBusMessage *reply, DBusError *error)
{
    int fd;
    int r = channel_open_pipe(object->channel, pipe, &fd);
    if (r < 0) {
        refuse(object, pipe, r, error);
        return;
    }
    if (!dbus_message_append_args(reply, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID))
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
    close(fd); // the message has a duplicate
}

void bus_open_pipe(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                   DBusError *error)
{
    struct channel_pipe pipe = {.ahead_ms = AHEAD_MS};
    if (dbus_message_get_args(message, error, DBUS_TYPE_STRING, &pipe.format, DBUS_TYPE_UINT32,
                              &pipe.rate, DBUS_TYPE_UINT32, &pipe.channels, DBUS_TYPE_INVALID))
        open_pipe(object, &pipe, reply, error);
}

void bus_open_pipe_ahead(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                         DBusError *error)
{
    struct channel_pipe pipe = {0};
    if (dbus_message_get_args(message, error, DBUS_TYPE_STRING, &pipe.format, DBUS_TYPE_UINT32,
                              &pipe.rate, DBUS_TYPE_UINT32, &pipe.channels, DBUS_TYPE_UINT32,
                              &pipe.ahead_ms, DBUS_TYPE_INVALID))
        open_pipe(object, &pipe, reply, error);
}

void bus_get_rtp(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_rtp(object->channel));
}

void bus_refuse_rival(const struct channel *rival, const char *rtp, DBusError *error)
{
    dbus_set_error(
        error, BUS_ERROR_BAD_ADDRESS,
        "channel %s sends to %s, and a second one at %s would make a noise of both; keep 2 "
        "ports away from it, or take another address",
        channel_name(rival), channel_rtp(rival), rtp);
}

void bus_set_rtp(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    char quoted[BUS_QUOTE_ROOM];
    const char *why = "";
    const struct channel *rival =
        rival_find(object->manager, channel_name(object->channel), value->str);
    if (rival) {
        bus_refuse_rival(rival, value->str, error);
        return;
    }
    int r = channel_set_rtp(object->channel, value->str, &why);
    if (r == -EINVAL)
        dbus_set_error(error, BUS_ERROR_BAD_ADDRESS, "Rtp \"%s\" %s", bus_quote(value->str, quoted),
                       why);
    else if (r == -EAFNOSUPPORT)
        dbus_set_error(error, DBUS_ERROR_FAILED,
                       "the unit may not use the network, which RTP takes: systemctl --user edit "
                       "fermata, and there: [Service] RestrictAddressFamilies=AF_INET");
    else if (r < 0)
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot send RTP to %s: %s",
                       bus_quote(value->str, quoted), strerror(-r));
}
