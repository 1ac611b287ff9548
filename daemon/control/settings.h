// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SETTINGS_H
#define FERMATA_CONTROL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/ending.h"

/**
 * settings: what a person has asked for, from weak to strong: built-in defaults, the settings
 * file, what was changed over D-Bus in an earlier run (the state file), the environment
 * (FERMATA_<KEY>), the command line (--key=value). All five speak the same table of keys.
 *
 * A value that cannot be is reported with its place and the values there are, and the weaker one
 * stays in force: a slip in a file never keeps the music from playing. On the command line it is an
 * error, because there somebody is watching.
 */
struct settings {
    char composer[32];
    double threshold; ///< 0..1
    char sampling[8]; ///< "sample" or "hard"
    char net[64];     ///< "" = the best that is there
    char licence[16]; ///< "commercial": nets that are not for commercial use are left out; or "any"
    double volume;    ///< 0..1
    uint32_t reseed_interval;          ///< seconds, 0 = only when needed
    struct ending_length piece_length; ///< of a piece, minutes
    bool curator;                      ///< false: the article's behaviour, to see it dry out
    uint64_t seed;                     ///< 0: a fresh one each start
    uint64_t piece_number;             ///< of the latest piece
    char device[128];                  ///< "auto", "cpu", "gpu", a number or a part of a name
    char soundfont[512];               ///< "" = Debian's
    char target[256];                  ///< sink to play to; "" = the default one
    bool autostart;                    ///< play as soon as the daemon is up
    char models[512];                  ///< folder of the weights and seeds
    char state_file[512];              ///< where changes over D-Bus are kept
};

/** The keys a command line, environment or file can set; for --help and the man page. */
struct settings_key {
    const char *key; ///< "reseed-interval"; FERMATA_RESEED_INTERVAL; [fermata] reseed-interval=
    const char *argument;
    const char *help;
};
extern const struct settings_key settings_keys[]; ///< ends with key NULL

void settings_init(struct settings *settings);

/**
 * Sets one key from text. Returns 0, -ENOENT (no such key) or -EINVAL; on failure *ret_why (a
 * static or thread-local text) says what would be right, and nothing has changed.
 */
int settings_set(struct settings *settings, const char *key, const char *value,
                 const char **ret_why);

/** Reads a settings or state file; every bad line is logged and skipped. 0 or -errno (-ENOENT
 * where it does not exist, not logged). */
int settings_read_file(struct settings *settings, const char *path);

/** Reads the FERMATA_* variables; bad ones are logged and skipped. */
void settings_read_environment(struct settings *settings);

/** Remembers one key in the state file (atomic replace; others stay). Returns 0 or -errno, logged
 * once. */
int settings_remember(const struct settings *settings, const char *key, const char *value);

#endif
