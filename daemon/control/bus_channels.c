// SPDX-License-Identifier: MIT
// AddChannel and RemoveChannel.
#include "control/bus_object.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/channel.h"
#include "control/manager.h"
#include "control/rival.h"
#include "control/settings.h"

/** "piece-length" for "PieceLength": the key of a property. */
static void write_key(const char *property, char *ret_key, size_t room)
{
    size_t at = 0;
    for (const char *c = property; *c && at + 2 < room; c++) {
        if (isupper((unsigned char)*c) && c != property)
            ret_key[at++] = '-';
        ret_key[at++] = (char)tolower((unsigned char)*c);
    }
    ret_key[at] = '\0';
}

/** Writes a basic value as a settings file has it; returns false where it is none. */
static bool write_value(DBusMessageIter *iter, char ret_text[SETTINGS_ROOM])
{
    DBusBasicValue value;
    int type = dbus_message_iter_get_arg_type(iter);
    if (!dbus_type_is_basic(type) || type == DBUS_TYPE_UNIX_FD)
        return false;
    dbus_message_iter_get_basic(iter, &value);
    switch (type) {
    case DBUS_TYPE_STRING:
        return snprintf(ret_text, SETTINGS_ROOM, "%s", value.str) < SETTINGS_ROOM;
    case DBUS_TYPE_DOUBLE:
        snprintf(ret_text, SETTINGS_ROOM, "%.6g", value.dbl);
        return true;
    case DBUS_TYPE_BOOLEAN:
        snprintf(ret_text, SETTINGS_ROOM, "%s", value.bool_val ? "yes" : "no");
        return true;
    case DBUS_TYPE_UINT32:
        snprintf(ret_text, SETTINGS_ROOM, "%" PRIu32, value.u32);
        return true;
    case DBUS_TYPE_INT32:
        snprintf(ret_text, SETTINGS_ROOM, "%" PRId32, value.i32);
        return true;
    case DBUS_TYPE_UINT64:
        snprintf(ret_text, SETTINGS_ROOM, "%" PRIu64, (uint64_t)value.u64);
        return true;
    default:
        return false;
    }
}

/** "Composer, Net, ..." */
static void list_keys(char *ret_text, size_t room)
{
    size_t at = 0;
    ret_text[0] = '\0';
    for (const struct settings_key *key = settings_keys; key->key && at < room; key++)
        if (key->scope != SETTINGS_DAEMON)
            at += (size_t)snprintf(ret_text + at, room - at, "%s%s", at ? ", " : "", key->key);
}

static void take_setting(struct settings *wish, const char *property, DBusMessageIter *value,
                         DBusError *error)
{
    char key[64], text[SETTINGS_ROOM], quoted[BUS_QUOTE_ROOM], other[BUS_QUOTE_ROOM];
    write_key(property, key, sizeof key);
    int index = settings_find_key(key);
    const char *why = "must be one text or number";
    if (index < 0 || settings_keys[index].scope == SETTINGS_DAEMON) {
        char keys[512];
        list_keys(keys, sizeof keys);
        dbus_set_error(error, BUS_ERROR_UNKNOWN_SETTING, "a channel has no setting %s; it has: %s",
                       bus_quote(property, quoted), keys);
        return;
    }
    text[0] = '\0';
    if (!write_value(value, text) || settings_set(wish, key, text, &why) < 0)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE, "%s cannot be \"%s\"; it %s",
                       bus_quote(property, quoted), bus_quote(text, other), why);
}

static void read_wish(DBusMessage *message, struct settings *ret_wish, DBusError *error)
{
    DBusMessageIter iter, dict, entry, value;
    const char *name, *property;
    char quoted[BUS_QUOTE_ROOM];
    settings_init(ret_wish);
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_get_basic(&iter, &name);
    if (settings_check_name(name) < 0) {
        dbus_set_error(error, BUS_ERROR_BAD_NAME,
                       "no channel can be called \"%s\"; a name is 1 to 31 of a-z, 0-9, - and _, "
                       "and begins with a letter or a digit",
                       bus_quote(name, quoted));
        return;
    }
    snprintf(ret_wish->channel, sizeof ret_wish->channel, "%s", name);
    dbus_message_iter_next(&iter);
    dbus_message_iter_recurse(&iter, &dict);
    for (;
         dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY && !dbus_error_is_set(error);
         dbus_message_iter_next(&dict)) {
        dbus_message_iter_recurse(&dict, &entry);
        dbus_message_iter_get_basic(&entry, &property);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &value);
        take_setting(ret_wish, property, &value, error);
    }
}

static void refuse(const struct bus_object *object, const struct settings *wish, int r,
                   DBusError *error)
{
    switch (r) {
    case -EEXIST:
        dbus_set_error(error, BUS_ERROR_CHANNEL_EXISTS,
                       "there is a channel \"%s\" already; give the new one another name",
                       wish->channel);
        break;
    case -EBUSY:
        dbus_set_error(error, BUS_ERROR_TOO_MANY_CHANNELS,
                       "channels that are removed still hold their places; try again in a moment");
        break;
    case -ENOSPC:
        dbus_set_error(error, BUS_ERROR_TOO_MANY_CHANNELS,
                       "there are %d channels, which is as many as there can be; remove one first",
                       MANAGER_CHANNELS);
        break;
    case -ENOENT:
        bus_refuse_net(object, wish->net, error);
        break;
    case -ENOTSUP:
        bus_refuse_composer(object, wish->net, wish->composer, error);
        break;
    default:
        dbus_set_error(error, DBUS_ERROR_FAILED,
                       "cannot make the channel \"%s\": %s; the daemon's log says more",
                       wish->channel, strerror(-r));
    }
}

void bus_add_channel(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                     DBusError *error)
{
    struct settings wish;
    struct channel *channel;
    read_wish(message, &wish, error);
    if (dbus_error_is_set(error))
        return;
    const struct channel *rival = rival_find(object->manager, wish.channel, wish.rtp);
    if (rival) {
        bus_refuse_rival(rival, wish.rtp, error);
        return;
    }
    int r = manager_add_channel(object->manager, &wish, &channel);
    if (r < 0) {
        refuse(object, &wish, r, error);
        return;
    }
    struct bus_object added = bus_object_of(object->manager, channel);
    char path[BUS_PATH_ROOM];
    const char *text = path;
    bus_object_path(&added, path);
    dbus_message_append_args(reply, DBUS_TYPE_OBJECT_PATH, &text, DBUS_TYPE_INVALID);
}

void bus_remove_channel(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                        DBusError *error)
{
    const char *name;
    char quoted[BUS_QUOTE_ROOM];
    DBusMessageIter iter;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_get_basic(&iter, &name);
    int r = manager_remove_channel(object->manager, name);
    if (r == -EPERM)
        dbus_set_error(error, BUS_ERROR_NOT_REMOVABLE,
                       "the channel \"%s\" is always there; stop it instead", name);
    else if (r < 0)
        dbus_set_error(error, BUS_ERROR_UNKNOWN_CHANNEL,
                       "there is no channel \"%s\"; fermatactl channel list shows those there are",
                       bus_quote(name, quoted));
}
