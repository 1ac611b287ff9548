// SPDX-License-Identifier: MIT
// What a channel is in the PipeWire graph, on the bus.
#include "control/bus_object.h"

#include <errno.h>
#include <string.h>

#include "control/channel.h"

void bus_get_output(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_output(object->channel));
}

void bus_set_output(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    int r = channel_set_output(object->channel, value->str);
    char quoted[BUS_QUOTE_ROOM];
    if (r == -ENOENT)
        dbus_set_error(error, BUS_ERROR_UNKNOWN_OUTPUT,
                       "no output \"%s\" here; there are: stream, source",
                       bus_quote(value->str, quoted));
    else if (r < 0)
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot set the output to \"%s\": %s",
                       bus_quote(value->str, quoted), strerror(-r));
}

void bus_get_target(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_target(object->channel));
}

void bus_set_target(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    int r = channel_set_target(object->channel, value->str);
    char quoted[BUS_QUOTE_ROOM];
    if (r == -EINVAL)
        dbus_set_error(
            error, BUS_ERROR_OUT_OF_RANGE,
            "Target cannot be \"%s\"; it takes the node.name of a PipeWire sink (pactl "
            "list short sinks tells them), one line of at most 175 bytes with no space around "
            "it and no \" ;\" in it, or nothing for the default one",
            bus_quote(value->str, quoted));
    else if (r < 0)
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot set the target to \"%s\": %s",
                       bus_quote(value->str, quoted), strerror(-r));
}
