// SPDX-License-Identifier: MIT
#include "control/channel_private.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pipewire/pipewire.h>

#include "audio/announcer.h"
#include "audio/fan.h"
#include "audio/midi_port.h"
#include "audio/output.h"
#include "audio/synth.h"
#include "control/announcing.h"
#include "control/feed.h"
#include "control/generator.h"
#include "control/roster.h"
#include "control/settings.h"
#include "log.h"
#include "music/score.h"

/** Over how much played music the density is told. */
#define DENSITY_US (20 * NOTE_SECOND)

void channel_tell(struct channel *channel, const char *property)
{
    if (channel->config.changed)
        channel->config.changed(channel->config.user, channel, property);
}

static void on_event(void *user, const struct score_event *event, uint64_t frame, uint32_t ahead)
{
    struct channel *channel = user;
    feed_event(channel->feed, event, frame, ahead);
    channel_send_midi(channel, event);
    if (titles_are_due(&channel->titles, event->time))
        pw_loop_signal_event(channel->config.loop, channel->event);
}

static void on_hungry(void *user)
{
    struct channel *channel = user;
    generator_wake(channel->config.generator);
}

static void on_mark(void *user, const char *event, int64_t time, const char *text)
{
    struct channel *channel = user;
    char title[TITLES_ROOM];
    if (!strcmp(event, "cut")) {
        feed_cut(channel->feed, time);
        titles_cut(&channel->titles, time);
    } else if (!strcmp(event, "piece")) {
        titles_plan(&channel->titles, time, lane_piece_composer(channel->lane), title);
        feed_plan(channel->feed, event, time, text, title);
    } else if (strcmp(event, "rung") != 0) {
        feed_plan(channel->feed, event, time, text, NULL);
    }
    pw_loop_signal_event(channel->config.loop, channel->event);
    performer_wake(channel->config.performer);
}

static void on_signal(void *user, uint64_t count)
{
    (void)count;
    channel_refresh(user);
}

static int make_audio(struct channel *channel, const struct settings *settings)
{
    int r = settings_demands(settings, "soundfont")
                ? synth_new(channel->soundfont, &channel->synth)
                : synth_new_lenient(channel->soundfont, &channel->synth);
    if (r == 0)
        r = profile_new(channel->profile_kind, &channel->profile);
    if (r == 0)
        r = announcer_new(&channel->announcer);
    if (r == 0)
        r = fan_new(&channel->fan);
    if (r == 0 && channel->config.context)
        r = channel_output_make(channel);
    if (r < 0)
        return r;
    channel->part = (struct performer_part){
        .score = channel->score,
        .synth = channel->synth,
        .fan = channel->fan,
        .profile = channel->profile,
        .announcer = channel->announcer,
        .on_event = on_event,
        .on_hungry = on_hungry,
        .user = channel,
    };
    return performer_add(channel->config.performer, &channel->part);
}

static void on_every(void *user, uint32_t seconds)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, seconds);
    channel_remember(user, "announce-every", text);
    channel_tell(user, "AnnounceEvery");
}

static int make_announcing(struct channel *channel, const struct settings *settings)
{
    char copy[sizeof settings->state_file + SETTINGS_NAME_ROOM + 16] = "";
    const char *slash = strrchr(settings->state_file, '/');
    if (slash)
        snprintf(copy, sizeof copy, "%.*s/announcements/%s", (int)(slash - settings->state_file),
                 settings->state_file, channel->name);
    struct announcing_config config = {
        .loop = channel->config.loop,
        .announcer = channel->announcer,
        .channel = channel->name,
        .copy = copy,
        .on_every = on_every,
        .user = channel,
    };
    return announcing_new(&config, settings->announce_every, &channel->announcing);
}

