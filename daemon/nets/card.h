// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_CARD_H
#define FERMATA_NETS_CARD_H

#include "nets/net.h"

struct safetensors;

/**
 * card: what a weights file says of the net in it. Read-only once made; does not need the file any
 * more.
 */
struct card {
    struct net_info info; ///< but for vocabulary, steps, token_bytes and lanes
    struct card_strings *strings;
};

/** Returns 0, -EBADMSG (no net of ours, or something missing or amiss: logged) or -ENOMEM. */
int card_init(struct card *card, const struct safetensors *file);

/** Also of a card that is all zero. */
void card_finish(struct card *card);

#endif
