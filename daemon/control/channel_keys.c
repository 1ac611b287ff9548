// SPDX-License-Identifier: MIT
// What is changed of a channel by the name of a setting, as schedules do.
#include "control/channel_private.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "control/settings.h"

static int set_composer(struct channel *channel, const struct settings *to)
{
    return channel_set_composer(channel, to->composer);
}

static int set_net(struct channel *channel, const struct settings *to)
{
    return channel_set_net(channel, to->net);
}

static int set_threshold(struct channel *channel, const struct settings *to)
{
    return channel_set_threshold(channel, to->threshold);
}

static int set_sampling(struct channel *channel, const struct settings *to)
{
    return channel_set_sampling(channel, to->sampling);
}

static int set_volume(struct channel *channel, const struct settings *to)
{
    return channel_set_volume(channel, to->volume);
}

static int set_profile(struct channel *channel, const struct settings *to)
{
    return channel_set_profile(channel, to->profile);
}

static int set_rtp(struct channel *channel, const struct settings *to)
{
    const char *why;
    return channel_set_rtp(channel, to->rtp, &why);
}

static int set_rtp_ttl(struct channel *channel, const struct settings *to)
{
    return channel_set_rtp_ttl(channel, to->rtp_ttl);
}

static int set_output(struct channel *channel, const struct settings *to)
{
    return channel_set_output(channel, to->output);
}

static int set_target(struct channel *channel, const struct settings *to)
{
    return channel_set_target(channel, to->target);
}

static int set_reseed_interval(struct channel *channel, const struct settings *to)
{
    return channel_set_reseed_interval(channel, to->reseed_interval);
}

static int set_piece_length(struct channel *channel, const struct settings *to)
{
    char text[ENDING_LENGTH_ROOM];
    ending_write_length(&to->piece_length, text);
    return channel_set_piece_length(channel, text);
}

static int set_midi(struct channel *channel, const struct settings *to)
{
    channel_set_midi(channel, to->midi);
    return 0;
}

static const struct {
    const char *key;
    int (*set)(struct channel *channel, const struct settings *to);
} setters[] = {
    {"composer", set_composer},
    {"net", set_net},
    {"threshold", set_threshold},
    {"sampling", set_sampling},
    {"volume", set_volume},
    {"profile", set_profile},
    {"rtp", set_rtp},
    {"rtp-ttl", set_rtp_ttl},
    {"output", set_output},
    {"target", set_target},
    {"reseed-interval", set_reseed_interval},
    {"piece-length", set_piece_length},
    {"midi", set_midi},
};

static const struct {
    const char *word;
    void (*act)(struct channel *channel);
} deeds[] = {
    {"start", channel_start},
    {"stop", channel_stop},
    {"skip", channel_skip},
};

int channel_change(struct channel *channel, const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        if (strcmp(deeds[i].word, key))
            continue;
        deeds[i].act(channel);
        return 0;
    }
    struct settings to;
    const char *why;
    settings_init(&to);
    int r = settings_set(&to, key, value, &why);
    for (size_t i = 0; r == 0 && i < sizeof setters / sizeof *setters; i++)
        if (!strcmp(setters[i].key, key))
            return setters[i].set(channel, &to);
    return r < 0 ? r : -ENOENT;
}
