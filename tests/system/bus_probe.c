// SPDX-License-Identifier: MIT
/**
 * bus_probe: the bus and the feed of the daemon over channels that exist in memory only, for
 * test_bus.py: no net, no sound, no device. It plays scales of its own to the feed.
 *
 * bus_probe [--still] [--system]   --still: stopped at first, as a daemon without autostart;
 *                                   --system: on the system bus
 */
#include "bus_probe.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>

#include "control/bus.h"
#include "control/feed.h"
#include "log.h"

static const char *const licences[] = {"CC BY-NC-SA 4.0", "CC BY-NC-SA 4.0", "CC BY-SA 4.0"};
static const char *const satie[] = {"satie", NULL};

bool manager_forbids_net(const struct manager *manager, const char *net)
{
    return !strcmp(net, "lstm-private");
}

size_t manager_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = probe_nets;
    return 3;
}

size_t manager_commercial_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = probe_nets + 2;
    return 1;
}

size_t manager_licences(const struct manager *manager, const char *const **ret_licences)
{
    *ret_licences = licences;
    return 3;
}

const char *const *manager_net_composers(const struct manager *manager, const char *net)
{
    return strcmp(net, probe_nets[2]) ? probe_composers : satie;
}

size_t manager_composers(const struct manager *manager, const char *const **ret_names)
{
    static const char *const all[] = {"bach", "chopin", "debussy", "satie"};
    *ret_names = all;
    return 4;
}

size_t manager_channel_count(const struct manager *manager)
{
    return manager->count;
}

struct channel *manager_channel(const struct manager *manager, size_t index)
{
    return manager->channels[index];
}

static struct channel *make_channel(struct manager *manager, const char *name)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel || feed_new(name, &channel->feed) < 0)
        exit(EXIT_FAILURE);
    snprintf(channel->name, sizeof channel->name, "%s", name);
    snprintf(channel->composer, sizeof channel->composer, "chopin");
    snprintf(channel->net, sizeof channel->net, "lstm-maestro");
    snprintf(channel->sampling, sizeof channel->sampling, "sample");
    snprintf(channel->profile, sizeof channel->profile, "room");
    snprintf(channel->output, sizeof channel->output, "stream");
    snprintf(channel->piece_length, sizeof channel->piece_length, "2-5");
    channel->manager = manager;
    channel->threshold = 0.5;
    channel->volume = 0.8;
    channel->reseed_interval = 30;
    manager->channels[manager->count++] = channel;
    return channel;
}

int manager_add_channel(struct manager *manager, struct settings *wish,
                        struct channel **ret_channel)
{
    if (!wish->net[0])
        snprintf(wish->net, sizeof wish->net, "lstm-maestro");
    if (manager->count == MANAGER_CHANNELS)
        return -ENOSPC;
    for (size_t i = 0; i < manager->count; i++)
        if (!strcmp(manager->channels[i]->name, wish->channel))
            return -EEXIST;
    if (!probe_knows(probe_nets, 3, wish->net))
        return -ENOENT;
    if (!probe_knows(strcmp(wish->net, probe_nets[2]) ? probe_composers : satie,
                     strcmp(wish->net, probe_nets[2]) ? 3 : 1, wish->composer))
        return -ENOTSUP;
    struct channel *channel = make_channel(manager, wish->channel);
    snprintf(channel->composer, sizeof channel->composer, "%s", wish->composer);
    snprintf(channel->net, sizeof channel->net, "%s", wish->net);
    snprintf(channel->profile, sizeof channel->profile, "%s", wish->profile);
    channel->threshold = wish->threshold;
    channel->volume = wish->volume;
    ending_write_length(&wish->piece_length, channel->piece_length);
    snprintf(channel->rtp, sizeof channel->rtp, "%s", wish->rtp);
    if (manager->listener.added)
        manager->listener.added(manager->listener.user, channel);
    if (wish->autostart)
        channel_start(channel);
    *ret_channel = channel;
    return 0;
}

int manager_remove_channel(struct manager *manager, const char *name)
{
    size_t i = 0;
    while (i < manager->count && strcmp(manager->channels[i]->name, name))
        i++;
    if (i == 0 || i == manager->count)
        return i ? -ENOENT : -EPERM;
    struct channel *channel = manager->channels[i];
    for (manager->count--; i < manager->count; i++)
        manager->channels[i] = manager->channels[i + 1];
    if (manager->listener.removed)
        manager->listener.removed(manager->listener.user, channel);
    feed_free(channel->feed);
    schedule_finish(&channel->schedule);
    free(channel);
    return 0;
}

