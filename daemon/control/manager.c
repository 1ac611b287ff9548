// SPDX-License-Identifier: MIT
#include "control/manager_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pipewire/pipewire.h>

#include "audio/performer.h"
#include "audio/pump.h"
#include "control/channel.h"
#include "control/channel_parts.h"
#include "control/generator.h"
#include "control/repertoire.h"
#include "control/roster.h"
#include "control/schedule.h"
#include "control/settings.h"
#include "control/timetable.h"
#include "log.h"

void manager_changed(void *user, struct channel *channel, const char *property)
{
    struct manager *manager = user;
    bool there = !channel;
    for (size_t i = 0; i < manager->channel_count; i++)
        there = there || manager->channels[i] == channel;
    if (there && manager->listener.changed)
        manager->listener.changed(manager->listener.user, channel, property);
}

/** On the generator's thread. */
static void on_trouble(void *user)
{
    struct manager *manager = user;
    pw_loop_signal_event(manager->loop, manager->trouble);
}

/** Nets can be read that could not before. Who is to hear a composer that only the phrases had
 * hears one that the net has. */
static void on_offers(struct manager *manager)
{
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_fit_composer(manager->channels[i]);
    manager_changed(manager, NULL, "Nets");
    manager_changed(manager, NULL, "CommercialNets");
    manager_changed(manager, NULL, "NetLicences");
    manager_changed(manager, NULL, "Composers");
}

static void on_trouble_told(void *user, uint64_t count)
{
    (void)count;
    struct manager *manager = user;
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_refresh(manager->channels[i]);
    manager_changed(manager, NULL, "Device");
    manager_changed(manager, NULL, "Driver");
    if (offers_take(&manager->offers, manager->repertoire))
        on_offers(manager);
}

/** How many channels will play on the net of "main". */
static size_t count_beside_main(const struct manager *manager)
{
    size_t count = 1;
    for (size_t i = 0; i < roster_count(manager->roster); i++) {
        struct settings settings;
        roster_settings(manager->roster, roster_name(manager->roster, i), manager->settings,
                        &settings);
        count += !settings.net[0] || !strcmp(settings.net, manager->settings->net);
    }
    return count < MANAGER_CHANNELS ? count : MANAGER_CHANNELS;
}

/** The nets that may be played, and on what. */
static int make_generator(struct manager *manager)
{
    struct settings *settings = manager->settings;
    int r = repertoire_new_patient(settings->models, !strcmp(settings->licence, "commercial"),
                                   &manager->repertoire);
    if (r < 0)
        return r;
    offers_take(&manager->offers, manager->repertoire);
    r = repertoire_settle(manager->repertoire, settings);
    if (r < 0)
        return r;
    struct generator_config config = {
        .device = settings->device,
        .repertoire = manager->repertoire,
        .net = settings->net,
        .lanes = count_beside_main(manager),
        .patient = true,
        .on_trouble = on_trouble,
        .user = manager,
    };
    return generator_new(&config, &manager->generator);
}

/** An entry of a schedule has struck. */
static void on_struck(void *user, const char *name, const char *key, const char *value)
{
    struct manager *manager = user;
    struct channel *channel = manager_find_channel(manager, name);
    int r = channel ? channel_change(channel, key, value) : 0;
    if (r < 0)
        log_warning("channel %s: what is scheduled cannot be done: %s %s: %s", name, key, value,
                    r == -ENOENT    ? "there is no such one here"
                    : r == -ENOTSUP ? "the net does not offer the channel's composer"
                                    : strerror(-r));
}

static int make_timetable(struct manager *manager)
{
    return timetable_new(
        &(struct timetable_config){
            .loop = manager->loop, .roster = manager->roster, .act = on_struck, .user = manager},
        &manager->timetable);
}