int channel_new(const struct channel_config *config, struct channel **ret_channel)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return -ENOMEM;
    const struct settings *settings = config->settings;
    channel->config = *config;
    snprintf(channel->name, sizeof channel->name, "%s", settings->channel);
    memcpy(channel->soundfont, settings->soundfont, sizeof channel->soundfont);
    channel->volume = settings->volume;
    channel->autostart = settings->autostart;
    channel->midi = settings->midi;
    channel->source = !strcmp(settings->output, "source");
    memcpy(channel->target, settings->target, sizeof channel->target);
    titles_init(&channel->titles, settings->piece_number);
    ending_write_length(&settings->piece_length, channel->piece_length);
    channel->seed = settings_draw_seed(settings);
    channel->style = (struct lane_style){
        .threshold = settings->threshold,
        .sampling = strcmp(settings->sampling, "hard") ? NET_SAMPLE : NET_HARD,
        .reseed_interval = settings->reseed_interval,
        .curator = settings->curator,
        .piece_length = settings->piece_length,
    };
    profile_find(settings->profile, &channel->profile_kind);
    channel->style.telephone = channel->profile_kind == PROFILE_TELEPHONE;
    snprintf(channel->style.channel, sizeof channel->style.channel, "%s", settings->channel);
    memcpy(channel->style.net, settings->net, sizeof channel->style.net);
    memcpy(channel->style.composer, settings->composer, sizeof channel->style.composer);

    channel->event = pw_loop_add_event(config->loop, on_signal, channel);
    int r = channel->event ? feed_new(channel->name, &channel->feed) : -ENOMEM;
    if (r == 0)
        r = score_new(&channel->score);
    if (r == 0)
        r = lane_new(channel->score, channel->seed, &channel->style, &channel->lane);
    if (r == 0)
        r = make_audio(channel, settings);
    if (r == 0)
        r = make_announcing(channel, settings);
    if (r == 0)
        channel_rtp_apply(channel, settings); // without it there is music all the same
    if (r == 0) {
        lane_set_mark(channel->lane, on_mark, channel);
        r = generator_add(config->generator, channel->lane);
        channel->known = r == 0;
    }
    if (r == 0 && !strcmp(channel->name, "main"))
        log_info("SoundFont: %s",
                 *channel->soundfont ? channel->soundfont : synth_default_soundfont());
    channel->config.settings = NULL;
    if (r < 0) {
        log_error("cannot make channel %s: %s", channel->name, strerror(-r));
        channel_free(channel);
        return r;
    }
    *ret_channel = channel;
    return 0;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    if (channel->known)
        generator_remove(channel->config.generator, channel->lane);
    channel_pipes_reap(channel, true);
    channel_rtp_close(channel);
    output_free(channel->output);
    if (channel->part.score)
        performer_remove(channel->config.performer, &channel->part);
    midi_port_free(channel->midi_port);
    announcing_free(channel->announcing);
    lane_free(channel->lane);
    feed_free(channel->feed);
    if (channel->tap)
        fan_remove(channel->fan, channel->tap);
    fan_free(channel->fan);
    announcer_free(channel->announcer);
    profile_free(channel->profile);
    synth_free(channel->synth);
    score_free(channel->score);
    titles_finish(&channel->titles);
    if (channel->event)
        pw_loop_destroy_source(channel->config.loop, channel->event);
    free(channel);
}

const char *channel_name(const struct channel *channel)
{
    return channel->name;
}

void channel_refresh(struct channel *channel)
{
    channel_pipes_reap(channel, false);
    enum channel_state state = channel_state(channel);
    const char *reason = channel_state_reason(channel);
    bool new_reason = strcmp(reason, channel->told_reason) != 0;
    if (state != channel->told_state) {
        channel->told_state = state;
        feed_mark(channel->feed, "state", score_position(channel->score),
                  channel_state_name(state));
        log_info("channel %s: %s%s%s", channel->name, channel_state_name(state),
                 *reason ? ": " : "", reason);
        channel_tell(channel, "State");
    }
    if (new_reason) {
        snprintf(channel->told_reason, sizeof channel->told_reason, "%s", reason);
        channel_tell(channel, "StateReason");
    }
    uint64_t reseeds = lane_reseeds(channel->lane);
    if (reseeds != channel->told_reseeds) {
        channel->told_reseeds = reseeds;
        channel_tell(channel, "Reseeds");
    }
    uint32_t listeners = channel_listeners(channel);
    if (listeners != channel->told_listeners) {
        channel->told_listeners = listeners;
        channel_tell(channel, "Listeners");
    }
    // The ring is filled before anybody listens.
    if (channel->playing && titles_turn(&channel->titles, score_position(channel->score))) {
        struct title heard = titles_heard(&channel->titles);
        char number[24];
        snprintf(number, sizeof number, "%" PRIu64, heard.number);
        memcpy(channel->title, heard.text, sizeof channel->title);
        channel->piece_time = heard.time;
        log_info("channel %s: %s", channel->name, heard.text);
        channel_remember(channel, "piece-number", number);
        channel_tell(channel, "Title");
    }
}

void channel_remember(struct channel *channel, const char *key, const char *value)
{
    if (!channel->applying)
        roster_remember(channel->config.roster, channel->name, key, value);
}

