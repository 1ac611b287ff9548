// SPDX-License-Identifier: MIT
#include "control/logind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <dbus/dbus.h>
#include <pipewire/pipewire.h>
#include <spa/support/dbus.h>
#include <spa/utils/hook.h>

#include "control/bus.h"
#include "log.h"

#define NAME "org.freedesktop.login1"
#define PATH "/org/freedesktop/login1"
#define INTERFACE "org.freedesktop.login1.Manager"

#define RETRY_SECONDS 20
/** From the wish to sleep to our leave: the fade (30 ms and some cycles of the graph) and what the
 * sink has still to play. logind waits for 5 s (InhibitDelayMaxSec=). */
#define FADE_MS 300

struct logind {
    struct pw_loop *loop;
    struct logind_calls calls;
    struct spa_dbus_connection *wrapper;
    struct spa_hook hook;
    struct spa_source *retry;
    struct spa_source *fade;
    DBusConnection *connection; ///< our reference; NULL while there is no bus
    DBusPendingCall *asked;     ///< for the lock
    char owner[64];             ///< logind's unique name; "": unknown
    int lock;                   ///< -1: none
    bool asleep;                ///< or about to be
    bool fading;
    bool complained; ///< that the lock is refused, in the log
};

static void set_timer(struct logind *logind, struct spa_source *timer, int ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000L};
    pw_loop_update_timer(logind->loop, timer, &wait, NULL, false);
}

static void release(struct logind *logind)
{
    if (logind->lock >= 0)
        close(logind->lock);
    logind->lock = -1;
}

static void take_back_question(struct logind *logind)
{
    if (!logind->asked)
        return;
    dbus_pending_call_cancel(logind->asked);
    dbus_pending_call_unref(logind->asked);
    logind->asked = NULL;
}

static void on_lock(DBusPendingCall *asked, void *user)
{
    struct logind *logind = user;
    DBusMessage *reply = dbus_pending_call_steal_reply(asked);
    take_back_question(logind);
    if (!reply)
        return;
    DBusError error = DBUS_ERROR_INIT;
    int lock = -1;
    // Errors of the bus itself say that there is no logind: it will tell when one comes.
    const char *sender = dbus_message_get_sender(reply);
    bool from_logind = sender && strcmp(sender, DBUS_SERVICE_DBUS) != 0;
    if (from_logind && strlen(sender) < sizeof logind->owner)
        strcpy(logind->owner, sender);
    if (!dbus_set_error_from_message(&error, reply) &&
        dbus_message_get_args(reply, &error, DBUS_TYPE_UNIX_FD, &lock, DBUS_TYPE_INVALID)) {
        release(logind);
        logind->lock = lock;
        if (logind->asleep && !logind->fading)
            release(logind);
    } else if (from_logind && !logind->complained) {
        log_notice("logind lets nobody delay the machine's sleep (%s): the music is faded out for "
                   "it all the same, and may be cut short",
                   error.message);
        logind->complained = true;
    }
    dbus_error_free(&error);
    dbus_message_unref(reply);
}

static void ask_for_lock(struct logind *logind)
{
    const char *what = "sleep", *who = "Fermata", *why = "fades the music out", *mode = "delay";
    if (logind->asked || logind->lock >= 0)
        return;
    DBusMessage *call = dbus_message_new_method_call(NAME, PATH, INTERFACE, "Inhibit");
    if (!call)
        return;
    dbus_message_set_auto_start(call, FALSE);
    if (dbus_message_append_args(call, DBUS_TYPE_STRING, &what, DBUS_TYPE_STRING, &who,
                                 DBUS_TYPE_STRING, &why, DBUS_TYPE_STRING, &mode,
                                 DBUS_TYPE_INVALID) &&
        dbus_connection_send_with_reply(logind->connection, call, &logind->asked,
                                        DBUS_TIMEOUT_USE_DEFAULT) &&
        logind->asked && !dbus_pending_call_set_notify(logind->asked, on_lock, logind, NULL))
        take_back_question(logind);
    dbus_message_unref(call);
}

static void on_faded(void *user, uint64_t expirations)
{
    (void)expirations;
    struct logind *logind = user;
    logind->fading = false;
    release(logind);
}

static void go_to_sleep(struct logind *logind)
{
    if (logind->asleep)
        return;
    log_info("the machine goes to sleep");
    logind->asleep = true;
    logind->fading = logind->calls.sleep(logind->calls.user);
    if (logind->fading)
        set_timer(logind, logind->fade, FADE_MS);
    else
        release(logind);
}

static void wake(struct logind *logind)
{
    if (!logind->asleep)
        return;
    log_info("the machine is awake");
    set_timer(logind, logind->fade, 0);
    logind->asleep = logind->fading = false;
    logind->calls.wake(logind->calls.user);
}

