// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus_xml.h"
#include "control/channel.h"
#include "control/manager.h"
#include "control/mpris.h"

#define BRANCH_PATH BUS_PATH "/channel"

static const struct bus_interface *const manager_interfaces[] = {
    &bus_manager_interface,        &bus_object_manager_interface, &bus_properties_interface,
    &bus_introspectable_interface, &bus_peer_interface,           NULL,
};
static const struct bus_interface *const channel_interfaces[] = {
    &bus_channel_interface,
    &bus_properties_interface,
    &bus_introspectable_interface,
    &bus_peer_interface,
    NULL,
};
static const struct bus_interface *const mpris_interfaces[] = {
    &bus_mpris_interface,          &bus_mpris_player_interface, &bus_properties_interface,
    &bus_introspectable_interface, &bus_peer_interface,         NULL,
};
static const struct bus_interface *const branch_interfaces[] = {
    &bus_introspectable_interface,
    &bus_peer_interface,
    NULL,
};

static const struct bus_kind manager_kind = {bus_xml_manager, manager_interfaces};
static const struct bus_kind channel_kind = {bus_xml_channel, channel_interfaces};
static const struct bus_kind mpris_kind = {bus_xml_mpris, mpris_interfaces};
static const struct bus_kind branch_kind = {NULL, branch_interfaces};

struct bus_object bus_object_of(struct manager *manager, struct channel *channel)
{
    return (struct bus_object){channel ? &channel_kind : &manager_kind, manager, channel};
}

int bus_object_of_player(struct manager *manager, struct bus_object *ret_object)
{
    if (manager_channel_count(manager) == 0)
        return -ENOENT;
    *ret_object = (struct bus_object){&mpris_kind, manager, manager_channel(manager, 0)};
    return 0;
}

void bus_object_path(const struct bus_object *object, char *ret_path)
{
    if (object->kind == &mpris_kind) {
        strcpy(ret_path, MPRIS_PATH);
        return;
    }
    if (object->kind != &channel_kind) {
        strcpy(ret_path, object->kind == &branch_kind ? BRANCH_PATH : BUS_PATH);
        return;
    }
    // As sd_bus_path_encode(): a path has but letters, digits and underscores.
    size_t at = (size_t)sprintf(ret_path, "%s/", BRANCH_PATH);
    for (const char *c = channel_name(object->channel); *c && at + 4 < BUS_PATH_ROOM; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9' && c != channel_name(object->channel));
        at += (size_t)sprintf(ret_path + at, plain ? "%c" : "_%02x", (unsigned char)*c);
    }
}

int bus_object_find(struct manager *manager, const char *path, struct bus_object *ret_object)
{
    if (!strcmp(path, BUS_PATH)) {
        *ret_object = bus_object_of(manager, NULL);
        return 0;
    }
    if (!strcmp(path, MPRIS_PATH) && bus_object_of_player(manager, ret_object) == 0)
        return 0;
    if (!strcmp(path, BRANCH_PATH)) {
        *ret_object = (struct bus_object){&branch_kind, manager, NULL};
        return 0;
    }
    for (size_t i = 0; i < manager_channel_count(manager); i++) {
        struct bus_object object = bus_object_of(manager, manager_channel(manager, i));
        char known[BUS_PATH_ROOM];
        bus_object_path(&object, known);
        if (!strcmp(path, known)) {
            *ret_object = object;
            return 0;
        }
    }
    return -ENOENT;
}

const struct bus_interface *bus_object_interface(const struct bus_object *object, const char *name)
{
    for (const struct bus_interface *const *i = object->kind->interfaces; *i; i++)
        if (!strcmp((*i)->name, name))
            return *i;
    return NULL;
}

