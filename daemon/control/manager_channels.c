// SPDX-License-Identifier: MIT
// Which channels there are: those of the files, those that are added, those that are removed.
#include "control/manager_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <pipewire/pipewire.h>

#include "control/channel.h"
#include "control/channel_parts.h"
#include "control/repertoire.h"
#include "control/rival.h"
#include "control/roster.h"
#include "control/settings.h"
#include "control/timetable.h"
#include "log.h"

/** From a channel's fade-out to its end; and between two looks whether it can end. */
#define GOING_MS 120

struct channel *manager_find_channel(const struct manager *manager, const char *name)
{
    for (size_t i = 0; i < manager->channel_count; i++)
        if (!strcmp(channel_name(manager->channels[i]), name))
            return manager->channels[i];
    return NULL;
}

static int make_channel(struct manager *manager, const struct settings *settings)
{
    struct channel_config config = {
        .settings = settings,
        .roster = manager->roster,
        .generator = manager->generator,
        .performer = manager->performer,
        .pump = manager->pump,
        .loop = manager->loop,
        .context = manager->context,
        .changed = manager_changed,
        .user = manager,
    };
    int r = channel_new(&config, &manager->channels[manager->channel_count]);
    manager->channel_count += r == 0;
    return r;
}

int manager_make_channels(struct manager *manager)
{
    int r = make_channel(manager, manager->settings);
    for (size_t i = 0; r == 0 && i < roster_count(manager->roster); i++) {
        struct settings settings;
        roster_settings(manager->roster, roster_name(manager->roster, i), manager->settings,
                        &settings);
        repertoire_settle(manager->repertoire, &settings);
        if (make_channel(manager, &settings) < 0)
            log_warning("going on without channel %s", settings.channel);
    }
    rival_warn(manager);
    return r;
}

/** Returns 0; -ENOSPC: there are too many; -EBUSY: there will be room when those that are removed
 * have gone; or what making it says. */
static int begin_channel(struct manager *manager, const struct settings *settings)
{
    if (manager->channel_count == MANAGER_CHANNELS)
        return -ENOSPC;
    if (manager->channel_count + manager->going_count == MANAGER_CHANNELS)
        return -EBUSY;
    int r = make_channel(manager, settings);
    if (r < 0)
        return r;
    struct channel *channel = manager->channels[manager->channel_count - 1];
    if (manager->listener.added)
        manager->listener.added(manager->listener.user, channel);
    channel_resume(channel);
    return 0;
}

/** The same for a channel of a file: where it cannot be, that is logged. */
static void begin_configured(struct manager *manager, const struct settings *settings)
{
    int r = begin_channel(manager, settings);
    manager->left_out = manager->left_out || r == -EBUSY || r == -ENOSPC;
    if (r == -ENOSPC)
        log_warning("channel %s has no place among %d; it is made when one is removed",
                    settings->channel, MANAGER_CHANNELS);
    else if (r < 0 && r != -EBUSY)
        log_warning("going on without channel %s", settings->channel);
}

/** Those of the files that had no place. */
static void make_missing(struct manager *manager)
{
    manager->left_out = false;
    for (size_t i = 0; i < roster_count(manager->roster); i++) {
        const char *name = roster_name(manager->roster, i);
        struct settings settings;
        if (manager_find_channel(manager, name))
            continue;
        roster_settings(manager->roster, name, manager->settings, &settings);
        repertoire_settle(manager->repertoire, &settings);
        begin_configured(manager, &settings);
    }
    rival_warn(manager);
    timetable_follow(manager->timetable);
}

static void set_going_timer(struct manager *manager)
{
    struct timespec wait = {0, GOING_MS * 1000000L};
    pw_loop_update_timer(manager->loop, manager->going_timer, &wait, NULL, false);
}

void manager_on_going(void *user, uint64_t expirations)
{
    (void)expirations;
    struct manager *manager = user;
    size_t left = 0;
    for (size_t i = 0; i < manager->going_count; i++) {
        if (channel_let_go(manager->going[i]))
            channel_free(manager->going[i]);
        else
            manager->going[left++] = manager->going[i];
    }
    bool freed = left < manager->going_count;
    manager->going_count = left;
    if (left)
        set_going_timer(manager);
    if (freed && manager->left_out)
        make_missing(manager);
}

