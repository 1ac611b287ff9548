// SPDX-License-Identifier: MIT
#include "control/bus_object.h"

#include "control/manager.h"

static void get_version(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, FERMATA_VERSION);
}

static void get_device(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, manager_device(object->manager));
}

static void get_driver(const struct bus_object *object, DBusMessageIter *iter)
{
    bus_append_string(iter, manager_driver(object->manager));
}

static void get_nets(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *const *names = NULL;
    size_t count = manager_nets(object->manager, &names);
    bus_append_strings(iter, names, count);
}

static void get_commercial_nets(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *const *names = NULL;
    size_t count = manager_commercial_nets(object->manager, &names);
    bus_append_strings(iter, names, count);
}

static void get_net_licences(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *const *names = NULL;
    const char *const *licences = NULL;
    size_t count = manager_nets(object->manager, &names);
    manager_licences(object->manager, &licences);
    DBusMessageIter dict;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{ss}", &dict);
    for (size_t i = 0; i < count; i++) {
        DBusMessageIter entry;
        dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        bus_append_string(&entry, names[i]);
        bus_append_string(&entry, licences[i]);
        dbus_message_iter_close_container(&dict, &entry);
    }
    dbus_message_iter_close_container(iter, &dict);
}

static void get_composers(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *const *names = NULL;
    size_t count = manager_composers(object->manager, &names);
    bus_append_strings(iter, names, count);
}

static const struct bus_method methods[] = {
    {"AddChannel", "sa{sv}", bus_add_channel},
    {"RemoveChannel", "s", bus_remove_channel},
    {NULL},
};

static const struct bus_property properties[] = {
    {"Version", "s", false, get_version, NULL},
    {"Device", "s", false, get_device, NULL},
    {"Driver", "s", false, get_driver, NULL},
    {"Nets", "as", true, get_nets, NULL},
    {"CommercialNets", "as", true, get_commercial_nets, NULL},
    {"NetLicences", "a{ss}", true, get_net_licences, NULL},
    {"Composers", "as", true, get_composers, NULL},
    {NULL},
};

const struct bus_interface bus_manager_interface = {BUS_NAME ".Manager", properties, methods};
