// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SETTINGS_H
#define FERMATA_CONTROL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/ending.h"

/** Room for a channel's name, and for a value as text. */
#define SETTINGS_NAME_ROOM 32
#define SETTINGS_ROOM 520
/** Room for a sink's name: with its key it fits into a line of a settings file. */
#define SETTINGS_TARGET_ROOM 176

/**
 * settings: what a person has asked for, of the daemon and of one channel, from weak to strong:
 * built-in defaults, the settings files, what was changed over D-Bus in an earlier run (the state
 * file; both: roster.h), the environment (FERMATA_<KEY>), the command line (--key=value). All five
 * speak the same table of keys.
 *
 * A value that cannot be is reported with its place and the values there are, and the weaker one
 * stays in force: a slip in a file never keeps the music from playing. On the command line it is an
 * error, because there somebody is watching.
 */
struct settings {
    char channel[SETTINGS_NAME_ROOM]; ///< whose they are: "main", or another one
    uint64_t given;                   ///< keys that somebody has set: bits by their place below
    uint64_t demanded;                ///< of these, those on the command line
    char composer[32];
    double threshold; ///< 0..1
    char sampling[8]; ///< "sample" or "hard"
    char net[64];     ///< "" = the best that is there
    char licence[16]; ///< "commercial": nets that are not for commercial use are left out; or "any"
    double volume;    ///< 0..1
    char profile[16]; ///< what the sound is made for: "room", "telephone", "raw"
    char rtp[40];     ///< whereto it is sent as RTP, see rtp_address.h; "" = nowhere
    uint32_t rtp_ttl; ///< of multicast packets, 0..255
    uint32_t announce_every;           ///< seconds between announcements, 0 = none
    uint32_t reseed_interval;          ///< seconds, 0 = only when needed
    struct ending_length piece_length; ///< of a piece, minutes
    bool midi;                         ///< a live MIDI port beside the output
    bool curator;                      ///< false: the article's behaviour, to see it dry out
    uint64_t seed;                     ///< 0: a fresh one each start
    uint64_t piece_number;             ///< of the latest piece
    char device[128];                  ///< "auto", "cpu", "gpu", a number or a part of a name
    char soundfont[512];               ///< "" = Debian's
    char output[8];                    ///< "stream" or "source"
    char target[SETTINGS_TARGET_ROOM]; ///< sink to play to; "" = the default one
    bool autostart;                    ///< play as soon as the daemon is up
    char models[512];                  ///< folder of the weights and seeds
    char state_file[512];              ///< where changes over D-Bus are kept
};

/** Whom a key is for. */
enum settings_scope {
    SETTINGS_DAEMON,  ///< the daemon: stands under [fermata] alone
    SETTINGS_CHANNEL, ///< each channel; what a file says under [fermata] holds where nothing is
                      ///< said
    SETTINGS_OWN,     ///< each channel for itself: [fermata] says it of "main" alone
};

/** The keys a command line, environment or file can set; for --help and the man page. */
struct settings_key {
    const char *key; ///< "reseed-interval"; FERMATA_RESEED_INTERVAL; [fermata] reseed-interval=
    enum settings_scope scope;
    const char *argument;
    const char *help;
};
extern const struct settings_key settings_keys[]; ///< ends with key NULL

/** Defaults, for the channel "main". */
void settings_init(struct settings *settings);

/** 0, or -EINVAL: a channel's name is 1 to 31 of a-z, 0-9, - and _, and begins with a letter or a
 * digit. */
int settings_check_name(const char *name);

/** Index of a key in settings_keys, or -1; '_' and '-' are one. */
int settings_find_key(const char *key);

/** Writes the value of key number `index` as a file has it. */
void settings_write(const struct settings *settings, int index, char ret_text[SETTINGS_ROOM]);

/** Copies the value of key number `index`. */
void settings_copy(struct settings *settings, const struct settings *from, int index);

/** Copies the keys that `from` was given. */
void settings_lay_over(struct settings *settings, const struct settings *from);

/**
 * Sets one key from text. Returns 0, -ENOENT (no such key) or -EINVAL; on failure *ret_why (a
 * static or thread-local text) says what would be right, and nothing has changed.
 */
int settings_set(struct settings *settings, const char *key, const char *value,
                 const char **ret_why);

/** Whether the command line has it: then what cannot be had is an error, and nothing takes its
 * place. */
bool settings_demands(const struct settings *settings, const char *key);

/** The seed that was asked for, or where none was a random one: below 2^53, so that every reader of
 * JSON keeps it whole, and never 0. */
uint64_t settings_draw_seed(const struct settings *settings);

/** Reads the FERMATA_* variables; bad ones are logged and skipped. */
void settings_read_environment(struct settings *settings);

#endif
