// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/channel.h"
#include "control/feed.h"
#include "control/keepsake.h"
#include "control/manager.h"
#include "control/opening_reader.h"
#include "music/opening.h"

// -- methods

static void start(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                  DBusError *error)
{
    channel_start(object->channel);
}

static void stop(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    channel_stop(object->channel);
}

static void skip(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    channel_skip(object->channel);
}

static void reseed(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                   DBusError *error)
{
    channel_reseed(object->channel);
}

static void continue_with(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                          DBusError *error)
{
    static struct opening opening; // of the main thread, and large
    DBusMessageIter iter, array;
    const char *bytes = NULL, *why = NULL;
    int size = 0;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_recurse(&iter, &array);
    dbus_message_iter_get_fixed_array(&array, &bytes, &size);
    if (opening_reader_read(bytes, (size_t)size, &opening, &why) < 0) {
        dbus_set_error(error, BUS_ERROR_BAD_FILE, "the file %s", why);
        return;
    }
    channel_continue(object->channel, &opening);
    dbus_uint32_t count = (dbus_uint32_t)opening.count;
    double seconds = (double)opening.length / NOTE_SECOND;
    if (!dbus_message_append_args(reply, DBUS_TYPE_UINT32, &count, DBUS_TYPE_DOUBLE, &seconds,
                                  DBUS_TYPE_INVALID))
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
}

static void keep(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    DBusMessageIter iter;
    const char *ending;
    double seconds, length = 0;
    char quoted[BUS_QUOTE_ROOM];
    int fd;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_get_basic(&iter, &seconds);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &ending);
    int r = channel_keep(object->channel, seconds, ending, &fd, &length);
    if (r == -ERANGE)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE,
                       "%g seconds cannot be kept; it takes more than 0, up to %g", seconds,
                       KEEPSAKE_LONGEST);
    else if (r == -EINVAL)
        dbus_set_error(error, BUS_ERROR_UNKNOWN_FORM,
                       "no form \"%s\" here; there are: .mid, .wav, .png, .jsonl",
                       bus_quote(ending, quoted));
    else if (r == -ENODATA)
        dbus_set_error(error, BUS_ERROR_NOTHING_PLAYED,
                       "channel %s has not played anything yet; start it first",
                       channel_name(object->channel));
    else if (r == -EBUSY)
        dbus_set_error(error, DBUS_ERROR_LIMITS_EXCEEDED,
                       "%d files are being written already; wait for one of them", KEEPSAKES);
    else if (r < 0)
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot write the last %g s: %s", seconds,
                       strerror(-r));
    if (r < 0)
        return;
    if (!dbus_message_append_args(reply, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_DOUBLE, &length,
                                  DBUS_TYPE_INVALID))
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
    close(fd); // the message has a duplicate
}

static void open_feed(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                      DBusError *error)
{
    int fd;
    int r = feed_open(channel_feed(object->channel), &fd);
    if (r == -EMFILE) {
        dbus_set_error(error, BUS_ERROR_TOO_MANY_WATCHERS,
                       "channel %s has %d watchers already; close one of them first",
                       channel_name(object->channel), FEED_WATCHERS);
        return;
    }
    if (r < 0) {
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot make a pipe for the feed: %s",
                       strerror(-r));
        return;
    }
    if (!dbus_message_append_args(reply, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID))
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
    close(fd); // the message has a duplicate
}

static void announce(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                     DBusError *error)
{
    int fd = -1;
    dbus_uint32_t every = 0;
    double seconds = 0;
    const char *why = NULL;
    if (!dbus_message_get_args(message, error, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_UINT32, &every,
                               DBUS_TYPE_INVALID))
        return;
    int r = channel_announce(object->channel, fd, every, &seconds, &why);
    close(fd);
    if (r == -ERANGE)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE,
                       "an announcement cannot be repeated every %u s; it takes 5 to 3600 s, or 0 "
                       "for once",
                       every);
    else if (r == -EBADMSG || r == -EFBIG)
        dbus_set_error(error, BUS_ERROR_BAD_FILE, "the file %s", why);
    else if (r == -ESHUTDOWN)
        dbus_set_error(
            error, BUS_ERROR_NOT_PLAYING,
            "channel %s does not play; start it first, or have the announcement repeated",
            channel_name(object->channel));
    else if (r == -EBUSY)
        dbus_set_error(error, DBUS_ERROR_LIMITS_EXCEEDED,
                       "channel %s is still reading another announcement; try again in a moment",
                       channel_name(object->channel));
    else if (r < 0)
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot announce: %s", strerror(-r));
    else if (!dbus_message_append_args(reply, DBUS_TYPE_DOUBLE, &seconds, DBUS_TYPE_INVALID))
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
}

static void stop_announcements(const struct bus_object *object, DBusMessage *message,
                               DBusMessage *reply, DBusError *error)
{
    channel_hush(object->channel);
}

