// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CHANNEL_H
#define FERMATA_CONTROL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/decision.h"

/**
 * channel: one endless stream of music and everything a person may change of it.
 *
 * All functions are for the main thread and return at once: what the generator has to do about a
 * change is handed to it. Setters check their argument, return 0 or -errno and change nothing on
 * failure; what is set is remembered for the next start (state.h) and announced (manager.h).
 */
struct channel;
struct feed;
struct opening;

enum channel_state {
    CHANNEL_STOPPED,
    CHANNEL_STARTING, ///< asked to play; the first music is being composed
    CHANNEL_PLAYING,
    CHANNEL_WAITING,  ///< asked to play; PipeWire, a sink or any listener is missing, or it sleeps
    CHANNEL_DEGRADED, ///< plays, but something is broken: see channel_state_reason()
    CHANNEL_IDLE,     ///< asked to play as a microphone, which nobody records
};

/** "stopped", "starting", "playing", "waiting", "degraded", "idle" */
const char *channel_state_name(enum channel_state state);

const char *channel_name(const struct channel *channel); ///< "main"

enum channel_state channel_state(const struct channel *channel);
/** Why it waits or is idle, or what is degraded, in plain words, "" otherwise; where it is
 * degraded, after one word for a program ("replay: no net composes; ..."). Until the next call. */
const char *channel_state_reason(const struct channel *channel);

void channel_start(struct channel *channel);
void channel_stop(struct channel *channel);
/** Ends this piece and begins a new one. */
void channel_skip(struct channel *channel);
/** Ends this piece and begins one with the opening, which the net goes on from. */
void channel_continue(struct channel *channel, const struct opening *opening);
/** Primes the net again with the best of what the channel has lately played. */
void channel_reseed(struct channel *channel);

const char *channel_composer(const struct channel *channel);
/** What its net offers: a list that ends with NULL. */
const char *const *channel_composers(const struct channel *channel);
/** -ENOENT: the net does not offer it. */
int channel_set_composer(struct channel *channel, const char *composer);

double channel_threshold(const struct channel *channel);
/** 0 to 1, else -ERANGE (NAN too). */
int channel_set_threshold(struct channel *channel, double threshold);

const char *channel_sampling(const struct channel *channel); ///< "sample" or "hard"
/** -ENOENT for any other word. */
int channel_set_sampling(struct channel *channel, const char *sampling);

const char *channel_net(const struct channel *channel); ///< such as "transformer-open"
/** -ENOENT: no such net is there. -ENOTSUP: it does not offer the channel's composer. */
int channel_set_net(struct channel *channel, const char *net);

double channel_volume(const struct channel *channel);
/** 0 to 1, else -ERANGE. */
int channel_set_volume(struct channel *channel, double volume);

const char *channel_profile(const struct channel *channel); ///< "room", "telephone" or "raw"
/** -ENOENT for any other word. */
int channel_set_profile(struct channel *channel, const char *profile);

/** Whereto its music is sent as RTP, "239.1.2.3:5004/alaw"; "": nowhere. */
const char *channel_rtp(const struct channel *channel);
/** -EINVAL: there is no such address, and *ret_why (static) says what it must be; or another
 * -errno. Then it is sent as before. */
int channel_set_rtp(struct channel *channel, const char *address, const char **ret_why);
/** How many hops multicast packets live, 0 to 255, else -ERANGE. */
int channel_set_rtp_ttl(struct channel *channel, uint32_t ttl);

/** What it is in the PipeWire graph: "stream", played to a sink, or "source", a microphone. */
const char *channel_output(const struct channel *channel);
/** -ENOENT for any other word. */
int channel_set_output(struct channel *channel, const char *output);

const char *channel_target(const struct channel *channel); ///< node.name of a sink; "": default
/** -EINVAL: no line that a settings file can hold (settings.h). The sink need not be there. */
int channel_set_target(struct channel *channel, const char *target);

/** Speaks the sound file over the music; see announcing_say(). -ESHUTDOWN: it does not play, and
 * nothing is to be repeated. */