/** Fits net and composer to each other as far as nobody has said them. */
static int settle(struct manager *manager, struct settings *settings, struct settings *wish)
{
    if (!settings->net[0])
        snprintf(settings->net, sizeof settings->net, "%s",
                 repertoire_default(manager->repertoire)->name);
    memcpy(wish->net, settings->net, sizeof wish->net);
    const struct repertoire_net *net = repertoire_find(manager->repertoire, settings->net);
    if (!net)
        return -ENOENT;
    bool asked = wish->given & UINT64_C(1) << settings_find_key("composer");
    if (!repertoire_offers(net, settings->composer) && !asked)
        snprintf(settings->composer, sizeof settings->composer, "%s",
                 repertoire_fit(net, settings->composer));
    memcpy(wish->composer, settings->composer, sizeof wish->composer);
    return repertoire_offers(net, settings->composer) ? 0 : -ENOTSUP;
}

int manager_add_channel(struct manager *manager, struct settings *wish,
                        struct channel **ret_channel)
{
    if (settings_check_name(wish->channel) < 0)
        return -EINVAL;
    if (manager_find_channel(manager, wish->channel))
        return -EEXIST;
    struct settings settings;
    roster_settings(manager->roster, wish->channel, manager->settings, &settings);
    settings_lay_over(&settings, wish);
    int r = settle(manager, &settings, wish);
    if (r == 0)
        r = begin_channel(manager, &settings);
    if (r < 0)
        return r;
    r = roster_add(manager->roster, wish);
    if (r < 0)
        log_warning("channel %s cannot be remembered: %s; it is there until the daemon ends",
                    wish->channel, strerror(-r));
    if (!(wish->given & UINT64_C(1) << settings_find_key("rtp")))
        rival_warn(manager); // a file may say it
    timetable_follow(manager->timetable);
    *ret_channel = manager->channels[manager->channel_count - 1];
    return 0;
}

int manager_remove_channel(struct manager *manager, const char *name)
{
    size_t i = 0;
    while (i < manager->channel_count && strcmp(channel_name(manager->channels[i]), name))
        i++;
    if (i == manager->channel_count)
        return -ENOENT;
    if (i == 0)
        return -EPERM;
    struct channel *channel = manager->channels[i];
    for (manager->channel_count--; i < manager->channel_count; i++)
        manager->channels[i] = manager->channels[i + 1];
    channel_hush(channel); // and the copy of what was repeated goes
    roster_remove(manager->roster, name);
    if (manager->listener.removed)
        manager->listener.removed(manager->listener.user, channel);
    channel_fade_out(channel);
    manager->going[manager->going_count++] = channel;
    set_going_timer(manager);
    timetable_follow(manager->timetable);
    return 0;
}

void manager_apply(struct manager *manager, struct settings *settings)
{
    repertoire_settle(manager->repertoire, settings);
    channel_apply(manager->channels[0], settings);
    for (size_t i = 0; i < roster_count(manager->roster); i++) {
        struct settings own;
        const char *name = roster_name(manager->roster, i);
        struct channel *channel = manager_find_channel(manager, name);
        roster_settings(manager->roster, name, settings, &own);
        repertoire_settle(manager->repertoire, &own);
        if (channel)
            channel_apply(channel, &own);
        else
            begin_configured(manager, &own);
    }
    for (size_t i = 1; i < manager->channel_count; i++) {
        const char *name = channel_name(manager->channels[i]);
        if (!roster_knows(manager->roster, name))
            log_notice("channel %s is in no file any more; a restart ends it", name);
    }
    rival_warn(manager);
    timetable_check(manager->timetable, &manager->offers);
    timetable_follow(manager->timetable);
    for (size_t i = 0; i < manager->channel_count; i++)
        manager_changed(manager, manager->channels[i], "Schedule");
}
