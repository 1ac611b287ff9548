// SPDX-License-Identifier: MIT
#include "control/bus_access.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/list.h>

#include "log.h"

#define POLKIT "org.freedesktop.PolicyKit1"
#define INTERACTIVE 1 ///< flag of CheckAuthorization: may ask for a password
#define ASKING_MS 120000

struct bus_access {
    DBusConnection *connection;
    bus_access_func *then;
    void *user;
    gid_t group;
    bool has_group;
    bool complained; ///< of polkit
    struct spa_list checks;
};

struct check {
    struct spa_list link;
    struct bus_access *access;
    DBusMessage *message;
    DBusPendingCall *pending;
    bool in_group;
};

int bus_access_new(DBusConnection *connection, bus_access_func *then, void *user,
                   struct bus_access **ret_access)
{
    struct bus_access *access = calloc(1, sizeof *access);
    if (!access)
        return -ENOMEM;
    access->connection = dbus_connection_ref(connection);
    access->then = then;
    access->user = user;
    spa_list_init(&access->checks);
    const struct group *group = getgrnam(BUS_ACCESS_GROUP);
    if (group) {
        access->group = group->gr_gid;
        access->has_group = true;
    } else {
        log_notice("there is no group " BUS_ACCESS_GROUP "; only root controls this instance "
                   "(systemd-sysusers makes it)");
    }
    *ret_access = access;
    return 0;
}

static void free_check(struct check *check)
{
    spa_list_remove(&check->link);
    if (check->pending) {
        dbus_pending_call_cancel(check->pending);
        dbus_pending_call_unref(check->pending);
    }
    dbus_message_unref(check->message);
    free(check);
}

void bus_access_free(struct bus_access *access)
{
    if (!access)
        return;
    struct check *check, *next;
    spa_list_for_each_safe(check, next, &access->checks, link) free_check(check);
    dbus_connection_unref(access->connection);
    free(access);
}

bool bus_access_is_free(DBusMessage *message)
{
    return dbus_message_is_method_call(message, DBUS_INTERFACE_PROPERTIES, "Get") ||
           dbus_message_is_method_call(message, DBUS_INTERFACE_PROPERTIES, "GetAll") ||
           dbus_message_is_method_call(message, DBUS_INTERFACE_INTROSPECTABLE, "Introspect") ||
           dbus_message_has_interface(message, "org.freedesktop.DBus.ObjectManager") ||
           dbus_message_has_interface(message, DBUS_INTERFACE_PEER);
}

static void decide(struct check *check, bool allowed)
{
    struct bus_access *access = check->access;
    access->then(access->user, check->message, allowed);
    free_check(check);
}

/** Sends `call` (unreferenced here) and has `notify` called with the check. */
static int ask(struct check *check, DBusMessage *call, int timeout_ms,
               DBusPendingCallNotifyFunction notify)
{
    if (check->pending)
        dbus_pending_call_unref(check->pending);
    check->pending = NULL;
    bool sent = call && dbus_connection_send_with_reply(check->access->connection, call,
                                                        &check->pending, timeout_ms);
    if (call)
        dbus_message_unref(call);
    return sent && check->pending &&
                   dbus_pending_call_set_notify(check->pending, notify, check, NULL)
               ? 0
               : -ENOMEM;
}

static DBusMessage *steal_reply(struct check *check, DBusError *error)
{
    DBusMessage *reply = dbus_pending_call_steal_reply(check->pending);
    if (reply && dbus_set_error_from_message(error, reply)) {
        dbus_message_unref(reply);
        return NULL;
    }
    return reply;
}

static void on_polkit(DBusPendingCall *pending, void *data)
{
    struct check *check = data;
    struct bus_access *access = check->access;
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply = steal_reply(check, &error);
    bool allowed = check->in_group;
    if (reply && dbus_message_has_signature(reply, "(bba{ss})")) {
        DBusMessageIter iter, answer;
        dbus_bool_t granted = FALSE;
        dbus_message_iter_init(reply, &iter);
        dbus_message_iter_recurse(&iter, &answer);
        dbus_message_iter_get_basic(&answer, &granted);
        allowed = granted;
    } else if (!access->complained) {
        // Servers often have none; then the group alone decides.
        access->complained = true;
        log_info("polkit does not decide (%s); the group " BUS_ACCESS_GROUP " controls",
                 error.message ? error.message : "a strange answer");
    }
    if (reply)
        dbus_message_unref(reply);
    dbus_error_free(&error);
    decide(check, allowed);
}

