// SPDX-License-Identifier: MIT
// The setters and getters of channel.h: what a person may change of the music.
#include "control/channel_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audio/output.h"
#include "control/feed.h"
#include "control/generator.h"
#include "music/score.h"

static void ask(struct channel *channel, unsigned wishes)
{
    lane_ask(channel->lane, &channel->style, wishes);
    generator_wake(channel->config.generator);
}

void channel_skip(struct channel *channel)
{
    ask(channel, LANE_SKIP);
}

void channel_reseed(struct channel *channel)
{
    ask(channel, LANE_RESEED);
}

/** After a change that is to be heard: asks the lane, remembers it, tells everybody. */
static void announce(struct channel *channel, unsigned wishes, const char *property,
                     const char *key, const char *value)
{
    ask(channel, wishes);
    channel_remember(channel, key, value);
    feed_mark(channel->feed, key, score_position(channel->score), value);
    channel_tell(channel, property);
}

static void write_number(char text[32], double number)
{
    snprintf(text, 32, "%.6g", number);
}

const char *channel_composer(const struct channel *channel)
{
    return channel->style.composer;
}

static bool is_offered(const struct channel *channel, const char *net, const char *composer)
{
    const char *const *names = generator_composers(channel->config.generator, net);
    for (; names && *names; names++)
        if (!strcmp(*names, composer))
            return true;
    return false;
}

int channel_set_composer(struct channel *channel, const char *composer)
{
    if (!is_offered(channel, channel->style.net, composer))
        return -ENOENT;
    if (!strcmp(channel->style.composer, composer))
        return 0;
    snprintf(channel->style.composer, sizeof channel->style.composer, "%s", composer);
    announce(channel, LANE_COMPOSER, "Composer", "composer", composer);
    return 0;
}

double channel_threshold(const struct channel *channel)
{
    return channel->style.threshold;
}

int channel_set_threshold(struct channel *channel, double threshold)
{
    if (!(threshold >= 0 && threshold <= 1))
        return -ERANGE;
    if (threshold == channel->style.threshold)
        return 0;
    char text[32];
    write_number(text, threshold);
    channel->style.threshold = threshold;
    announce(channel, LANE_CHANGE, "Threshold", "threshold", text);
    return 0;
}

const char *channel_sampling(const struct channel *channel)
{
    return channel->style.sampling == NET_HARD ? "hard" : "sample";
}

int channel_set_sampling(struct channel *channel, const char *sampling)
{
    if (strcmp(sampling, "hard") && strcmp(sampling, "sample"))
        return -ENOENT;
    if (!strcmp(sampling, channel_sampling(channel)))
        return 0;
    channel->style.sampling = strcmp(sampling, "hard") ? NET_SAMPLE : NET_HARD;
    announce(channel, LANE_CHANGE, "Sampling", "sampling", sampling);
    return 0;
}

const char *channel_net(const struct channel *channel)
{
    return channel->style.net;
}

int channel_set_net(struct channel *channel, const char *net)
{
    const char *const *composers = generator_composers(channel->config.generator, net);
    if (!composers)
        return -ENOENT;
    if (!strcmp(net, channel->style.net))
        return 0;
    snprintf(channel->style.net, sizeof channel->style.net, "%s", net);
    unsigned wishes = LANE_CHANGE;
    bool other = !is_offered(channel, net, channel->style.composer) && composers[0];
    if (other) {
        snprintf(channel->style.composer, sizeof channel->style.composer, "%s", composers[0]);
        wishes = LANE_COMPOSER;
    }
    announce(channel, wishes, "Net", "net", net);
    if (other) {
        channel_remember(channel, "composer", channel->style.composer);
        channel_tell(channel, "Composer");
    }
    return 0;
}

double channel_volume(const struct channel *channel)
{
    return channel->volume;
}

int channel_set_volume(struct channel *channel, double volume)
{
    if (!(volume >= 0 && volume <= 1))
        return -ERANGE;
    char text[32];
    write_number(text, volume);
    channel->volume = volume;
    output_set_volume(channel->output, volume);
    channel_remember(channel, "volume", text);
    channel_tell(channel, "Volume");
    return 0;
}

uint32_t channel_reseed_interval(const struct channel *channel)
{
    return channel->style.reseed_interval;
}

int channel_set_reseed_interval(struct channel *channel, uint32_t seconds)
{
    if (seconds > 3600 || (seconds && seconds < 5))
        return -ERANGE;
    char text[32];
    snprintf(text, sizeof text, "%u", seconds);
    channel->style.reseed_interval = seconds;
    announce(channel, LANE_SETTLE, "ReseedInterval", "reseed-interval", text);
    return 0;
}
