// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CHANNEL_PRIVATE_H
#define FERMATA_CONTROL_CHANNEL_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "audio/performer.h"
#include "audio/playhead.h"
#include "audio/profile.h"
#include "audio/rtp_address.h"
#include "control/channel.h"
#include "control/channel_parts.h"
#include "control/channel_pipes.h"
#include "control/lane.h"
#include "control/settings.h"
#include "control/titles.h"

/**
 * channel_private: what channel.c (sound), channel_state.c, channel_style.c (what a person may
 * change), channel_pipes.c and channel_rtp.c share.
 */

/** Room for why a channel waits or is degraded. */
#define CHANNEL_REASON_ROOM 256

struct channel {
    char name[SETTINGS_NAME_ROOM];
    struct channel_config config;
    struct lane_style style;
    char soundfont[512]; ///< "": Debian's
    double volume;
    enum profile_kind profile_kind;
    char piece_length[ENDING_LENGTH_ROOM]; ///< as it was written
    uint64_t seed;
    bool source;                       ///< its node is a microphone
    char target[SETTINGS_TARGET_ROOM]; ///< the sink to play to; "" = the default one
    bool autostart;                    ///< to be played from the daemon's start on
    bool playing;
    bool asleep;   ///< it played when the machine went to sleep
    bool applying; ///< settings that a file holds: nothing to remember
    struct timespec started;

    struct score *score;
    struct lane *lane;
    bool known; ///< the generator has the lane
    struct synth *synth;
    struct profile *profile;
    struct announcer *announcer;
    struct announcing *announcing;
    struct fan *fan;
    struct tap *tap;       ///< of the output
    struct output *output; ///< NULL: none, on the machine's instance
    struct playhead playhead;
    bool midi;
    struct midi_port *midi_port; ///< NULL where there is no output
    struct channel_pipes pipes;
    struct rtp_outlet *rtp;             ///< NULL: none
    char rtp_address[RTP_ADDRESS_ROOM]; ///< as it was written; "": none
    uint32_t rtp_ttl;
    struct feed *feed;
    struct performer_part part;
    struct spa_source *event; ///< wakes the main loop from the generator's thread

    enum channel_state told_state;
    char told_reason[CHANNEL_REASON_ROOM];
    uint64_t told_reseeds;
    uint32_t told_listeners;
    struct titles titles;
    int64_t piece_time;      ///< channel time at which the piece told began
    char title[TITLES_ROOM]; ///< as it was told
    uint64_t seen_runs;
    uint64_t seen_blocks;
    struct timespec seen;
};

/** Tells whoever listens that a property has changed. */
void channel_tell(struct channel *channel, const char *property);

/** Takes over the settings of RTP. Returns 0 or -errno, logged; then none is sent. */
int channel_rtp_apply(struct channel *channel, const struct settings *settings);
/** Tells it what has changed of the channel: playing, volume. */
void channel_rtp_follow(struct channel *channel);
void channel_rtp_close(struct channel *channel);

/** Makes the port beside the output; returns 0 or -errno. */
int channel_make_midi(struct channel *channel);

/** Performer's thread: the event is taking effect. */
void channel_send_midi(struct channel *channel, const struct score_event *event);

/** Makes the node in the PipeWire graph. Returns 0 or -errno. */
int channel_output_make(struct channel *channel);

/** It does not compose as it should. */
bool channel_is_troubled(const struct channel *channel);

/** Keeps a setting for the next start. */
void channel_remember(struct channel *channel, const char *key, const char *value);

#endif