/** polkit's CheckAuthorization of the sender, as its D-Bus reference has it. */
static DBusMessage *make_question(const struct check *check)
{
    DBusMessage *call = dbus_message_new_method_call(
        POLKIT, "/org/freedesktop/PolicyKit1/Authority", POLKIT ".Authority", "CheckAuthorization");
    if (!call)
        return NULL;
    const char *kind = "system-bus-name", *name = "name", *action = BUS_ACCESS_ACTION, *none = "";
    const char *sender = dbus_message_get_sender(check->message);
    dbus_uint32_t flags =
        dbus_message_get_allow_interactive_authorization(check->message) ? INTERACTIVE : 0;
    DBusMessageIter iter, subject, dict, entry, value;
    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_STRUCT, NULL, &subject);
    dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind);
    dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &dict);
    dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &value);
    dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &sender);
    dbus_message_iter_close_container(&entry, &value);
    dbus_message_iter_close_container(&dict, &entry);
    dbus_message_iter_close_container(&subject, &dict);
    dbus_message_iter_close_container(&iter, &subject);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &action);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{ss}", &dict);
    dbus_message_iter_close_container(&iter, &dict);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &flags);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &none);
    return call;
}

/** Reads "UnixUserID" and "UnixGroupIDs" of GetConnectionCredentials. */
static void read_credentials(DBusMessage *reply, struct check *check, bool *ret_trusted)
{
    DBusMessageIter iter, dict, entry, value, groups;
    dbus_message_iter_init(reply, &iter);
    dbus_message_iter_recurse(&iter, &dict);
    for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&dict)) {
        const char *name;
        dbus_uint32_t id;
        dbus_message_iter_recurse(&dict, &entry);
        dbus_message_iter_get_basic(&entry, &name);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &value);
        int type = dbus_message_iter_get_arg_type(&value);
        if (!strcmp(name, "UnixUserID") && type == DBUS_TYPE_UINT32) {
            dbus_message_iter_get_basic(&value, &id);
            *ret_trusted = id == 0 || id == geteuid();
        } else if (!strcmp(name, "UnixGroupIDs") && type == DBUS_TYPE_ARRAY) {
            dbus_message_iter_recurse(&value, &groups);
            for (; dbus_message_iter_get_arg_type(&groups) == DBUS_TYPE_UINT32;
                 dbus_message_iter_next(&groups)) {
                dbus_message_iter_get_basic(&groups, &id);
                if (check->access->has_group && id == check->access->group)
                    check->in_group = true;
            }
        }
    }
}

static void on_credentials(DBusPendingCall *pending, void *data)
{
    struct check *check = data;
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply = steal_reply(check, &error);
    bool trusted = false;
    if (reply && dbus_message_has_signature(reply, "a{sv}"))
        read_credentials(reply, check, &trusted);
    if (reply)
        dbus_message_unref(reply);
    dbus_error_free(&error);
    if (trusted || ask(check, make_question(check), ASKING_MS, on_polkit) < 0)
        decide(check, trusted);
}

int bus_access_check(struct bus_access *access, DBusMessage *message)
{
    const char *sender = dbus_message_get_sender(message);
    struct check *check = sender ? calloc(1, sizeof *check) : NULL;
    if (!check)
        return -ENOMEM;
    check->access = access;
    check->message = dbus_message_ref(message);
    spa_list_append(&access->checks, &check->link);
    DBusMessage *call = dbus_message_new_method_call(
        DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetConnectionCredentials");
    if (call && !dbus_message_append_args(call, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID)) {
        dbus_message_unref(call);
        call = NULL;
    }
    int r = ask(check, call, DBUS_TIMEOUT_USE_DEFAULT, on_credentials);
    if (r < 0)
        free_check(check);
    return r;
}
