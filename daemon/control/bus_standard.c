// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include <string.h>

#include "control/manager.h"

static void append_fragment(char *text, size_t room, const char *fragment)
{
    strncat(text, fragment, room - strlen(text) - 1);
}

static void introspect(const struct bus_object *object, DBusMessage *message, DBusMessage *reply,
                       DBusError *error)
{
    DBusMessageIter iter;
    dbus_message_iter_init_append(reply, &iter);
    if (object->kind->xml) {
        bus_append_string(&iter, object->kind->xml);
        return;
    }
    // The node between the manager and its channels has nothing but their names.
    static const char head[] = DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n";
    size_t count = manager_channel_count(object->manager);
    size_t room = sizeof(head) + count * (BUS_PATH_ROOM + 32) + 16;
    char *text = dbus_malloc(room);
    if (!text) {
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "out of memory");
        return;
    }
    strcpy(text, head);
    for (size_t i = 0; i < count; i++) {
        struct bus_object child =
            bus_object_of(object->manager, manager_channel(object->manager, i));
        char path[BUS_PATH_ROOM];
        bus_object_path(&child, path);
        append_fragment(text, room, "  <node name=\"");
        append_fragment(text, room, strrchr(path, '/') + 1);
        append_fragment(text, room, "\"/>\n");
    }
    append_fragment(text, room, "</node>\n");
    bus_append_string(&iter, text);
    dbus_free(text);
}

static const struct bus_method introspectable_methods[] = {
    {"Introspect", "", introspect},
    {NULL},
};

const struct bus_interface bus_introspectable_interface = {DBUS_INTERFACE_INTROSPECTABLE, NULL,
                                                           introspectable_methods};

/** Appends a path, and the a{sa{sv}} of what a channel has beyond the standard interfaces. */
static void append_channel(const struct bus_object *channel, DBusMessageIter *iter)
{
    DBusMessageIter interfaces, item;
    char path[BUS_PATH_ROOM];
    const char *text = path;
    bus_object_path(channel, path);
    dbus_message_iter_append_basic(iter, DBUS_TYPE_OBJECT_PATH, &text);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sa{sv}}", &interfaces);
    dbus_message_iter_open_container(&interfaces, DBUS_TYPE_DICT_ENTRY, NULL, &item);
    bus_append_string(&item, bus_channel_interface.name);
    bus_append_properties(channel, &bus_channel_interface, &item);
    dbus_message_iter_close_container(&interfaces, &item);
    dbus_message_iter_close_container(iter, &interfaces);
}

static void get_managed_objects(const struct bus_object *object, DBusMessage *message,
                                DBusMessage *reply, DBusError *error)
{
    DBusMessageIter iter, objects, entry;
    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &objects);
    for (size_t i = 0; i < manager_channel_count(object->manager); i++) {
        struct bus_object child =
            bus_object_of(object->manager, manager_channel(object->manager, i));
        dbus_message_iter_open_container(&objects, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        append_channel(&child, &entry);
        dbus_message_iter_close_container(&objects, &entry);
    }
    dbus_message_iter_close_container(&iter, &objects);
}

DBusMessage *bus_object_announced(const struct bus_object *object, bool added)
{
    DBusMessageIter iter;
    DBusMessage *signal = dbus_message_new_signal(BUS_PATH, bus_object_manager_interface.name,
                                                  added ? "InterfacesAdded" : "InterfacesRemoved");
    if (!signal)
        return NULL;
    dbus_message_iter_init_append(signal, &iter);
    if (added) {
        append_channel(object, &iter);
        return signal;
    }
    char path[BUS_PATH_ROOM];
    const char *text = path;
    bus_object_path(object, path);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &text);
    bus_append_strings(&iter, &bus_channel_interface.name, 1);
    return signal;
}

static const struct bus_method object_manager_methods[] = {
    {"GetManagedObjects", "", get_managed_objects},
    {NULL},
};

const struct bus_interface bus_object_manager_interface = {"org.freedesktop.DBus.ObjectManager",
                                                           NULL, object_manager_methods};

// libdbus answers Ping and GetMachineId itself, before any object is asked.
const struct bus_interface bus_peer_interface = {DBUS_INTERFACE_PEER, NULL, NULL};