static const struct bus_method *find_method(const struct bus_interface *interface, const char *name)
{
    for (const struct bus_method *m = interface->methods; m && m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

const char *bus_quote(const char *text, char ret_quoted[BUS_QUOTE_ROOM])
{
    size_t length = strlen(text);
    if (length < BUS_QUOTE_ROOM) {
        strcpy(ret_quoted, text);
        return ret_quoted;
    }
    length = BUS_QUOTE_ROOM - 4;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    memcpy(ret_quoted, text, length);
    strcpy(ret_quoted + length, "...");
    return ret_quoted;
}

static void call(struct manager *manager, DBusMessage *message, DBusMessage *reply,
                 DBusError *error)
{
    // A message may leave out its interface, never its path or member; all are ASCII and at most
    // 255 bytes long but for the path.
    const char *path = dbus_message_get_path(message);
    const char *name = dbus_message_get_interface(message);
    const char *member = dbus_message_get_member(message);
    char quoted[BUS_QUOTE_ROOM];

    struct bus_object object;
    if (bus_object_find(manager, path, &object) < 0) {
        dbus_set_error(error, DBUS_ERROR_UNKNOWN_OBJECT,
                       "no object %s here; GetManagedObjects of %s lists those there are",
                       bus_quote(path, quoted), BUS_PATH);
        return;
    }

    const struct bus_method *method = NULL;
    if (name) {
        const struct bus_interface *interface = bus_object_interface(&object, name);
        if (!interface) {
            dbus_set_error(error, DBUS_ERROR_UNKNOWN_INTERFACE,
                           "no interface %s at %s; Introspect lists those there are", name,
                           bus_quote(path, quoted));
            return;
        }
        method = find_method(interface, member);
    } else {
        const struct bus_interface *const *i = object.kind->interfaces;
        while (!method && *i)
            method = find_method(*i++, member);
    }
    if (!method) {
        dbus_set_error(error, DBUS_ERROR_UNKNOWN_METHOD,
                       "no method %s%s%s at %s; Introspect lists those there are", name ? name : "",
                       name ? "." : "", member, bus_quote(path, quoted));
        return;
    }
    if (!dbus_message_has_signature(message, method->signature)) {
        dbus_set_error(error, DBUS_ERROR_INVALID_ARGS,
                       "%s takes arguments of the signature \"%s\", not \"%s\"", member,
                       method->signature, dbus_message_get_signature(message));
        return;
    }
    method->call(&object, message, reply, error);
}

DBusMessage *bus_object_call(struct manager *manager, DBusMessage *message)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply = dbus_message_new_method_return(message);
    if (!reply)
        return NULL;
    call(manager, message, reply, &error);
    if (dbus_error_is_set(&error)) {
        dbus_message_unref(reply);
        // A list of names may have been cut within a character, and libdbus aborts on that.
        bool valid = dbus_validate_utf8(error.message, NULL);
        reply = dbus_message_new_error(message, error.name, valid ? error.message : NULL);
        dbus_error_free(&error);
    }
    return reply;
}

void bus_refuse_net(const struct bus_object *object, const char *net, DBusError *error)
{
    const char *const *names = NULL;
    char values[512], quoted[BUS_QUOTE_ROOM];
    size_t count = manager_nets(object->manager, &names);
    bus_list(names, count, values, sizeof values);
    dbus_set_error(error, BUS_ERROR_UNKNOWN_NET, "no net \"%s\" here%s; there are: %s",
                   bus_quote(net, quoted),
                   manager_forbids_net(object->manager, net)
                       ? ", as it may not be used commercially (licence = any in fermata.conf(5) "
                         "takes it in)"
                       : "",
                   values);
}

/** A net that offers the composer, or NULL. */
static const char *net_offering(const struct manager *manager, const char *composer)
{
    const char *const *nets = NULL;
    const size_t count = manager_nets(manager, &nets);
    for (size_t i = 0; i < count; i++) {
        const char *const *name = manager_net_composers(manager, nets[i]);
        while (name && *name && strcmp(*name, composer) != 0)
            name++;
        if (name && *name)
            return nets[i];
    }
    return NULL;
}

void bus_refuse_composer(const struct bus_object *object, const char *net, const char *composer,
                         DBusError *error)
{
    char values[512], quoted[BUS_QUOTE_ROOM];
    const char *other = net_offering(object->manager, composer);
    bus_list_offered(manager_net_composers(object->manager, net), values, sizeof values);
    dbus_set_error(
        error, BUS_ERROR_UNKNOWN_COMPOSER,
        "net %s does not offer the composer \"%s\"; it offers: %s; choose one of them%s%s", net,
        bus_quote(composer, quoted), values, other ? ", or another net first, such as " : "",
        other ? other : "");
}
