// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_BUS_OBJECT_H
#define FERMATA_CONTROL_BUS_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include <dbus/dbus.h>

struct channel;
struct manager;

/**
 * bus_object: what is on the bus under which path, as tables: an object is of a kind, a kind has
 * interfaces, an interface has methods and properties. One function answers any call from them.
 *
 * Knows messages, not connections: bus.c gets them and sends the answers. Main thread.
 */

#define BUS_NAME "org.fermata.HoldMusic1"
#define BUS_PATH "/org/fermata/HoldMusic1"
#define BUS_PATH_ROOM 256

#define BUS_ERROR_UNKNOWN_COMPOSER BUS_NAME ".Error.UnknownComposer"
#define BUS_ERROR_UNKNOWN_NET BUS_NAME ".Error.UnknownNet"
#define BUS_ERROR_UNKNOWN_SAMPLING BUS_NAME ".Error.UnknownSampling"
#define BUS_ERROR_UNKNOWN_PROFILE BUS_NAME ".Error.UnknownProfile"
#define BUS_ERROR_UNKNOWN_OUTPUT BUS_NAME ".Error.UnknownOutput"
#define BUS_ERROR_UNKNOWN_CHANNEL BUS_NAME ".Error.UnknownChannel"
#define BUS_ERROR_UNKNOWN_SETTING BUS_NAME ".Error.UnknownSetting"
#define BUS_ERROR_BAD_ADDRESS BUS_NAME ".Error.BadAddress"
#define BUS_ERROR_CHANNEL_EXISTS BUS_NAME ".Error.ChannelExists"
#define BUS_ERROR_BAD_NAME BUS_NAME ".Error.BadName"
#define BUS_ERROR_NOT_REMOVABLE BUS_NAME ".Error.NotRemovable"
#define BUS_ERROR_TOO_MANY_CHANNELS BUS_NAME ".Error.TooManyChannels"
#define BUS_ERROR_BAD_SCHEDULE BUS_NAME ".Error.BadSchedule"
#define BUS_ERROR_UNKNOWN_ENTRY BUS_NAME ".Error.UnknownEntry"
#define BUS_ERROR_OUT_OF_RANGE BUS_NAME ".Error.OutOfRange"
#define BUS_ERROR_BAD_FILE BUS_NAME ".Error.BadFile"
#define BUS_ERROR_UNKNOWN_FORM BUS_NAME ".Error.UnknownForm"
#define BUS_ERROR_NOTHING_PLAYED BUS_NAME ".Error.NothingPlayed"
#define BUS_ERROR_NOT_PLAYING BUS_NAME ".Error.NotPlaying"
#define BUS_ERROR_UNKNOWN_FORMAT BUS_NAME ".Error.UnknownFormat"
#define BUS_ERROR_TOO_MANY_PIPES BUS_NAME ".Error.TooManyPipes"
#define BUS_ERROR_TOO_MANY_WATCHERS BUS_NAME ".Error.TooManyWatchers"

struct bus_kind;

/** An object found by its path. Plain data, valid until the channels change. */
struct bus_object {
    const struct bus_kind *kind;
    struct manager *manager;
    struct channel *channel; ///< NULL but for a channel object
};

struct bus_property {
    const char *name;
    const char *signature;
    bool announced; ///< PropertiesChanged carries it
    /** Appends the value, without the variant around it. */
    void (*get)(const struct bus_object *object, DBusMessageIter *iter);
    /** NULL: read-only. The value has the (basic) type of the signature. Sets *error, or succeeds.
     */
    void (*set)(const struct bus_object *object, const DBusBasicValue *value, DBusError *error);
};

struct bus_method {
    const char *name;
    const char *signature; ///< of the arguments
    /** Appends the results to `reply`, or sets *error. */
    void (*call)(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                 DBusError *error);
};

/** Both tables end with a NULL name; either may be NULL. */
struct bus_interface {
    const char *name;
    const struct bus_property *properties;
    const struct bus_method *methods;
};

struct bus_kind {
    const char *xml;                               ///< NULL: made from the channels' names
    const struct bus_interface *const *interfaces; ///< ends with NULL
};

