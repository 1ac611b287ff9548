// SPDX-License-Identifier: MIT
#include "control/roster_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct roster_channel *roster_find(const struct roster *roster, const char *name)
{
    for (size_t i = 0; i < roster->count; i++)
        if (!strcmp(roster->channels[i]->name, name))
            return roster->channels[i];
    return NULL;
}

struct roster_channel *roster_make(struct roster *roster, const char *name)
{
    struct roster_channel *channel = roster_find(roster, name);
    if (channel || roster->count > ROSTER_CHANNELS)
        return channel;
    channel = calloc(1, sizeof *channel);
    if (!channel)
        return NULL;
    snprintf(channel->name, sizeof channel->name, "%s", name);
    settings_init(&channel->file);
    settings_init(&channel->state);
    roster->channels[roster->count++] = channel;
    return channel;
}

int roster_new(struct roster **ret_roster)
{
    struct roster *roster = calloc(1, sizeof *roster);
    if (!roster)
        return -ENOMEM;
    if (!roster_make(roster, "main")) {
        free(roster);
        return -ENOMEM;
    }
    *ret_roster = roster;
    return 0;
}

static void free_channel(struct roster_channel *channel)
{
    schedule_finish(&channel->file_schedule);
    schedule_finish(&channel->state_schedule);
    free(channel);
}

/** What the state file says of it is void. */
static void forget(struct roster_channel *channel)
{
    settings_init(&channel->state);
    schedule_finish(&channel->state_schedule);
    channel->rescheduled = false;
    channel->followed = 0;
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    for (size_t i = 0; i < roster->count; i++)
        free_channel(roster->channels[i]);
    free(roster);
}

const struct settings *roster_defaults(const struct roster *roster)
{
    return &roster->channels[0]->file;
}

/** The channel number `index` of those besides "main" that are not removed. */
static struct roster_channel *nth(const struct roster *roster, size_t index)
{
    for (size_t i = 1; i < roster->count; i++)
        if (!roster->channels[i]->removed && index-- == 0)
            return roster->channels[i];
    return NULL;
}

size_t roster_count(const struct roster *roster)
{
    size_t count = 0;
    while (nth(roster, count))
        count++;
    return count;
}

const char *roster_name(const struct roster *roster, size_t index)
{
    return nth(roster, index)->name;
}

bool roster_knows(const struct roster *roster, const char *name)
{
    const struct roster_channel *channel = roster_find(roster, name);
    return channel && !channel->removed;
}

void roster_swap(struct roster *roster, struct roster *other)
{
    struct roster kept = *roster;
    *roster = *other;
    *other = kept;
}

void roster_apply_state(const struct roster *roster, struct settings *settings)
{
    settings_lay_over(settings, &roster->channels[0]->state);
}

void roster_settings(const struct roster *roster, const char *name, const struct settings *daemon,
                     struct settings *ret_settings)
{
    struct settings settings;
    settings_init(&settings);
    snprintf(settings.channel, sizeof settings.channel, "%s", name);
    for (int i = 0; settings_keys[i].key; i++) {
        if (settings_keys[i].scope == SETTINGS_DAEMON)
            settings_copy(&settings, daemon, i);
        else if (settings_keys[i].scope == SETTINGS_CHANNEL)
            settings_copy(&settings, roster_defaults(roster), i);
    }
    const struct roster_channel *channel = roster_find(roster, name);
    if (channel) {
        settings_lay_over(&settings, &channel->file);
        settings_lay_over(&settings, &channel->state);
    }
    *ret_settings = settings;
}

int roster_add(struct roster *roster, const struct settings *wish)
{
    if (settings_check_name(wish->channel) < 0)
        return -EINVAL;
    struct roster_channel *channel = roster_find(roster, wish->channel);
    if (channel && !channel->removed)
        return -EEXIST;
    if (!channel && roster->count > ROSTER_CHANNELS)
        return -ENOSPC;
    channel = roster_make(roster, wish->channel);
    if (!channel)
        return -ENOMEM;
    channel->removed = false;
    forget(channel);
    settings_lay_over(&channel->state, wish);
    // So its section is never empty.
    const char *why;
    if (!(channel->state.given & UINT64_C(1) << settings_find_key("autostart")))
        settings_set(&channel->state, "autostart", "no", &why);
    roster_write(roster, "channel", wish->channel);
    return 0;
}

int roster_remove(struct roster *roster, const char *name)
{
    struct roster_channel *channel = roster_find(roster, name);
    if (!channel || channel->removed)
        return -ENOENT;
    if (channel == roster->channels[0])
        return -EPERM;
    channel->removed = true;
    forget(channel);
    if (!channel->configured) {
        size_t i = 0;
        while (roster->channels[i] != channel)
            i++;
        for (roster->count--; i < roster->count; i++)
            roster->channels[i] = roster->channels[i + 1];
        free_channel(channel);
    }
    roster_write(roster, "channel removed", name);
    return 0;
}

int roster_remember(struct roster *roster, const char *channel, const char *key, const char *value)
{
    struct roster_channel *found = roster_find(roster, channel);
    const char *why;
    if (!found)
        return -ENOENT;
    int r = settings_set(&found->state, key, value, &why);
    return r < 0 ? r : roster_write(roster, key, value);
}

static const struct schedule nothing;

const struct schedule *roster_schedule(const struct roster *roster, const char *channel)
{
    const struct roster_channel *found = roster_find(roster, channel);
    if (!found || found->removed)
        return &nothing;
    return found->rescheduled ? &found->state_schedule : &found->file_schedule;
}

/** The schedule that may be changed: a copy of the settings file's at first. */
static int reschedule(struct roster_channel *channel)
{
    int r = 0;
    if (!channel->rescheduled)
        r = schedule_copy(&channel->state_schedule, &channel->file_schedule);
    channel->rescheduled = r == 0;
    return r;
}

int roster_schedule_add(struct roster *roster, const char *channel, const char *text, time_t now,
                        const char **ret_why)
{
    struct roster_channel *found = roster_find(roster, channel);
    *ret_why = "is of a channel that is not there";
    if (!found)
        return -ENOENT;
    int r = reschedule(found);
    if (r == 0)
        r = schedule_add(&found->state_schedule, text, ret_why);
    if (r < 0)
        return r;
    roster_set_followed(roster, channel, now, true);
    return 0;
}

int roster_schedule_remove(struct roster *roster, const char *channel, const char *text, time_t now)
{
    struct roster_channel *found = roster_find(roster, channel);
    int r = found ? reschedule(found) : -ENOENT;
    if (r == 0)
        r = schedule_remove(&found->state_schedule, text);
    if (r < 0)
        return r;
    roster_set_followed(roster, channel, now, true);
    return 0;
}

time_t roster_followed(const struct roster *roster, const char *channel)
{
    const struct roster_channel *found = roster_find(roster, channel);
    bool same = found && found->followed_hash == schedule_hash(roster_schedule(roster, channel));
    return same ? found->followed : 0;
}

void roster_set_followed(struct roster *roster, const char *channel, time_t now, bool remember)
{
    struct roster_channel *found = roster_find(roster, channel);
    if (!found)
        return;
    found->followed = now;
    found->followed_hash = schedule_hash(roster_schedule(roster, channel));
    if (remember)
        roster_write(roster, "schedule of", channel);
}