static const struct bus_method methods[] = {
    {"Start", "", start},
    {"Stop", "", stop},
    {"Skip", "", skip},
    {"Reseed", "", reseed},
    {"Continue", "ay", continue_with},
    {"Keep", "ds", keep},
    {"OpenFeed", "", open_feed},
    {"Announce", "hu", announce},
    {"StopAnnouncements", "", stop_announcements},
    {"OpenPipe", "suu", bus_open_pipe},
    {"OpenPipeAhead", "suuu", bus_open_pipe_ahead},
    {"AddSchedule", "s", bus_add_schedule},
    {"RemoveSchedule", "s", bus_remove_schedule},
    {NULL},
};

// -- refusals

static void refuse_number(const char *name, double value, const char *range, int r,
                          DBusError *error)
{
    if (r == -ERANGE)
        dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE, "%s cannot be %.9g; it takes %s", name, value,
                       range);
    else
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot set %s to %g: %s", name, value,
                       strerror(-r));
}

static void refuse_name(const char *name, const char *value, const char *error_name,
                        const char *values, int r, DBusError *error)
{
    char quoted[BUS_QUOTE_ROOM];
    bus_quote(value, quoted);
    if (r == -ENOENT)
        dbus_set_error(error, error_name, "no %s \"%s\" here; there are: %s", name, quoted, values);
    else
        dbus_set_error(error, DBUS_ERROR_FAILED, "cannot set the %s to \"%s\": %s", name, quoted,
                       strerror(-r));
}

// -- properties

static void get_name(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_name(object->channel));
}

static void get_state(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_state_name(channel_state(object->channel)));
}

static void get_state_reason(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_state_reason(object->channel));
}

static void get_composer(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_composer(object->channel));
}

static void set_composer(const struct bus_object *object, const DBusBasicValue *value,
                         DBusError *error)
{
    int r = channel_set_composer(object->channel, value->str);
    if (r == 0)
        return;
    if (r == -ENOENT)
        bus_refuse_composer(object, channel_net(object->channel), value->str, error);
    else
        refuse_name("composer", value->str, BUS_ERROR_UNKNOWN_COMPOSER, "", r, error);
}

static void get_net(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_net(object->channel));
}

static void set_net(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    int r = channel_set_net(object->channel, value->str);
    if (r == -ENOTSUP) {
        bus_refuse_composer(object, value->str, channel_composer(object->channel), error);
    } else if (r < 0) {
        bus_refuse_net(object, value->str, error);
    }
}

static void get_sampling(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_sampling(object->channel));
}

static void set_sampling(const struct bus_object *object, const DBusBasicValue *value,
                         DBusError *error)
{
    int r = channel_set_sampling(object->channel, value->str);
    if (r < 0)
        refuse_name("sampling", value->str, BUS_ERROR_UNKNOWN_SAMPLING, "sample, hard", r, error);
}

static void append_double(DBusMessageIter *iter, double value)
{
    dbus_message_iter_append_basic(iter, DBUS_TYPE_DOUBLE, &value);
}

static void append_uint64(DBusMessageIter *iter, uint64_t value)
{
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &value);
}

static void get_threshold(const struct bus_object *object, DBusMessageIter *iter)
{
    append_double(iter, channel_threshold(object->channel));
}

static void set_threshold(const struct bus_object *object, const DBusBasicValue *value,
                          DBusError *error)
{
    int r = channel_set_threshold(object->channel, value->dbl);
    if (r < 0)
        refuse_number("Threshold", value->dbl, "0 to 1", r, error);
}

static void get_volume(const struct bus_object *object, DBusMessageIter *iter)
{
    append_double(iter, channel_volume(object->channel));
}

static void set_volume(const struct bus_object *object, const DBusBasicValue *value,
                       DBusError *error)
{
    int r = channel_set_volume(object->channel, value->dbl);
    if (r < 0)
        refuse_number("Volume", value->dbl, "0 to 1", r, error);
}

static void get_profile(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_profile(object->channel));
}

static void set_profile(const struct bus_object *object, const DBusBasicValue *value,
                        DBusError *error)
{
    int r = channel_set_profile(object->channel, value->str);
    if (r < 0)
        refuse_name("profile", value->str, BUS_ERROR_UNKNOWN_PROFILE, "room, telephone, raw", r,
                    error);
}

static void get_announce_every(const struct bus_object *object, DBusMessageIter *iter)
{
    dbus_uint32_t seconds = channel_announce_every(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &seconds);
}

static void get_reseed_interval(const struct bus_object *object, DBusMessageIter *iter)
{
    dbus_uint32_t seconds = channel_reseed_interval(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &seconds);
}

static void set_reseed_interval(const struct bus_object *object, const DBusBasicValue *value,
                                DBusError *error)
{
    int r = channel_set_reseed_interval(object->channel, value->u32);
    if (r < 0)
        refuse_number("ReseedInterval", value->u32, "5 to 3600 seconds, or 0 for only when needed",
                      r, error);
}

static void get_piece_length(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_piece_length(object->channel));
}

