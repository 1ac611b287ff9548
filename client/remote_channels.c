// SPDX-License-Identifier: MIT
#include "client/remote_private.h"

#include <ctype.h>
#include <string.h>

#include "client/text.h"
#include "client/verb.h"

/** "PieceLength" for "piece-length". */
static void write_property(const char *key, char *ret_property, size_t room)
{
    size_t at = 0;
    bool upper = true;
    for (const char *c = key; *c && at + 1 < room; c++) {
        if (*c != '-')
            ret_property[at++] = upper ? (char)toupper((unsigned char)*c) : *c;
        upper = *c == '-';
    }
    ret_property[at] = '\0';
}

static void append_settings(DBusMessageIter *iter, const struct request_setting *settings,
                            size_t count)
{
    DBusMessageIter dict, entry, variant;
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    for (size_t i = 0; i < count; i++) {
        char property[64];
        const char *name = property;
        write_property(settings[i].key, property, sizeof property);
        dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
        dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &settings[i].value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&dict, &entry);
    }
    dbus_message_iter_close_container(iter, &dict);
}

/** Calls a method of the manager that takes a channel's name, and settings where they are given. */
static enum ending call_manager(struct remote *remote, const char *method, const char *name,
                                const struct request_setting *settings, const size_t *count)
{
    DBusMessage *reply = NULL;
    bool valid = dbus_validate_utf8(name, NULL);
    for (size_t i = 0; count && i < *count; i++)
        valid = valid && dbus_validate_utf8(settings[i].key, NULL) &&
                dbus_validate_utf8(settings[i].value, NULL);
    if (!valid)
        return remote_fail(remote, ENDING_REFUSED, "a name or a value is not UTF-8");
    DBusMessage *message = dbus_message_new_method_call(NAME, ROOT, NAME ".Manager", method);
    if (message) {
        DBusMessageIter iter;
        dbus_message_iter_init_append(message, &iter);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &name);
        if (count)
            append_settings(&iter, settings, *count);
    }
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending == ENDING_OK)
        dbus_message_unref(reply);
    return ending;
}

enum ending remote_add_channel(struct remote *remote, const char *name,
                               const struct request_setting *settings, size_t count)
{
    return call_manager(remote, "AddChannel", name, settings, &count);
}

enum ending remote_remove_channel(struct remote *remote, const char *name)
{
    return call_manager(remote, "RemoveChannel", name, NULL, NULL);
}

enum ending remote_schedule(struct remote *remote, struct remote_entry ret_entries[REMOTE_ENTRIES],
                            size_t *ret_count)
{
    static const char *const arguments[] = {CHANNEL, "Schedule"};
    DBusMessage *reply = NULL;
    DBusMessage *message =
        dbus_message_new_method_call(NAME, remote->path, DBUS_INTERFACE_PROPERTIES, "Get");
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_STRING, &arguments[0], DBUS_TYPE_STRING,
                                 &arguments[1], DBUS_TYPE_INVALID);
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending != ENDING_OK)
        return ending;
    DBusMessageIter iter, variant, array, item;
    dbus_message_iter_init(reply, &iter);
    dbus_message_iter_recurse(&iter, &variant);
    *ret_count = 0;
    char *signature = dbus_message_iter_get_signature(&variant);
    if (signature && !strcmp(signature, "a(st)")) {
        dbus_message_iter_recurse(&variant, &array);
        for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT &&
               *ret_count < REMOTE_ENTRIES;
             dbus_message_iter_next(&array)) {
            struct remote_entry *entry = &ret_entries[(*ret_count)++];
            const char *text;
            dbus_message_iter_recurse(&array, &item);
            dbus_message_iter_get_basic(&item, &text);
            dbus_message_iter_next(&item);
            dbus_message_iter_get_basic(&item, &entry->next);
            text_copy(entry->text, sizeof entry->text, text);
        }
    }
    dbus_free(signature);
    dbus_message_unref(reply);
    return ENDING_OK;
}

enum ending remote_change_schedule(struct remote *remote, const char *method, const char *entry)
{
    DBusMessage *reply = NULL;
    if (!dbus_validate_utf8(entry, NULL))
        return remote_fail(remote, ENDING_REFUSED, "the entry is not UTF-8");
    DBusMessage *message = dbus_message_new_method_call(NAME, remote->path, CHANNEL, method);
    if (message)
        dbus_message_append_args(message, DBUS_TYPE_STRING, &entry, DBUS_TYPE_INVALID);
    enum ending ending = remote_ask(remote, message, &reply);
    if (ending == ENDING_OK)
        dbus_message_unref(reply);
    return ending;
}