int channel_announce(struct channel *channel, int fd, uint32_t every, double *ret_seconds,
                     const char **ret_why);
void channel_hush(struct channel *channel);                     ///< no announcement any more
uint32_t channel_announce_every(const struct channel *channel); ///< seconds; 0: none is repeated

uint32_t channel_reseed_interval(const struct channel *channel); ///< seconds; 0: only on demand
/** 0 or 5 to 3600 seconds, else -ERANGE. */
int channel_set_reseed_interval(struct channel *channel, uint32_t seconds);

const char *
channel_piece_length(const struct channel *channel); ///< minutes: "2-5", "3"; "0": endless
/** -EINVAL: no such length. */
int channel_set_piece_length(struct channel *channel, const char *minutes);

/** Whether its notes are to be had as live MIDI in the PipeWire graph (midi_port.h). Without an
 * output, which clocks them, there is none. */
bool channel_midi(const struct channel *channel);
void channel_set_midi(struct channel *channel, bool midi);

/** Changes what a schedule may: a setting by its key ("composer", "bach"), or "start", "stop" or
 * "skip". As the setters, or -EINVAL or -ENOENT: there is no such value or key. */
int channel_change(struct channel *channel, const char *key, const char *value);

/** Of the piece that is heard; "" before the first one. */
const char *channel_title(const struct channel *channel);
/** How much of that piece was heard, microseconds. */
uint64_t channel_piece_position_us(const struct channel *channel);
double channel_notes_per_minute(const struct channel *channel); ///< of the last 20 s played
/** What is human for its composer, onsets a minute: the 10th, 50th and 90th percentile. */
void channel_human_density(const struct channel *channel, double ret_band[3]);
double channel_seconds_ahead(const struct channel *channel);
uint64_t channel_reseeds(const struct channel *channel); ///< since the daemon started
/** Milliseconds of silence given out while it played, because nothing was rendered in time. */
uint64_t channel_underruns(const struct channel *channel);
uint64_t channel_uptime(const struct channel *channel); ///< seconds since it last started to play
uint64_t channel_position_us(const struct channel *channel); ///< channel time played
uint64_t channel_seed(const struct channel *channel);
/** Steps of the random numbers drawn so far, for what is composed, not only for what was played. */
uint64_t channel_step(const struct channel *channel);
/** How loud the last three seconds rendered were, before the volume: RMS, dBFS; -120 is silence. */
double channel_level(const struct channel *channel);
/** What was decided about its music since the daemon started; returns how many there are. */
size_t channel_decisions(const struct channel *channel, struct decision ret_list[DECISION_ROOM]);

/** The last `seconds` that were played, as a file of the form `ending` (".mid") out of a pipe; see
 * keepsake_open(). */
int channel_keep(struct channel *channel, double seconds, const char *ending, int *ret_fd,
                 double *ret_seconds);

/** How many take its music now: PipeWire where it is heard, the pipes that are read,
 * and RTP. */
uint32_t channel_listeners(const struct channel *channel);

struct channel_pipe {
    const char *format; ///< one of CHANNEL_FORMATS
    uint32_t rate;      ///< Hz, 8000 to 48000, a multiple of 25
    uint32_t channels;  ///< 1 or 2
    uint32_t ahead_ms;  ///< kept in the pipe, 40 to 1000, in chunks of 40 ms
};
#define CHANNEL_FORMATS "s16le, s16be, f32le, ulaw, alaw, g722"
#define CHANNEL_PIPES 32

/** A pipe in which a reader finds the music: *ret_fd is its end (CLOEXEC, blocking), the caller's
 * to pass on and close. Closing it is all it takes to leave. Returns 0, -ENOENT (no such format),
 * -ERANGE (another number), -EMFILE (CHANNEL_PIPES are there already) or -errno. */
int channel_open_pipe(struct channel *channel, const struct channel_pipe *pipe, int *ret_fd);

/** The live note feed of this channel. */
struct feed *channel_feed(struct channel *channel);

#endif
