// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_MANAGER_H
#define FERMATA_CONTROL_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;
struct schedule;
struct settings;

/**
 * manager: the device, the nets, the generator, the performer and the channels of one daemon.
 * Main thread. How it is made and ended: manager_parts.h.
 */
struct manager;

const char *manager_device(const struct manager *manager); ///< such as "llvmpipe (...)"
const char *manager_driver(const struct manager *manager);

/** Names of the nets that may be played ("transformer-open") and of the composers they offer. */
size_t manager_nets(const struct manager *manager, const char *const **ret_names);
/** Those of the nets whose licences allow commercial use. */
size_t manager_commercial_nets(const struct manager *manager, const char *const **ret_names);
/** Whether there is a net of that name which the licence setting leaves out. */
bool manager_forbids_net(const struct manager *manager, const char *net);
/** The licence of each net, in the order of manager_nets(). */
size_t manager_licences(const struct manager *manager, const char *const **ret_licences);
/** What a net offers: a list that ends with NULL; NULL where there is no such net. */
const char *const *manager_net_composers(const struct manager *manager, const char *net);
size_t manager_composers(const struct manager *manager, const char *const **ret_names);

/** The channels; "main" is the first. */
size_t manager_channel_count(const struct manager *manager);
struct channel *manager_channel(const struct manager *manager, size_t index);

/** Most channels at once. */
#define MANAGER_CHANNELS 64

/**
 * Adds the channel wish->channel, with the settings of the files and those that `wish` is `given`,
 * and remembers it; it plays where it is told to autostart. Returns 0, and else adds nothing:
 *
 *     -EINVAL   no channel can be called so (settings_check_name)
 *     -EEXIST   there is one
 *     -ENOSPC   there are MANAGER_CHANNELS
 *     -EBUSY    those that are removed have not ended yet, and hold the last places
 *     -ENOENT   there is no net wish->net
 *     -ENOTSUP  wish->net, which is filled in, does not offer wish->composer
 *     -errno    it cannot be made, logged
 */
int manager_add_channel(struct manager *manager, struct settings *wish,
                        struct channel **ret_channel);

/** Fades the channel out and forgets it and all that was set of it. Returns 0, -ENOENT, or -EPERM
 * for "main". */
int manager_remove_channel(struct manager *manager, const char *name);

/** What is to be changed of a channel, and when. */
const struct schedule *manager_schedule(const struct manager *manager, const char *channel);

/** Adds an entry to a channel's schedule, or removes one, and remembers it. Return 0; -EINVAL,
 * -EEXIST, -ENOSPC or -ENOMEM, and *ret_why, a static text, says what is wrong; -ENOENT. */
int manager_add_schedule(struct manager *manager, const char *channel, const char *text,
                         const char **ret_why);
int manager_remove_schedule(struct manager *manager, const char *channel, const char *text);

/**
 * Whom to tell what has changed, on the main loop. `property` is the D-Bus name ("Composer") of a
 * property of the channel, or of the manager where `channel` is NULL. A channel that is `removed`
 * is not among the others any more, and ends soon after.
 */
struct manager_listener {
    void (*changed)(void *user, struct channel *channel, const char *property);
    void (*added)(void *user, struct channel *channel);
    void (*removed)(void *user, struct channel *channel);
    void *user;
};
/** NULL: nobody any more. */
void manager_set_listener(struct manager *manager, const struct manager_listener *listener);

#endif
