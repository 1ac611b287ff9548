// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_DECISION_H
#define FERMATA_CONTROL_DECISION_H

#include <stdint.h>

/** decision: a kind of decision about the music, by its name, and how often it was made. */
struct decision {
    char name[32]; ///< such as "kept" or "refused_thin"
    uint64_t value;
};

/** Most kinds there are. */
#define DECISION_ROOM 40

#endif