static void set_playing(struct channel *channel, bool playing, bool asleep)
{
    channel->asleep = asleep;
    if (playing == channel->playing) {
        channel_refresh(channel);
        return;
    }
    channel->playing = playing;
    if (playing)
        clock_gettime(CLOCK_MONOTONIC, &channel->started);
    output_set_playing(channel->output, playing);
    announcing_set_playing(channel->announcing, playing);
    channel_pipes_follow(channel);
    if (channel->known)
        generator_set_playing(channel->config.generator, channel->lane, playing);
    channel_refresh(channel);
}

void channel_resume(struct channel *channel)
{
    if (channel->autostart)
        set_playing(channel, true, false);
}

void channel_start(struct channel *channel)
{
    set_playing(channel, true, false);
    channel_remember(channel, "autostart", "yes");
}

void channel_stop(struct channel *channel)
{
    set_playing(channel, false, false);
    channel_remember(channel, "autostart", "no");
}

void channel_fade_out(struct channel *channel)
{
    set_playing(channel, false, false);
}

bool channel_sleep(struct channel *channel)
{
    if (channel->playing)
        set_playing(channel, false, true);
    return channel->asleep;
}

void channel_wake(struct channel *channel)
{
    if (channel->asleep)
        set_playing(channel, true, false);
}

bool channel_let_go(struct channel *channel)
{
    if (channel->known)
        channel->known = !generator_try_remove(channel->config.generator, channel->lane);
    return !channel->known;
}

double channel_notes_per_minute(const struct channel *channel)
{
    static struct note notes[2048];
    int64_t now = score_position(channel->score);
    int64_t from = now > DENSITY_US ? now - DENSITY_US : 0;
    size_t count = score_copy(channel->score, from, now, notes, sizeof notes / sizeof *notes);
    return now > from ? (double)count * 60 * NOTE_SECOND / (double)(now - from) : 0;
}

double channel_seconds_ahead(const struct channel *channel)
{
    return (double)(score_horizon(channel->score) - score_position(channel->score)) / NOTE_SECOND +
           (double)fan_ahead(channel->fan) / SYNTH_RATE;
}

const char *channel_title(const struct channel *channel)
{
    return channel->title;
}

uint64_t channel_piece_position_us(const struct channel *channel)
{
    int64_t position = score_position(channel->score) - channel->piece_time;
    return *channel->title && position > 0 ? (uint64_t)position : 0;
}

uint64_t channel_reseeds(const struct channel *channel)
{
    return lane_reseeds(channel->lane);
}

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

uint64_t channel_uptime(const struct channel *channel)
{
    return channel->playing ? (uint64_t)seconds_since(&channel->started) : 0;
}

uint64_t channel_position_us(const struct channel *channel)
{
    return (uint64_t)score_position(channel->score);
}

uint64_t channel_seed(const struct channel *channel)
{
    return channel->seed;
}

uint64_t channel_step(const struct channel *channel)
{
    return lane_step(channel->lane);
}

double channel_level(const struct channel *channel)
{
    return meter_level(&channel->part.meter);
}

size_t channel_decisions(const struct channel *channel, struct decision ret_list[DECISION_ROOM])
{
    return lane_decisions(channel->lane, ret_list);
}

struct feed *channel_feed(struct channel *channel)
{
    return channel->feed;
}

bool channel_is_alive(struct channel *channel)
{
    uint64_t runs = generator_progress(channel->config.generator);
    uint64_t blocks = performer_progress(channel->config.performer);
    bool composed = runs != channel->seen_runs ||
                    score_horizon(channel->score) - score_position(channel->score) >
                        LANE_LOW_SECONDS / 2 * NOTE_SECOND;
    // Where nobody takes music, that is his affair, and a restart of ours would not mend it.
    bool performed = blocks != channel->seen_blocks || !fan_lacks(channel->fan);
    // A lost device is told as degraded and mended by itself; killing the daemon would only end
    // the music that is still in the score.
    bool mending = channel_state(channel) == CHANNEL_DEGRADED && channel_is_troubled(channel) &&
                   score_horizon(channel->score) > score_position(channel->score);
    if (!channel->playing || (composed && performed) || mending) {
        clock_gettime(CLOCK_MONOTONIC, &channel->seen);
        channel->seen_runs = runs;
        channel->seen_blocks = blocks;
        return true;
    }
    return seconds_since(&channel->seen) < 20;
}
