// SPDX-License-Identifier: MIT
// MPRIS D-Bus Interface Specification, version 2.2.
#include "control/mpris.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/channel.h"
#include "control/titles.h"
#include "log.h"

#define DESKTOP_ENTRY "org.fermata.HoldMusic1" // the name of the .desktop file
#define NO_TRACK "/org/mpris/MediaPlayer2/TrackList/NoTrack"

// -- values

static void append_bool(DBusMessageIter *iter, bool value)
{
    dbus_bool_t b = value;
    dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &b);
}

static void get_true(const struct bus_object *object, DBusMessageIter *iter)
{
    append_bool(iter, true);
}

static void get_false(const struct bus_object *object, DBusMessageIter *iter)
{
    append_bool(iter, false);
}

static void get_none(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_strings(iter, NULL, 0);
}

static void get_identity(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, "Fermata");
}

static void get_desktop_entry(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, DESKTOP_ENTRY);
}

static void get_playback_status(const struct bus_object *object, DBusMessageIter *iter)
{
    bool stopped = channel_state(object->channel) == CHANNEL_STOPPED;
    bool begun = *channel_title(object->channel);
    bus_append_string(iter, !stopped ? "Playing" : begun ? "Paused" : "Stopped");
}

static void get_rate(const struct bus_object *object, DBusMessageIter *iter)
{
    double rate = 1;
    dbus_message_iter_append_basic(iter, DBUS_TYPE_DOUBLE, &rate);
}

static void set_rate(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    if (value->dbl == 0) // as the specification has it
        channel_stop(object->channel);
    else if (value->dbl != 1)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE, "Rate cannot be %g; it is always 1",
                       value->dbl);
}

static void get_volume(const struct bus_object *object, DBusMessageIter *iter)
{
    double volume = channel_volume(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_DOUBLE, &volume);
}

static void set_volume(const struct bus_object *object, const DBusBasicValue *value,
                       DBusError *error)
{
    // "When setting, if a negative value is passed, the volume should be set to 0.0"; players go
    // beyond 1 in steps, and expect the most there is.
    double volume = value->dbl < 0 ? 0 : value->dbl > 1 ? 1 : value->dbl;
    if (channel_set_volume(object->channel, volume) < 0)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE, "Volume cannot be %g; it takes 0 to 1",
                       value->dbl);
}

static void get_position(const struct bus_object *object, DBusMessageIter *iter)
{
    dbus_int64_t position = (dbus_int64_t)channel_piece_position_us(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_INT64, &position);
}

// -- what is played

static void open_entry(DBusMessageIter *dict, const char *key, const char *signature,
                       DBusMessageIter *entry, DBusMessageIter *variant)
{
    dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, entry);
    dbus_message_iter_append_basic(entry, DBUS_TYPE_STRING, &key);
    dbus_message_iter_open_container(entry, DBUS_TYPE_VARIANT, signature, variant);
}

static void close_entry(DBusMessageIter *dict, DBusMessageIter *entry, DBusMessageIter *variant)
{
    dbus_message_iter_close_container(entry, variant);
    dbus_message_iter_close_container(dict, entry);
}

static void append_list(DBusMessageIter *dict, const char *key, const char *text)
{
    DBusMessageIter entry, variant;
    open_entry(dict, key, "as", &entry, &variant);
    bus_append_strings(&variant, &text, 1);
    close_entry(dict, &entry, &variant);
}

/** FNV-1a: titles are numbered, so no two in a row have the same path. */
static uint64_t hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static void get_metadata(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *title = channel_title(object->channel);
    char path[BUS_PATH_ROOM] = NO_TRACK;
    const char *track = path;
    DBusMessageIter dict, entry, variant;
    if (*title)
        snprintf(path, sizeof path, "%s/piece/%016" PRIx64, BUS_PATH, hash(title));
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    open_entry(&dict, "mpris:trackid", "o", &entry, &variant);
    dbus_message_iter_append_basic(&variant, DBUS_TYPE_OBJECT_PATH, &track);
    close_entry(&dict, &entry, &variant);
    if (*title) {
        char name[TITLES_ROOM], style[TITLES_ROOM + 32];
        titles_write_name(channel_composer(object->channel), name, sizeof name);
        snprintf(style, sizeof style, "in the style of %s", name);
        open_entry(&dict, "xesam:title", "s", &entry, &variant);
        bus_append_string(&variant, title);
        close_entry(&dict, &entry, &variant);
        // He has written none of it.
        append_list(&dict, "xesam:artist", "Fermata");
        append_list(&dict, "xesam:composer", style);
        append_list(&dict, "xesam:genre", "Piano");
    }
    dbus_message_iter_close_container(iter, &dict);
}

