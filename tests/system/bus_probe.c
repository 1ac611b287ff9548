// SPDX-License-Identifier: MIT
/**
 * bus_probe: the bus and the feed of the daemon over channels that exist in memory only, for
 * test_bus.py: no net, no sound, no device. It plays scales of its own to the feed.
 *
 * bus_probe [--still] [--system]   --still: stopped at first, as a daemon without autostart;
 *                                   --system: on the system bus
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>

#include "control/bus.h"
#include "control/channel.h"
#include "control/feed.h"
#include "control/manager.h"
#include "control/settings.h"
#include "log.h"
#include "music/ending.h"
#include "music/opening.h"

struct channel {
    char name[SETTINGS_NAME_ROOM];
    struct manager *manager;
    enum channel_state state;
    char composer[32], net[64], sampling[8], profile[16], piece_length[ENDING_LENGTH_ROOM],
        title[128];
    unsigned pieces;
    double threshold, volume;
    uint32_t reseed_interval;
    uint64_t reseeds, notes;
    int64_t time; // microseconds
    struct feed *feed;
};

struct manager {
    struct manager_listener listener;
    struct channel *channels[MANAGER_CHANNELS];
    size_t count;
};

static const char *const nets[] = {"lstm-maestro", "conv1d-maestro", "satie-open"};
static const char *const licences[] = {"CC BY-NC-SA 4.0", "CC BY-NC-SA 4.0", "CC BY-SA 4.0"};
static const char *const composers[] = {"bach", "chopin", "debussy", NULL};
static const char *const satie[] = {"satie", NULL};

static void tell(struct channel *channel, const char *property)
{
    if (channel->manager->listener.changed)
        channel->manager->listener.changed(channel->manager->listener.user, channel, property);
}

static bool known(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static int set_text(struct channel *channel, char *field, size_t room, const char *const *names,
                    size_t count, const char *value, const char *property)
{
    if (!known(names, count, value))
        return -ENOENT;
    bool same = !strcmp(field, value);
    snprintf(field, room, "%s", value);
    if (!same)
        tell(channel, property);
    return 0;
}

static int set_number(struct channel *channel, double *field, double value, const char *property)
{
    if (!(value >= 0 && value <= 1))
        return -ERANGE;
    *field = value;
    tell(channel, property);
    return 0;
}

const char *channel_state_name(enum channel_state state)
{
    static const char *const names[] = {"stopped", "starting", "playing", "waiting", "degraded"};
    return names[state];
}

const char *channel_name(const struct channel *channel)
{
    return channel->name;
}

enum channel_state channel_state(const struct channel *channel)
{
    return channel->state;
}

const char *channel_state_reason(const struct channel *channel)
{
    return "";
}

static void set_state(struct channel *channel, enum channel_state state)
{
    if (channel->state == state)
        return;
    channel->state = state;
    feed_mark(channel->feed, "state", channel->time, channel_state_name(state));
    tell(channel, "State");
}

void channel_start(struct channel *channel)
{
    set_state(channel, CHANNEL_PLAYING);
}

void channel_stop(struct channel *channel)
{
    set_state(channel, CHANNEL_STOPPED);
}

void channel_skip(struct channel *channel)
{
    snprintf(channel->title, sizeof(channel->title), "Piece no. %u", ++channel->pieces);
    feed_mark(channel->feed, "piece", channel->time, channel->composer);
    tell(channel, "Title");
}

void channel_continue(struct channel *channel, const struct opening *opening)
{
    snprintf(channel->title, sizeof(channel->title), "Piece of %zu notes", opening->count);
    feed_mark(channel->feed, "piece", channel->time, "given");
    tell(channel, "Title");
}

void channel_reseed(struct channel *channel)
{
    channel->reseeds++;
    feed_mark(channel->feed, "reseed", channel->time, "asked");
    tell(channel, "Reseeds");
}

const char *channel_composer(const struct channel *channel)
{
    return channel->composer;
}

int channel_set_composer(struct channel *channel, const char *composer)
{
    return set_text(channel, channel->composer, sizeof(channel->composer), composers, 3, composer,
                    "Composer");
}

double channel_threshold(const struct channel *channel)
{
    return channel->threshold;
}

int channel_set_threshold(struct channel *channel, double threshold)
{
    return set_number(channel, &channel->threshold, threshold, "Threshold");
}

const char *channel_sampling(const struct channel *channel)
{
    return channel->sampling;
}

int channel_set_sampling(struct channel *channel, const char *sampling)
{
    static const char *const names[] = {"sample", "hard"};
    return set_text(channel, channel->sampling, sizeof(channel->sampling), names, 2, sampling,
                    "Sampling");
}

const char *channel_net(const struct channel *channel)
{
    return channel->net;
}

int channel_set_net(struct channel *channel, const char *net)
{
    if (!strcmp(net, nets[2]))
        return -ENOTSUP;
    return set_text(channel, channel->net, sizeof(channel->net), nets, 2, net, "Net");
}

const char *const *channel_composers(const struct channel *channel)
{
    return composers;
}

double channel_volume(const struct channel *channel)
{
    return channel->volume;
}

int channel_set_volume(struct channel *channel, double volume)
{
    return set_number(channel, &channel->volume, volume, "Volume");
}

const char *channel_profile(const struct channel *channel)
{
    return channel->profile;
}

int channel_set_profile(struct channel *channel, const char *profile)
{
    static const char *const names[] = {"room", "telephone", "raw"};
    return set_text(channel, channel->profile, sizeof(channel->profile), names, 3, profile,
                    "Profile");
}

uint32_t channel_reseed_interval(const struct channel *channel)
{
    return channel->reseed_interval;
}

int channel_set_reseed_interval(struct channel *channel, uint32_t seconds)
{
    if (seconds != 0 && (seconds < 5 || seconds > 3600))
        return -ERANGE;
    channel->reseed_interval = seconds;
    tell(channel, "ReseedInterval");
    return 0;
}

const char *channel_piece_length(const struct channel *channel)
{
    return channel->piece_length;
}

int channel_set_piece_length(struct channel *channel, const char *minutes)
{
    struct ending_length length;
    if (ending_read_length(minutes, &length) < 0)
        return -EINVAL;
    ending_write_length(&length, channel->piece_length);
    tell(channel, "PieceLength");
    return 0;
}

const char *channel_title(const struct channel *channel)
{
    return channel->title;
}

double channel_notes_per_minute(const struct channel *channel)
{
    return channel->state == CHANNEL_PLAYING ? 300 : 0;
}

double channel_seconds_ahead(const struct channel *channel)
{
    return 25.5;
}

uint64_t channel_reseeds(const struct channel *channel)
{
    return channel->reseeds;
}

uint64_t channel_underruns(const struct channel *channel)
{
    return 0;
}

uint64_t channel_uptime(const struct channel *channel)
{
    return (uint64_t)channel->time / 1000000;
}

uint64_t channel_piece_position_us(const struct channel *channel)
{
    return (uint64_t)channel->time / 2;
}

uint64_t channel_position_us(const struct channel *channel)
{
    return (uint64_t)channel->time;
}

uint64_t channel_seed(const struct channel *channel)
{
    return UINT64_MAX;
}

uint64_t channel_step(const struct channel *channel)
{
    return channel->notes;
}

double channel_level(const struct channel *channel)
{
    return -23.5;
}

struct feed *channel_feed(struct channel *channel)
{
    return channel->feed;
}

size_t manager_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = nets;
    return 3;
}

size_t manager_commercial_nets(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = nets + 2;
    return 1;
}

size_t manager_licences(const struct manager *manager, const char *const **ret_licences)
{
    *ret_licences = licences;
    return 3;
}

const char *const *manager_net_composers(const struct manager *manager, const char *net)
{
    return strcmp(net, nets[2]) ? composers : satie;
}

size_t manager_composers(const struct manager *manager, const char *const **ret_names)
{
    *ret_names = composers;
    return 3;
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
    if (!known(nets, 3, wish->net))
        return -ENOENT;
    if (!known(strcmp(wish->net, nets[2]) ? composers : satie, strcmp(wish->net, nets[2]) ? 3 : 1,
               wish->composer))
        return -ENOTSUP;
    struct channel *channel = make_channel(manager, wish->channel);
    snprintf(channel->composer, sizeof channel->composer, "%s", wish->composer);
    snprintf(channel->net, sizeof channel->net, "%s", wish->net);
    snprintf(channel->profile, sizeof channel->profile, "%s", wish->profile);
    channel->threshold = wish->threshold;
    channel->volume = wish->volume;
    ending_write_length(&wish->piece_length, channel->piece_length);
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
    free(channel);
    return 0;
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
        free(manager.channels[i]);
    }
    pw_context_destroy(context);
    pw_main_loop_destroy(main_loop);
    pw_deinit();
    return r < 0 ? -r : 0;
}
