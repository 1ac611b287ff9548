// SPDX-License-Identifier: MIT
#include "bus_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audio/rtp_address.h"
#include "control/feed.h"
#include "music/opening.h"

const char *const probe_nets[3] = {"lstm-maestro", "conv1d-maestro", "satie-open"};
const char *const probe_composers[4] = {"bach", "chopin", "debussy", NULL};

static void tell(struct channel *channel, const char *property)
{
    if (channel->manager->listener.changed)
        channel->manager->listener.changed(channel->manager->listener.user, channel, property);
}

bool probe_knows(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static int set_text(struct channel *channel, char *field, size_t room, const char *const *names,
                    size_t count, const char *value, const char *property)
{
    if (!probe_knows(names, count, value))
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
    static const char *const names[] = {"stopped", "starting", "playing",
                                        "waiting", "degraded", "idle"};
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
    return set_text(channel, channel->composer, sizeof(channel->composer), probe_composers, 3,
                    composer, "Composer");
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
    if (!strcmp(net, probe_nets[2]))
        return -ENOTSUP;
    return set_text(channel, channel->net, sizeof(channel->net), probe_nets, 2, net, "Net");
}

const char *const *channel_composers(const struct channel *channel)
{
    return probe_composers;
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

const char *channel_output(const struct channel *channel)
{
    return channel->output;
}

int channel_set_output(struct channel *channel, const char *output)
{
    static const char *const names[] = {"stream", "source"};
    return set_text(channel, channel->output, sizeof(channel->output), names, 2, output, "Output");
}

const char *channel_target(const struct channel *channel)
{
    return channel->target;
}

int channel_set_target(struct channel *channel, const char *target)
{
    struct settings checked;
    const char *why;
    settings_init(&checked);
    int r = settings_set(&checked, "target", target, &why);
    if (r < 0)
        return r;
    memcpy(channel->target, checked.target, sizeof channel->target);
    tell(channel, "Target");
    return 0;
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

const char *channel_rtp(const struct channel *channel)
{
    return channel->rtp;
}

int channel_set_rtp(struct channel *channel, const char *address, const char **ret_why)
{
    struct rtp_address read;
    if (*address && rtp_address_read(address, &read, ret_why) < 0)
        return -EINVAL;
    snprintf(channel->rtp, sizeof channel->rtp, "%s", address);
    tell(channel, "Rtp");
    return 0;
}

bool channel_midi(const struct channel *channel)
{
    return channel->midi;
}

void channel_set_midi(struct channel *channel, bool midi)
{
    channel->midi = midi;
    tell(channel, "Midi");
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