static void on_owner(struct logind *logind, DBusMessage *message)
{
    const char *name, *before, *now;
    if (!dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
        !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                               DBUS_TYPE_STRING, &now, DBUS_TYPE_INVALID) ||
        strcmp(name, NAME) != 0)
        return;
    take_back_question(logind);
    release(logind);
    logind->owner[0] = '\0';
    wake(logind);
    if (*now)
        ask_for_lock(logind);
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *user)
{
    (void)connection;
    struct logind *logind = user;
    dbus_bool_t sleep_begins;
    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged")) {
        on_owner(logind, message);
    } else if (dbus_message_is_signal(message, INTERFACE, "PrepareForSleep") &&
               // Anybody may send us a signal; only logind's counts.
               *logind->owner && dbus_message_has_sender(message, logind->owner) &&
               dbus_message_get_args(message, NULL, DBUS_TYPE_BOOLEAN, &sleep_begins,
                                     DBUS_TYPE_INVALID)) {
        if (sleep_begins) {
            go_to_sleep(logind);
        } else {
            wake(logind);
            ask_for_lock(logind);
        }
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void forget_connection(struct logind *logind)
{
    if (!logind->connection)
        return;
    take_back_question(logind);
    dbus_connection_remove_filter(logind->connection, on_message, logind);
    dbus_connection_unref(logind->connection);
    logind->connection = NULL;
    logind->owner[0] = '\0';
    release(logind);
}

static void on_disconnected(void *user)
{
    struct logind *logind = user;
    forget_connection(logind);
    wake(logind);
    set_timer(logind, logind->retry, RETRY_SECONDS * 1000);
}

/** False: there is no bus. */
static bool connect_bus(struct logind *logind)
{
    if (!bus_answers(BUS_SYSTEM))
        return false;
    DBusConnection *connection = spa_dbus_connection_get(logind->wrapper);
    if (!connection || !dbus_connection_add_filter(connection, on_message, logind, NULL))
        return false;
    logind->connection = dbus_connection_ref(connection);
    // Without an error to fill in, nobody waits for the answers.
    dbus_bus_add_match(connection,
                       "type='signal',sender='" NAME "',path='" PATH "',interface='" INTERFACE
                       "',member='PrepareForSleep'",
                       NULL);
    dbus_bus_add_match(connection,
                       "type='signal',sender='" DBUS_SERVICE_DBUS
                       "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" NAME
                       "'",
                       NULL);
    ask_for_lock(logind);
    return true;
}

static void on_retry(void *user, uint64_t expirations)
{
    (void)expirations;
    struct logind *logind = user;
    if (!connect_bus(logind))
        set_timer(logind, logind->retry, RETRY_SECONDS * 1000);
}

static const struct spa_dbus_connection_events connection_events = {
    SPA_VERSION_DBUS_CONNECTION_EVENTS,
    .disconnected = on_disconnected,
};

int logind_new(struct pw_loop *loop, struct pw_context *context, const struct logind_calls *calls,
               struct logind **ret_logind)
{
    uint32_t count;
    const struct spa_support *support = pw_context_get_support(context, &count);
    struct spa_dbus *dbus = spa_support_find(support, count, SPA_TYPE_INTERFACE_DBus);
    if (!dbus) {
        log_error("cannot load SPA's support.dbus; is libspa-0.2-modules installed?");
        return -ENOENT;
    }
    struct logind *logind = calloc(1, sizeof *logind);
    if (!logind)
        return -ENOMEM;
    logind->loop = loop;
    logind->calls = *calls;
    logind->lock = -1;
    logind->retry = pw_loop_add_timer(loop, on_retry, logind);
    logind->fade = pw_loop_add_timer(loop, on_faded, logind);
    logind->wrapper = spa_dbus_get_connection(dbus, SPA_DBUS_TYPE_SYSTEM);
    if (!logind->retry || !logind->fade || !logind->wrapper) {
        logind_free(logind);
        return -ENOMEM;
    }
    spa_dbus_connection_add_listener(logind->wrapper, &logind->hook, &connection_events, logind);
    on_retry(logind, 0);
    *ret_logind = logind;
    return 0;
}

void logind_free(struct logind *logind)
{
    if (!logind)
        return;
    forget_connection(logind);
    if (logind->wrapper) {
        if (logind->hook.link.next)
            spa_hook_remove(&logind->hook);
        spa_dbus_connection_destroy(logind->wrapper);
    }
    if (logind->retry)
        pw_loop_destroy_source(logind->loop, logind->retry);
    if (logind->fade)
        pw_loop_destroy_source(logind->loop, logind->fade);
    free(logind);
}
