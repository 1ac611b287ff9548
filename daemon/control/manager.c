// SPDX-License-Identifier: MIT
#include "control/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>

#include "audio/performer.h"
#include "control/channel.h"
#include "control/channel_parts.h"
#include "control/generator.h"
#include "control/manager_parts.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "log.h"

/** Most nets and composers that can be offered. */
#define NAMES 64

struct manager {
    struct pw_loop *loop;
    struct spa_source *trouble; ///< wakes the main loop from the generator's thread
    struct repertoire *repertoire;
    struct generator *generator;
    struct performer *performer;
    struct channel *main;
    const char *nets[NAMES];
    const char *licences[NAMES]; ///< of each net
    const char *commercial[NAMES];
    size_t net_count;
    size_t commercial_count;
    const char *composers[NAMES];
    size_t composer_count;
    struct manager_listener listener;
};

static void on_changed(void *user, struct channel *channel, const char *property)
{
    struct manager *manager = user;
    if (manager->listener.changed)
        manager->listener.changed(manager->listener.user, channel, property);
}

/** On the generator's thread. */
static void on_trouble(void *user)
{
    struct manager *manager = user;
    pw_loop_signal_event(manager->loop, manager->trouble);
}

static void on_trouble_told(void *user, uint64_t count)
{
    (void)count;
    struct manager *manager = user;
    channel_refresh(manager->main);
    on_changed(manager, NULL, "Device");
    on_changed(manager, NULL, "Driver");
}

static void list_names(struct manager *manager)
{
    for (size_t i = 0; i < repertoire_count(manager->repertoire) && i < NAMES; i++) {
        const struct repertoire_net *net = repertoire_net(manager->repertoire, i);
        manager->licences[manager->net_count] = net->licence;
        manager->nets[manager->net_count++] = net->name;
        if (net->commercial)
            manager->commercial[manager->commercial_count++] = net->name;
        for (const char *const *names = net->composers; *names; names++) {
            size_t k = 0;
            while (k < manager->composer_count && strcmp(manager->composers[k], *names))
                k++;
            if (k == manager->composer_count && k < NAMES)
                manager->composers[manager->composer_count++] = *names;
        }
    }
}

/** The nets that may be played, and on what. */
static int make_generator(struct manager *manager, struct settings *settings)
{
    int r = repertoire_new(settings->models, !strcmp(settings->licence, "commercial"),
                           &manager->repertoire);
    if (r < 0)
        return r;
    list_names(manager);
    repertoire_settle(manager->repertoire, settings);
    struct generator_config config = {
        .device = settings->device,
        .repertoire = manager->repertoire,
        .net = settings->net,
        .lanes = 1,
        .on_trouble = on_trouble,
        .user = manager,
    };
    return generator_new(&config, &manager->generator);
}

int manager_new(struct settings *settings, struct pw_loop *loop, struct pw_context *context,
                struct manager **ret_manager)
{
    struct manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return -ENOMEM;
    manager->loop = loop;
    manager->trouble = pw_loop_add_event(loop, on_trouble_told, manager);
    int r = manager->trouble ? make_generator(manager, settings) : -ENOMEM;
    if (r == 0)
        r = performer_new(&manager->performer);
    if (r == 0) {
        struct channel_config channel = {
            .name = "main",
            .settings = settings,
            .generator = manager->generator,
            .performer = manager->performer,
            .loop = loop,
            .context = context,
            .changed = on_changed,
            .user = manager,
        };
        r = channel_new(&channel, &manager->main);
    }
    if (r == 0)
        r = performer_start(manager->performer);
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
    channel_free(manager->main);
    performer_free(manager->performer);
    generator_free(manager->generator);
    repertoire_free(manager->repertoire);
    if (manager->trouble)
        pw_loop_destroy_source(manager->loop, manager->trouble);
    free(manager);
}

const char *manager_device(const struct manager *manager)
{
    return generator_device(manager->generator);
}

const char *manager_driver(const struct manager *manager)
{
    return generator_driver(manager->generator);
}

size_t manager_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->nets;
    return manager->net_count;
}

size_t manager_commercial_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->commercial;
    return manager->commercial_count;
}

size_t manager_licences(const struct manager *manager, const char *const **ret_licences)
{
    *ret_licences = manager->licences;
    return manager->net_count;
}

const char *const *manager_net_composers(const struct manager *manager, const char *net)
{
    const struct repertoire_net *found = repertoire_find(manager->repertoire, net);
    return found ? found->composers : NULL;
}

size_t manager_composers(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = manager->composers;
    return manager->composer_count;
}

size_t manager_channel_count(const struct manager *manager)
{
    return manager->main ? 1 : 0;
}

struct channel *manager_channel(const struct manager *manager, size_t index)
{
    return index == 0 ? manager->main : NULL;
}

struct channel *manager_find_channel(const struct manager *manager, const char *name)
{
    return manager->main && !strcmp(channel_name(manager->main), name) ? manager->main : NULL;
}

void manager_set_listener(struct manager *manager, const struct manager_listener *listener)
{
    manager->listener = listener ? *listener : (struct manager_listener){0};
}

bool manager_is_alive(struct manager *manager)
{
    return channel_is_alive(manager->main);
}

void manager_resume(struct manager *manager)
{
    channel_resume(manager->main);
}

void manager_fade_out(struct manager *manager)
{
    channel_fade_out(manager->main);
}