const struct schedule *manager_schedule(const struct manager *manager, const char *channel)
{
    size_t i = 0;
    while (strcmp(manager->channels[i]->name, channel))
        i++;
    return &manager->channels[i]->schedule;
}

static int announce_schedule(struct manager *manager, const struct schedule *schedule, int r)
{
    for (size_t i = 0; r == 0 && i < manager->count; i++)
        if (&manager->channels[i]->schedule == schedule && manager->listener.changed)
            manager->listener.changed(manager->listener.user, manager->channels[i], "Schedule");
    return r;
}

int manager_add_schedule(struct manager *manager, const char *channel, const char *text,
                         const char **ret_why)
{
    struct schedule *schedule = (struct schedule *)manager_schedule(manager, channel);
    return announce_schedule(manager, schedule, schedule_add(schedule, text, ret_why));
}

int manager_remove_schedule(struct manager *manager, const char *channel, const char *text)
{
    struct schedule *schedule = (struct schedule *)manager_schedule(manager, channel);
    return announce_schedule(manager, schedule, schedule_remove(schedule, text));
}

void manager_set_listener(struct manager *manager, const struct manager_listener *listener)
{
    manager->listener = listener ? *listener : (struct manager_listener){0};
}

// A wandering broken chord: something to look at in a piano roll.
static void on_beat(void *user, uint64_t expirations)
{
    struct channel *channel = ((struct manager *)user)->channels[0];
    static const int steps[] = {0, 4, 7, 12, 16, 12, 7, 4};
    if (channel->state != CHANNEL_PLAYING)
        return;
    uint64_t n = channel->notes++;
    int root = 48 + (int)(12 * sin((double)n / 17)) / 2 * 2;
    int64_t length = n % 8 == 0 ? 1500000 : 150000 + (int64_t)(n * 7 % 5) * 60000;
    struct score_event on = {channel->time, length, (uint8_t)(root + steps[n % 8]),
                             (uint8_t)(70 + 50 * sin((double)n / 5))};
    if (n % 8 == 0)
        on.pitch -= 12;
    feed_event(channel->feed, &on, (uint64_t)channel->time * 48 / 1000, 9600);
    channel->time += 100000;
}

static void on_signal(void *user, int number)
{
    pw_main_loop_quit(user);
}

int main(int argc, char **argv)
{
    bool still = false, system = false;
    for (int i = 1; i < argc; i++) {
        still = still || !strcmp(argv[i], "--still");
        system = system || !strcmp(argv[i], "--system");
    }
    signal(SIGPIPE, SIG_IGN);
    pw_init(NULL, NULL);
    struct pw_main_loop *main_loop = pw_main_loop_new(NULL);
    struct pw_loop *loop = pw_main_loop_get_loop(main_loop);
    // Before the context: its data thread inherits the blocked signals.
    pw_loop_add_signal(loop, SIGTERM, on_signal, main_loop);
    pw_loop_add_signal(loop, SIGINT, on_signal, main_loop);
    struct pw_context *context =
        pw_context_new(loop, pw_properties_new("support.dbus", "true", NULL), 0);

    struct manager manager = {0};
    make_channel(&manager, "main")->state = still ? CHANNEL_STOPPED : CHANNEL_PLAYING;
    make_channel(&manager, "queue-1");

    struct bus *bus = NULL;
    int r = bus_new(loop, context, &manager, system ? BUS_SYSTEM : BUS_SESSION, &bus);
    if (r == 0) {
        struct spa_source *beat = pw_loop_add_timer(loop, on_beat, &manager);
        struct timespec period = {.tv_nsec = 100000000};
        pw_loop_update_timer(loop, beat, &period, &period, false);
        pw_main_loop_run(main_loop);
        log_info("%sconnected at the end", bus_is_connected(bus) ? "" : "not ");
        pw_loop_destroy_source(loop, beat);
    }

    bus_free(bus);
    for (size_t i = 0; i < manager.count; i++) {
        feed_free(manager.channels[i]->feed);
        schedule_finish(&manager.channels[i]->schedule);
        free(manager.channels[i]);
    }
    pw_context_destroy(context);
    pw_main_loop_destroy(main_loop);
    pw_deinit();
    return r < 0 ? -r : 0;
}