static void set_piece_length(const struct bus_object *object, const DBusBasicValue *value,
                             DBusError *error)
{
    if (channel_set_piece_length(object->channel, value->str) == 0)
        return;
    char quoted[BUS_QUOTE_ROOM];
    bus_quote(value->str, quoted);
    dbus_set_error(error, BUS_ERROR_OUT_OF_RANGE,
                   "PieceLength cannot be \"%s\"; it takes minutes from 0.5 to 60, such as 3 or "
                   "2-5, or 0 for one endless piece",
                   quoted);
}

static void get_midi(const struct bus_object *object, DBusMessageIter *iter)
{
    dbus_bool_t midi = channel_midi(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &midi);
}

static void set_midi(const struct bus_object *object, const DBusBasicValue *value, DBusError *error)
{
    channel_set_midi(object->channel, value->bool_val);
}

static void get_title(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, channel_title(object->channel));
}

static void get_notes_per_minute(const struct bus_object *object, DBusMessageIter *iter)
{
    append_double(iter, channel_notes_per_minute(object->channel));
}

static void get_human_density(const struct bus_object *object, DBusMessageIter *iter)
{
    double band[3];
    const double *values = band;
    DBusMessageIter array;
    channel_human_density(object->channel, band);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "d", &array);
    dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_DOUBLE, &values, 3);
    dbus_message_iter_close_container(iter, &array);
}

static void get_seconds_ahead(const struct bus_object *object, DBusMessageIter *iter)
{
    append_double(iter, channel_seconds_ahead(object->channel));
}

static void get_reseeds(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_reseeds(object->channel));
}

static void get_listeners(const struct bus_object *object, DBusMessageIter *iter)
{
    dbus_uint32_t listeners = channel_listeners(object->channel);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &listeners);
}

static void get_underruns(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_underruns(object->channel));
}

static void get_uptime(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_uptime(object->channel));
}

static void get_seed(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_seed(object->channel));
}

static void get_position(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_position_us(object->channel));
}

static void get_step(const struct bus_object *object, DBusMessageIter *iter)
{
    append_uint64(iter, channel_step(object->channel));
}

static void get_level(const struct bus_object *object, DBusMessageIter *iter)
{
    append_double(iter, channel_level(object->channel));
}

static void get_decisions(const struct bus_object *object, DBusMessageIter *iter)
{
    struct decision list[DECISION_ROOM];
    size_t count = channel_decisions(object->channel, list);
    DBusMessageIter dict;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{st}", &dict);
    for (size_t i = 0; i < count; i++) {
        DBusMessageIter entry;
        dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        bus_append_string(&entry, list[i].name);
        append_uint64(&entry, list[i].value);
        dbus_message_iter_close_container(&dict, &entry);
    }
    dbus_message_iter_close_container(iter, &dict);
}

// The order and the words are those of org.fermata.HoldMusic1.Channel.xml; a test compares them.
static const struct bus_property properties[] = {
    {"Composer", "s", true, get_composer, set_composer},
    {"Threshold", "d", true, get_threshold, set_threshold},
    {"Sampling", "s", true, get_sampling, set_sampling},
    {"Net", "s", true, get_net, set_net},
    {"Volume", "d", true, get_volume, set_volume},
    {"Profile", "s", true, get_profile, set_profile},
    {"Rtp", "s", true, bus_get_rtp, bus_set_rtp},
    {"Output", "s", true, bus_get_output, bus_set_output},
    {"Target", "s", true, bus_get_target, bus_set_target},
    {"AnnounceEvery", "u", true, get_announce_every, NULL},
    {"ReseedInterval", "u", true, get_reseed_interval, set_reseed_interval},
    {"PieceLength", "s", true, get_piece_length, set_piece_length},
    {"Midi", "b", true, get_midi, set_midi},
    {"Name", "s", false, get_name, NULL},
    {"State", "s", true, get_state, NULL},
    {"StateReason", "s", true, get_state_reason, NULL},
    {"Title", "s", true, get_title, NULL},
    {"NotesPerMinute", "d", false, get_notes_per_minute, NULL},
    {"HumanDensity", "ad", false, get_human_density, NULL},
    {"SecondsAhead", "d", false, get_seconds_ahead, NULL},
    {"Reseeds", "t", true, get_reseeds, NULL},
    {"Listeners", "u", true, get_listeners, NULL},
    {"Underruns", "t", false, get_underruns, NULL},
    {"Uptime", "t", false, get_uptime, NULL},
    {"Seed", "t", true, get_seed, NULL},
    {"Position", "t", false, get_position, NULL},
    {"Step", "t", false, get_step, NULL},
    {"Level", "d", false, get_level, NULL},
    {"Schedule", "a(st)", true, bus_get_schedule, NULL},
    {"Decisions", "a{st}", false, get_decisions, NULL},
    {NULL},
};

const struct bus_interface bus_channel_interface = {BUS_NAME ".Channel", properties, methods};
