// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_HAND_H
#define FERMATA_CONTROL_HAND_H

#include <stdint.h>

/**
 * hand: a thread that makes the calls that may hang, one at a time, while whoever asked for it
 * waits and looks around. It knows nothing of devices and music.
 */
struct hand;

/** Returns 0, -ENOMEM or -errno of pthread_create(3), logged. */
int hand_new(struct hand **ret_hand);
/** Waits for the call in work. */
void hand_free(struct hand *hand);

/** How often hand_do() looks around, microseconds. */
#define HAND_LOOK_US 250000

/**
 * Has the hand make `call(user)` and returns what it returns. While that takes long, `look` is
 * called every HAND_LOOK_US with the microseconds waited so far, on the caller's thread.
 */
int hand_do(struct hand *hand, int (*call)(void *user), void *user,
            void (*look)(void *look_user, int64_t waited_us), void *look_user);

#endif
