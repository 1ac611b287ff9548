// SPDX-License-Identifier: MIT
// The setters and getters of channel.h: what a person may change of the music.
#include "control/channel_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audio/output.h"
#include "audio/wav_file.h"
#include "control/announcing.h"
#include "control/feed.h"
#include "control/generator.h"
#include "control/keepsake.h"
#include "control/piece.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "log.h"
#include "music/curator.h"
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

void channel_continue(struct channel *channel, const struct opening *opening)
{
    lane_open(channel->lane, opening);
    generator_wake(channel->config.generator);
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

static const struct repertoire_net *find_net(const struct channel *channel, const char *name)
{
    return repertoire_find(generator_repertoire(channel->config.generator), name);
}

const char *const *channel_composers(const struct channel *channel)
{
    return find_net(channel, channel->style.net)->composers;
}

void channel_human_density(const struct channel *channel, double ret_band[3])
{
    struct curator_bounds bounds;
    repertoire_bounds(find_net(channel, channel->style.net), channel->style.composer, &bounds);
    memcpy(ret_band, bounds.notes_per_minute + 1, 3 * sizeof *ret_band);
}

int channel_set_composer(struct channel *channel, const char *composer)
{
    if (!repertoire_offers(find_net(channel, channel->style.net), composer))
        return -ENOENT;
    if (!strcmp(channel->style.composer, composer))
        return 0;
    snprintf(channel->style.composer, sizeof channel->style.composer, "%s", composer);
    announce(channel, LANE_COMPOSER, "Composer", "composer", composer);
    return 0;
}

void channel_fit_composer(struct channel *channel)
{
    const struct repertoire_net *net = find_net(channel, channel->style.net);
    const char *fit = repertoire_fit(net, channel->style.composer);
    if (fit == channel->style.composer)
        return;
    log_warning("channel %s: net %s does not offer composer %s; playing %s", channel->name,
                net->name, channel->style.composer, fit);
    bool applying = channel->applying;
    channel->applying = true; // nobody has asked for it
    channel_set_composer(channel, fit);
    channel->applying = applying;
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
    threshold += 0.0;
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
    const struct repertoire_net *found = find_net(channel, net);
    if (!found)
        return -ENOENT;
    if (!repertoire_offers(found, channel->style.composer))
        return -ENOTSUP;
    if (!strcmp(net, channel->style.net))
        return 0;
    snprintf(channel->style.net, sizeof channel->style.net, "%s", net);
    announce(channel, LANE_CHANGE, "Net", "net", net);
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
    volume += 0.0; // no "-0"
    write_number(text, volume);
    channel->volume = volume;
    output_set_volume(channel->output, volume);
    channel_pipes_follow(channel);
    channel_remember(channel, "volume", text);
    channel_tell(channel, "Volume");
    return 0;
}

const char *channel_profile(const struct channel *channel)
{
    return profile_name(channel->profile_kind);
}

int channel_set_profile(struct channel *channel, const char *profile)
{
    enum profile_kind kind;
    int r = profile_find(profile, &kind);
    if (r < 0 || kind == channel->profile_kind)
        return r;
    bool recompose = (kind == PROFILE_TELEPHONE) != channel->style.telephone;
    channel->profile_kind = kind;
    channel->style.telephone = kind == PROFILE_TELEPHONE;
    profile_set(channel->profile, kind);
    announce(channel, recompose ? LANE_CHANGE : LANE_SETTLE, "Profile", "profile", profile);
    return 0;
}

int channel_announce(struct channel *channel, int fd, uint32_t every, double *ret_seconds,
                     const char **ret_why)
{
    if (!channel->playing && !every)
        return -ESHUTDOWN;
    return announcing_say(channel->announcing, fd, every, ret_seconds, ret_why);
}

void channel_hush(struct channel *channel)
{
    announcing_stop(channel->announcing);
}

uint32_t channel_announce_every(const struct channel *channel)
{
    return announcing_every(channel->announcing);
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

const char *channel_piece_length(const struct channel *channel)
{
    return channel->piece_length;
}

int channel_set_piece_length(struct channel *channel, const char *minutes)
{
    int r = ending_read_length(minutes, &channel->style.piece_length);
    if (r < 0)
        return r;
    ending_write_length(&channel->style.piece_length, channel->piece_length);
    announce(channel, LANE_SETTLE, "PieceLength", "piece-length", channel->piece_length);
    return 0;
}

void channel_apply(struct channel *channel, const struct settings *settings)
{
    channel->applying = true;
    // A net may not offer the composer before, nor the one before the composer now.
    int r = channel_set_net(channel, settings->net);
    int composer = channel_set_composer(channel, settings->composer);
    if (r < 0)
        r = channel_set_net(channel, settings->net);
    if (r < 0)
        log_warning("channel %s: cannot change to net %s, it stays on %s", channel->name,
                    settings->net, channel->style.net);
    if (composer < 0)
        log_warning("channel %s: net %s does not offer %s, it goes on with %s", channel->name,
                    channel->style.net, settings->composer, channel->style.composer);
    channel_set_threshold(channel, settings->threshold);
    channel_set_sampling(channel, settings->sampling);
    if (settings->volume != channel->volume)
        channel_set_volume(channel, settings->volume);
    channel_set_profile(channel, settings->profile);
    channel_rtp_apply(channel, settings);
    channel_set_output(channel, settings->output);
    channel_set_target(channel, settings->target);
    if (settings->reseed_interval != channel->style.reseed_interval)
        channel_set_reseed_interval(channel, settings->reseed_interval);
    char length[ENDING_LENGTH_ROOM];
    ending_write_length(&settings->piece_length, length);
    if (strcmp(length, channel->piece_length) != 0)
        channel_set_piece_length(channel, length);
    channel_set_midi(channel, settings->midi);
    if (settings->curator != channel->style.curator) {
        channel->style.curator = settings->curator;
        ask(channel, LANE_CHANGE);
    }
    channel->applying = false;
}

int channel_keep(struct channel *channel, double seconds, const char *ending, int *ret_fd,
                 double *ret_seconds)
{
    struct piece_origin origin = {
        .device = generator_device(channel->config.generator),
        .net = channel->style.net,
        .licence = find_net(channel, channel->style.net)->licence,
        .composer = channel->style.composer,
        .sampling = channel_sampling(channel),
        .profile = channel_profile(channel),
        .threshold = channel->style.threshold,
        .curator = channel->style.curator,
        .seed = channel->seed,
    };
    struct wav_file_sound sound = {
        .soundfont = channel->soundfont,
        .profile = channel->profile_kind,
    };
    return keepsake_open(channel->score, seconds, ending, &origin, &sound, ret_fd, ret_seconds);
}
