// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_MANAGER_H
#define FERMATA_CONTROL_MANAGER_H

#include <stddef.h>
#include <stdint.h>

struct channel;

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
/** The licence of each net, in the order of manager_nets(). */
size_t manager_licences(const struct manager *manager, const char *const **ret_licences);
/** What a net offers: a list that ends with NULL; NULL where there is no such net. */
const char *const *manager_net_composers(const struct manager *manager, const char *net);
size_t manager_composers(const struct manager *manager, const char *const **ret_names);

size_t manager_channel_count(const struct manager *manager);
struct channel *manager_channel(const struct manager *manager, size_t index);
struct channel *manager_find_channel(const struct manager *manager, const char *name);

/**
 * Whom to tell when a property of a channel changes: `property` is its D-Bus name ("Composer").
 * `channel` is NULL for properties of the manager. Called on the main loop. NULL: nobody any more.
 */
struct manager_listener {
    void (*changed)(void *user, struct channel *channel, const char *property);
    void *user;
};
void manager_set_listener(struct manager *manager, const struct manager_listener *listener);

#endif