extern const struct bus_interface bus_manager_interface;
extern const struct bus_interface bus_channel_interface;
extern const struct bus_interface bus_properties_interface;
extern const struct bus_interface bus_introspectable_interface;
extern const struct bus_interface bus_object_manager_interface;
extern const struct bus_interface bus_peer_interface;

/** Returns 0, or -ENOENT where there is no object. */
int bus_object_find(struct manager *manager, const char *path, struct bus_object *ret_object);

/** The object of a channel, or of the manager where `channel` is NULL. */
struct bus_object bus_object_of(struct manager *manager, struct channel *channel);

/** The media player, which is the channel main (mpris.h). Returns 0, or -ENOENT. */
int bus_object_of_player(struct manager *manager, struct bus_object *ret_object);

/** Writes the object's path to `ret_path`, BUS_PATH_ROOM bytes. */
void bus_object_path(const struct bus_object *object, char *ret_path);

/** The interface called `name`, or NULL. */
const struct bus_interface *bus_object_interface(const struct bus_object *object, const char *name);

/** The property called `name` of that interface, or NULL. */
const struct bus_property *bus_interface_property(const struct bus_interface *interface,
                                                  const char *name);

/** Answers a method call: a reply or a named error, never NULL but when memory is short. The
 * caller's to unref. */
DBusMessage *bus_object_call(struct manager *manager, DBusMessage *message);

/** A PropertiesChanged signal that carries one value; NULL where the property is not announced,
 * or memory is short. */
DBusMessage *bus_property_changed(const struct bus_object *object, const char *property);

/** An InterfacesAdded signal of the object, or else an InterfacesRemoved one; NULL where memory is
 * short. */
DBusMessage *bus_object_announced(const struct bus_object *object, bool added);

/** OpenPipe and OpenPipeAhead of a channel. */
void bus_open_pipe(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                   DBusError *error);
void bus_open_pipe_ahead(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                         DBusError *error);

/** Rtp of a channel. */
void bus_get_rtp(const struct bus_object *object, DBusMessageIter *iter);
/** Sets `error`: channel `rival` sends RTP to `rtp`, or beside it (rival.h). */
void bus_refuse_rival(const struct channel *rival, const char *rtp, DBusError *error);
void bus_set_rtp(const struct bus_object *object, const DBusBasicValue *value, DBusError *error);

/** AddChannel and RemoveChannel of the manager. */
void bus_add_channel(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                     DBusError *error);
void bus_remove_channel(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                        DBusError *error);

/** Output and Target of a channel. */
void bus_get_output(const struct bus_object *object, DBusMessageIter *iter);
void bus_set_output(const struct bus_object *object, const DBusBasicValue *value, DBusError *error);
void bus_get_target(const struct bus_object *object, DBusMessageIter *iter);
void bus_set_target(const struct bus_object *object, const DBusBasicValue *value, DBusError *error);

/** Schedule, AddSchedule and RemoveSchedule of a channel. */
void bus_get_schedule(const struct bus_object *object, DBusMessageIter *iter);
void bus_add_schedule(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                      DBusError *error);
void bus_remove_schedule(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                         DBusError *error);

/** Writes "bach, chopin": all names, as far as they fit; "none" where there are none. */
void bus_list(const char *const *names, size_t count, char *ret_text, size_t room);
/** The same of a list that ends with NULL. */
void bus_list_offered(const char *const *names, char *ret_text, size_t room);

/** Appends an a{sv} of every property of the interface. */
void bus_append_properties(const struct bus_object *object, const struct bus_interface *interface,
                           DBusMessageIter *iter);

/** Appends a string; what is not UTF-8 (libdbus would abort) is left out. */
void bus_append_string(DBusMessageIter *iter, const char *text);

/** Appends an as. */
void bus_append_strings(DBusMessageIter *iter, const char *const *texts, size_t count);

/** `text` cut to a length fit for an error message, at a whole character. */
#define BUS_QUOTE_ROOM 84
const char *bus_quote(const char *text, char ret_quoted[BUS_QUOTE_ROOM]);

/** Sets `error`: there is no net of that name, and which there are. */
void bus_refuse_net(const struct bus_object *object, const char *net, DBusError *error);
/** Sets `error`: that net, which is there, does not offer that composer; whom it offers, and which
 * other net offers him. */
void bus_refuse_composer(const struct bus_object *object, const char *net, const char *composer,
                         DBusError *error);

#endif