// -- methods

static void do_nothing(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                       DBusError *error)
{
    // The specification asks for it where CanRaise, CanQuit, CanGoPrevious or CanSeek is false.
}

static void refuse_uri(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                       DBusError *error)
{
    dbus_set_error(error, DBUS_ERROR_NOT_SUPPORTED,
                   "Fermata opens no media: it composes what it plays; to continue a MIDI file of "
                   "yours: fermatactl seed FILE");
}

static void play(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    channel_start(object->channel);
}

static void pause(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                  DBusError *error)
{
    channel_stop(object->channel);
}

static void play_pause(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                       DBusError *error)
{
    if (channel_state(object->channel) == CHANNEL_STOPPED)
        channel_start(object->channel);
    else
        channel_stop(object->channel);
}

static void next(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    channel_skip(object->channel);
}

// -- tables: the order and the words are those of org.mpris.MediaPlayer2.xml; a test compares them

static const struct bus_property properties[] = {
    {"CanQuit", "b", false, get_false, NULL},
    {"CanRaise", "b", false, get_false, NULL},
    {"HasTrackList", "b", false, get_false, NULL},
    {"Identity", "s", false, get_identity, NULL},
    {"DesktopEntry", "s", false, get_desktop_entry, NULL},
    {"SupportedUriSchemes", "as", false, get_none, NULL},
    {"SupportedMimeTypes", "as", false, get_none, NULL},
    {NULL},
};

static const struct bus_method methods[] = {
    {"Raise", "", do_nothing},
    {"Quit", "", do_nothing},
    {NULL},
};

const struct bus_interface bus_mpris_interface = {"org.mpris.MediaPlayer2", properties, methods};

static const struct bus_property player_properties[] = {
    {"PlaybackStatus", "s", true, get_playback_status, NULL},
    {"Rate", "d", false, get_rate, set_rate},
    {"Metadata", "a{sv}", true, get_metadata, NULL},
    {"Volume", "d", true, get_volume, set_volume},
    {"Position", "x", false, get_position, NULL},
    {"MinimumRate", "d", false, get_rate, NULL},
    {"MaximumRate", "d", false, get_rate, NULL},
    {"CanGoNext", "b", false, get_true, NULL},
    {"CanGoPrevious", "b", false, get_false, NULL},
    {"CanPlay", "b", false, get_true, NULL},
    {"CanPause", "b", false, get_true, NULL},
    {"CanSeek", "b", false, get_false, NULL},
    {"CanControl", "b", false, get_true, NULL},
    {NULL},
};

static const struct bus_method player_methods[] = {
    {"Next", "", next},           {"Previous", "", do_nothing},
    {"Pause", "", pause},         {"PlayPause", "", play_pause},
    {"Stop", "", pause},          {"Play", "", play},
    {"Seek", "x", do_nothing},    {"SetPosition", "ox", do_nothing},
    {"OpenUri", "s", refuse_uri}, {NULL},
};

const struct bus_interface bus_mpris_player_interface = {"org.mpris.MediaPlayer2.Player",
                                                         player_properties, player_methods};

bool mpris_take_name(DBusConnection *connection)
{
    int r = dbus_bus_request_name(connection, MPRIS_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, NULL);
    if (r == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER || r == DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER)
        return true;
    log_notice("cannot take the name %s on the session bus; media keys do not reach us",
               MPRIS_NAME);
    return false;
}

DBusMessage *mpris_changed(const struct bus_object *main, const char *property)
{
    static const char *const names[][2] = {
        {"State", "PlaybackStatus"}, {"Title", "Metadata"}, {"Volume", "Volume"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(property, names[i][0]))
            return bus_property_changed(main, names[i][1]);
    return NULL;
}
