// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_STATUS_H
#define FERMATA_CLIENT_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <dbus/dbus.h>

/**
 * status: what the daemon says of itself and its channels at one moment. Plain data, fixed size;
 * longer texts are cut, names beyond the room left out.
 */
#define STATUS_NAMES 32
#define STATUS_CHANNELS 64
#define STATUS_COUNTS 40

struct status_names {
    char name[STATUS_NAMES][64];
    size_t count;
};

/** Figures with names. */
struct status_counts {
    struct {
        char name[32];
        uint64_t value;
    } of[STATUS_COUNTS];
    size_t count;
};

struct status_channel {
    char name[64];
    char state[16];
    char state_reason[256];
    char composer[64];
    char net[64];
    char sampling[16], profile[16], output[16];
    char target[256];
    char rtp[40]; ///< whereto; "": nowhere
    uint32_t announce_every;
    char piece_length[32]; ///< minutes
    uint32_t midi;         ///< 1: the notes are a MIDI port as well
    char title[128];       ///< of the piece that is heard
    double threshold;
    double volume;
    double notes_per_minute;
    double human_density[3]; ///< of the composer: percentiles 10, 50, 90; 0: not told
    double seconds_ahead;
    double level;             ///< dBFS; 0: not told
    uint32_t listeners;       ///< outputs and pipes that take the music now
    uint32_t reseed_interval; ///< seconds
    uint64_t reseeds;
    uint64_t underruns; ///< milliseconds
    uint64_t uptime;    ///< seconds
    uint64_t seed;
    uint64_t position; ///< microseconds
    uint64_t step;     ///< of the random numbers
    struct status_counts decisions;
};

struct status {
    char version[32];
    char device[128];
    char driver[128];
    struct status_names nets;
    struct status_names commercial_nets; ///< those of them that allow commercial use
    struct status_names composers;
    struct status_channel channels[STATUS_CHANNELS];
    size_t channel_count;
};

/** Reads the a{sv} of the Manager's properties at `iter`; what is unknown is skipped. */
void status_read_manager(struct status *status, DBusMessageIter *iter);

/** Reads the a{oa{sa{sv}}} of GetManagedObjects at `iter`. */
void status_read_channels(struct status *status, DBusMessageIter *iter);

/** The channel called `name`, or NULL. */
const struct status_channel *status_channel(const struct status *status, const char *name);

/** One of its decisions, by the daemon's name for it; 0 where it is not told. */
uint64_t status_count(const struct status_channel *channel, const char *name);

/** Whether a net may be used commercially. */
bool status_is_commercial(const struct status *status, const char *net);

/** Writes it for people: the channel `name`, then what it runs on. */
void status_print(const struct status *status, const struct status_channel *channel, FILE *file);

/** Writes the channels, a line each. */
void status_print_channels(const struct status *status, FILE *file);

/** Writes the channels as one JSON array. */
void status_print_channels_json(const struct status *status, FILE *file);

/** Writes everything as one JSON object, numbers in the C locale whatever is set. */
void status_print_json(const struct status *status, FILE *file);

#endif
