// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include <stdio.h>
#include <string.h>

void bus_append_string(DBusMessageIter *iter, const char *text)
{
    if (!text || !dbus_validate_utf8(text, NULL))
        text = "";
    dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
}

void bus_append_strings(DBusMessageIter *iter, const char *const *texts, size_t count)
{
    DBusMessageIter array;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "s", &array);
    for (size_t i = 0; i < count; i++)
        bus_append_string(&array, texts[i]);
    dbus_message_iter_close_container(iter, &array);
}

// "bach, chopin and 2 others" would be a riddle.
void bus_list(const char *const *names, size_t count, char *ret_text, size_t room)
{
    ret_text[0] = '\0';
    for (size_t i = 0, at = 0; i < count && at < room; i++)
        at += (size_t)snprintf(ret_text + at, room - at, "%s%s", i ? ", " : "", names[i]);
    if (!count)
        snprintf(ret_text, room, "none");
}

void bus_list_offered(const char *const *names, char *ret_text, size_t room)
{
    size_t count = 0;
    while (names && names[count])
        count++;
    bus_list(names, count, ret_text, room);
}

const struct bus_property *bus_interface_property(const struct bus_interface *interface,
                                                  const char *name)
{
    for (const struct bus_property *p = interface->properties; p && p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}

static void append_variant(const struct bus_object *object, const struct bus_property *property,
                           DBusMessageIter *iter)
{
    DBusMessageIter variant;
    dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, property->signature, &variant);
    property->get(object, &variant);
    dbus_message_iter_close_container(iter, &variant);
}

static void append_entry(const struct bus_object *object, const struct bus_property *property,
                         DBusMessageIter *dict)
{
    DBusMessageIter entry;
    dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &property->name);
    append_variant(object, property, &entry);
    dbus_message_iter_close_container(dict, &entry);
}

static void append_all(const struct bus_object *object, const struct bus_interface *interface,
                       DBusMessageIter *dict)
{
    for (const struct bus_property *p = interface->properties; p && p->name; p++)
        append_entry(object, p, dict);
}

void bus_append_properties(const struct bus_object *object, const struct bus_interface *interface,
                           DBusMessageIter *iter)
{
    DBusMessageIter dict;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    append_all(object, interface, &dict);
    dbus_message_iter_close_container(iter, &dict);
}

DBusMessage *bus_property_changed(const struct bus_object *object, const char *property)
{
    for (const struct bus_interface *const *i = object->kind->interfaces; *i; i++) {
        const struct bus_property *p = bus_interface_property(*i, property);
        if (!p)
            continue;
        if (!p->announced)
            return NULL;

        char path[BUS_PATH_ROOM];
        bus_object_path(object, path);
        DBusMessage *signal =
            dbus_message_new_signal(path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
        if (!signal)
            return NULL;
        DBusMessageIter iter, dict;
        dbus_message_iter_init_append(signal, &iter);
        bus_append_string(&iter, (*i)->name);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
        append_entry(object, p, &dict);
        dbus_message_iter_close_container(&iter, &dict);
        bus_append_strings(&iter, NULL, 0);
        return signal;
    }
    return NULL;
}

/**
 * Reads the leading "ss" or "s" of a Properties call and finds what they name. An empty interface
 * means any (D-Bus specification, "Standard Interfaces"). Leaves `iter` behind the names.
 */
static const struct bus_property *find(const struct bus_object *object, DBusMessageIter *iter,
                                       const struct bus_interface **ret_interface, DBusError *error)
{
    const char *interface_name, *name;
    char quoted[BUS_QUOTE_ROOM];
    dbus_message_iter_get_basic(iter, &interface_name);
    dbus_message_iter_next(iter);
    *ret_interface = bus_object_interface(object, interface_name);
    if (!*ret_interface && *interface_name) {
        dbus_set_error(error, DBUS_ERROR_UNKNOWN_INTERFACE,
                       "no interface %s here; Introspect lists those there are",
                       bus_quote(interface_name, quoted));
        return NULL;
    }
    if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_STRING)
        return NULL;

    dbus_message_iter_get_basic(iter, &name);
    dbus_message_iter_next(iter);
    const struct bus_property *property = NULL;
    if (*ret_interface) {
        property = bus_interface_property(*ret_interface, name);
    } else {
        const struct bus_interface *const *i = object->kind->interfaces;
        while (!property && *i)
            property = bus_interface_property(*i++, name);
    }
    if (!property)
        dbus_set_error(error, DBUS_ERROR_UNKNOWN_PROPERTY,
                       "no property %s here; Introspect lists those there are",
                       bus_quote(name, quoted));
    return property;
}

static void properties_get(const struct bus_object *object, DBusMessage *message,
                           DBusMessage *reply, DBusError *error)
{
    DBusMessageIter in, out;
    const struct bus_interface *interface;
    dbus_message_iter_init(message, &in);
    const struct bus_property *property = find(object, &in, &interface, error);
    if (!property)
        return;
    dbus_message_iter_init_append(reply, &out);
    append_variant(object, property, &out);
}

static void properties_get_all(const struct bus_object *object, DBusMessage *message,
                               DBusMessage *reply, DBusError *error)
{
    DBusMessageIter in, out, dict;
    const struct bus_interface *interface;
    dbus_message_iter_init(message, &in);
    find(object, &in, &interface, error);
    if (dbus_error_is_set(error))
        return;
    dbus_message_iter_init_append(reply, &out);
    dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict);
    for (const struct bus_interface *const *i = object->kind->interfaces; *i; i++)
        if (!interface || interface == *i)
            append_all(object, *i, &dict);
    dbus_message_iter_close_container(&out, &dict);
}

static void properties_set(const struct bus_object *object, DBusMessage *message,
                           DBusMessage *reply, DBusError *error)
{
    DBusMessageIter in, variant;
    const struct bus_interface *interface;
    dbus_message_iter_init(message, &in);
    const struct bus_property *property = find(object, &in, &interface, error);
    if (!property)
        return;
    if (!property->set) {
        dbus_set_error(error, DBUS_ERROR_PROPERTY_READ_ONLY, "%s can be read only", property->name);
        return;
    }
    dbus_message_iter_recurse(&in, &variant);
    if (dbus_message_iter_get_arg_type(&variant) != property->signature[0]) {
        char *signature = dbus_message_iter_get_signature(&variant);
        char quoted[BUS_QUOTE_ROOM];
        dbus_set_error(error, DBUS_ERROR_INVALID_ARGS,
                       "%s takes a value of the signature \"%s\", not \"%s\"", property->name,
                       property->signature, bus_quote(signature ? signature : "", quoted));
        dbus_free(signature);
        return;
    }
    DBusBasicValue value;
    dbus_message_iter_get_basic(&variant, &value);
    property->set(object, &value, error);
}

static const struct bus_method methods[] = {
    {"Get", "ss", properties_get},
    {"GetAll", "s", properties_get_all},
    {"Set", "ssv", properties_set},
    {NULL},
};

const struct bus_interface bus_properties_interface = {DBUS_INTERFACE_PROPERTIES, NULL, methods};
