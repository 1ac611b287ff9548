// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_OFFERS_H
#define FERMATA_CONTROL_OFFERS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * offers: what the repertoire has to offer, as lists of names for the bus. They stay valid as long
 * as the repertoire does, their contents until the next offers_take(). Plain data; all 0 is empty.
 */
struct repertoire;

/** Most nets and composers that can be offered. */
#define OFFERS 64

struct offers {
    size_t seen; ///< nets of the repertoire, those that stand in for others too
    const char *nets[OFFERS];
    const char *licences[OFFERS]; ///< of each net
    size_t net_count;
    const char *commercial[OFFERS];
    size_t commercial_count;
    const char *composers[OFFERS];
    size_t composer_count;
};

/** Whether there is what a setting names: false for a "net" or a "composer" that is not there. */
bool offers_have(const struct offers *offers, const char *key, const char *value);

/** Lists what there is now. Returns whether nets have come to it. */
bool offers_take(struct offers *offers, const struct repertoire *repertoire);

#endif
