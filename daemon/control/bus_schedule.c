// SPDX-License-Identifier: MIT
// Schedule, AddSchedule and RemoveSchedule of a channel.
#include "control/bus_object.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "control/channel.h"
#include "control/manager.h"
#include "control/schedule.h"

void bus_get_schedule(const struct bus_object *object, DBusMessageIter *iter)
{
    const struct schedule *schedule =
        manager_schedule(object->manager, channel_name(object->channel));
    time_t now = time(NULL);
    DBusMessageIter array, item;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "(st)", &array);
    for (size_t i = 0; i < schedule->count; i++) {
        dbus_uint64_t next = (dbus_uint64_t)schedule_next(&schedule->entries[i], now);
        dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &item);
        bus_append_string(&item, schedule->entries[i].text);
        dbus_message_iter_append_basic(&item, DBUS_TYPE_UINT64, &next);
        dbus_message_iter_close_container(&array, &item);
    }
    dbus_message_iter_close_container(iter, &array);
}

static const char *read_entry(DBusMessage *message)
{
    const char *text;
    DBusMessageIter iter;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_get_basic(&iter, &text);
    return text;
}

/** Looks for names in an entry that are not there. */
struct check {
    const struct bus_object *object;
    DBusError *error;
};

static void check_name(void *user, const char *key, const char *value)
{
    const struct check *check = user;
    const char *const *names = NULL;
    size_t count = 0;
    if (!strcmp(key, "composer"))
        count = manager_composers(check->object->manager, &names);
    else if (!strcmp(key, "net"))
        count = manager_nets(check->object->manager, &names);
    else
        return;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], value))
            return;
    if (dbus_error_is_set(check->error))
        return;
    if (!strcmp(key, "net")) {
        bus_refuse_net(check->object, value, check->error);
        return;
    }
    char values[512], quoted[BUS_QUOTE_ROOM];
    bus_list(names, count, values, sizeof values);
    dbus_set_error(check->error, BUS_ERROR_UNKNOWN_COMPOSER,
                   "no composer \"%s\" here; there are: %s", bus_quote(value, quoted), values);
}

/** What is well said, and makes no sense here. */
static void check_sense(const struct bus_object *object, const char *text, DBusError *error)
{
    struct schedule schedule = {0};
    const char *why;
    char quoted[BUS_QUOTE_ROOM];
    struct check check = {object, error};
    if (schedule_add(&schedule, text, &why) == 0) {
        schedule_act(&schedule.entries[0], check_name, &check);
        if (!dbus_error_is_set(error) && !schedule_next(&schedule.entries[0], time(NULL)))
            dbus_set_error(error, BUS_ERROR_BAD_SCHEDULE,
                           "\"%s\" never strikes: that day has been, or is in no calendar",
                           bus_quote(text, quoted));
    }
    schedule_finish(&schedule);
}

void bus_add_schedule(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                      DBusError *error)
{
    const char *text = read_entry(message);
    const char *why = "cannot be kept: out of memory";
    char quoted[BUS_QUOTE_ROOM];
    check_sense(object, text, error);
    if (!dbus_error_is_set(error) &&
        manager_add_schedule(object->manager, channel_name(object->channel), text, &why) < 0)
        dbus_set_error(error, BUS_ERROR_BAD_SCHEDULE, "\"%s\": it %s", bus_quote(text, quoted),
                       why);
}

void bus_remove_schedule(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                         DBusError *error)
{
    const char *text = read_entry(message);
    char quoted[BUS_QUOTE_ROOM];
    if (manager_remove_schedule(object->manager, channel_name(object->channel), text) < 0)
        dbus_set_error(error, BUS_ERROR_UNKNOWN_ENTRY,
                       "channel %s has no entry \"%s\"; fermatactl schedule lists those it has",
                       channel_name(object->channel), bus_quote(text, quoted));
}
