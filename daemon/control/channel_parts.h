// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CHANNEL_PARTS_H
#define FERMATA_CONTROL_CHANNEL_PARTS_H

#include <stdbool.h>

/**
 * channel_parts: making and ending a channel, for the manager alone; everybody else sees
 * channel.h.
 */
struct channel;
struct generator;
struct performer;
struct pump;
struct pw_context;
struct pw_loop;
struct roster;
struct settings;

/** Whom a channel tells that a property ("Composer", "State", ...) has changed. Main loop. */
typedef void channel_changed_func(void *user, struct channel *channel, const char *property);

struct channel_config {
    const struct settings *settings; ///< its name and first values
    struct roster *roster;           ///< where changes are remembered
    struct generator *generator;
    struct performer *performer;
    struct pump *pump;
    struct pw_loop *loop;
    struct pw_context *context; ///< NULL: no PipeWire; whoever else takes the music
    channel_changed_func *changed;
    void *user;
};

/** All pointers but `settings` outlive the channel. Returns 0 or -errno, logged. Starts stopped. */
int channel_new(const struct channel_config *config, struct channel **ret_channel);
void channel_free(struct channel *channel);

/** False when music is due and neither is being composed nor performed for too long: call it at
 * regular times. For the watchdog. */
bool channel_is_alive(struct channel *channel);

/** Tells the watchers and the bus what has changed by itself (state, reseeds). Call it when
 * something may have. */
void channel_refresh(struct channel *channel);

/** Where its net does not offer its composer (any more), takes one that it does. */
void channel_fit_composer(struct channel *channel);

/** Starts where the settings say so ("autostart"). */
void channel_resume(struct channel *channel);

/**
 * Takes over what settings that were read again say otherwise, as if somebody had asked for it, but
 * remembers nothing: the files hold it already. What cannot be is logged and stays as it is.
 */
void channel_apply(struct channel *channel, const struct settings *settings);

/** Fades out without remembering it: the daemon ends, or the channel does. */
void channel_fade_out(struct channel *channel);

/** Fades out until channel_wake(), where it plays; returns whether it did. What is started or
 * stopped meanwhile is not woken. Nothing of it is remembered. */
bool channel_sleep(struct channel *channel);
void channel_wake(struct channel *channel);

/** Has the generator know the channel no more, after which channel_free() waits for nothing.
 * Returns false where it is at work just now: try again later. */
bool channel_let_go(struct channel *channel);

#endif
