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

static void get_composers(const struct bus_object *object, DBusMessageIter *iter)
{
    const char *const *names = NULL;
    size_t count = manager_composers(object->manager, &names);
    bus_append_strings(iter, names, count);
}

static const struct bus_property properties[] = {
    {"Version", "s", false, get_version, NULL},     {"Device", "s", false, get_device, NULL},
    {"Driver", "s", false, get_driver, NULL},       {"Nets", "as", true, get_nets, NULL},
    {"Composers", "as", true, get_composers, NULL}, {NULL},
};

const struct bus_interface bus_manager_interface = {BUS_NAME ".Manager", properties, NULL};