int manager_new(struct settings *settings, struct roster *roster, struct pw_loop *loop,
                struct pw_context *context, struct manager **ret_manager)
{
    struct manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return -ENOMEM;
    manager->settings = settings;
    manager->roster = roster;
    manager->loop = loop;
    manager->context = context;
    manager->trouble = pw_loop_add_event(loop, on_trouble_told, manager);
    manager->going_timer = pw_loop_add_timer(loop, manager_on_going, manager);
    int r = manager->trouble && manager->going_timer ? make_generator(manager) : -ENOMEM;
    if (r == 0)
        r = performer_new(&manager->performer);
    if (r == 0)
        r = pump_new(&manager->pump);
    if (r == 0)
        r = manager_make_channels(manager);
    if (r == 0)
        r = make_timetable(manager);
    if (r == 0)
        timetable_check(manager->timetable, &manager->offers);
    if (r == 0)
        r = performer_start(manager->performer);
    if (r == 0)
        r = pump_start(manager->pump);
    if (r == 0)
        r = generator_start(manager->generator);
    if (r < 0) {
        manager_free(manager);
        return r;
    }
    *ret_manager = manager;
    return 0;
}

void manager_free(struct manager *manager)
{
    if (!manager)
        return;
    timetable_free(manager->timetable);
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_free(manager->channels[i]);
    for (size_t i = 0; i < manager->going_count; i++)
        channel_free(manager->going[i]);
    pump_free(manager->pump);
    performer_free(manager->performer);
    generator_free(manager->generator);
    repertoire_free(manager->repertoire);
    if (manager->trouble)
        pw_loop_destroy_source(manager->loop, manager->trouble);
    if (manager->going_timer)
        pw_loop_destroy_source(manager->loop, manager->going_timer);
    free(manager);
}

bool manager_stop(struct manager *manager)
{
    return generator_stop(manager->generator);
}

const struct schedule *manager_schedule(const struct manager *manager, const char *channel)
{
    return roster_schedule(manager->roster, channel);
}

/** After a channel's schedule was changed. */
static void reschedule(struct manager *manager, const char *channel)
{
    timetable_follow(manager->timetable);
    manager_changed(manager, manager_find_channel(manager, channel), "Schedule");
}

int manager_add_schedule(struct manager *manager, const char *channel, const char *text,
                         const char **ret_why)
{
    timetable_follow(manager->timetable);
    int r = roster_schedule_add(manager->roster, channel, text, time(NULL), ret_why);
    if (r == 0)
        reschedule(manager, channel);
    return r;
}

int manager_remove_schedule(struct manager *manager, const char *channel, const char *text)
{
    timetable_follow(manager->timetable);
    int r = roster_schedule_remove(manager->roster, channel, text, time(NULL));
    if (r == 0)
        reschedule(manager, channel);
    return r;
}

const char *manager_device(const struct manager *manager)
{
    return generator_device(manager->generator);
}

const char *manager_driver(const struct manager *manager)
{
    return generator_driver(manager->generator);
}

bool manager_forbids_net(const struct manager *manager, const char *net)
{
    return repertoire_forbids(manager->repertoire, net);
}

size_t manager_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->offers.nets;
    return manager->offers.net_count;
}

size_t manager_commercial_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->offers.commercial;
    return manager->offers.commercial_count;
}

size_t manager_licences(const struct manager *manager, const char *const **ret_licences)
{
    *ret_licences = manager->offers.licences;
    return manager->offers.net_count;
}

const char *const *manager_net_composers(const struct manager *manager, const char *net)
{
    const struct repertoire_net *found = repertoire_find(manager->repertoire, net);
    return found ? found->composers : NULL;
}

size_t manager_composers(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->offers.composers;
    return manager->offers.composer_count;
}

size_t manager_channel_count(const struct manager *manager)
{
    return manager->channel_count;
}

struct channel *manager_channel(const struct manager *manager, size_t index)
{
    return manager->channels[index];
}

void manager_set_listener(struct manager *manager, const struct manager_listener *listener)
{
    manager->listener = listener ? *listener : (struct manager_listener){0};
}

bool manager_is_alive(struct manager *manager)
{
    bool alive = true;
    for (size_t i = 0; i < manager->channel_count; i++)
        alive = channel_is_alive(manager->channels[i]) && alive;
    return alive;
}

void manager_resume(struct manager *manager)
{
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_resume(manager->channels[i]);
    timetable_follow(manager->timetable);
}

void manager_fade_out(struct manager *manager)
{
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_fade_out(manager->channels[i]);
}

bool manager_sleep(struct manager *manager)
{
    bool played = false;
    for (size_t i = 0; i < manager->channel_count; i++)
        played = channel_sleep(manager->channels[i]) || played;
    return played;
}

void manager_wake(struct manager *manager)
{
    for (size_t i = 0; i < manager->channel_count; i++)
        channel_wake(manager->channels[i]);
}
