// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_FAKE_NET_H
#define FERMATA_TESTS_FAKE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "control/repertoire.h"
#include "nets/net.h"

/**
 * fake_net: device.h and net.h without a device, for tests of what composes. What a lane plays
 * next follows from everything it has heard since its reset, and from seed and step; how it plays
 * is the test's to say.
 *
 * A net whose file name begins with "roll" plays frames, any other one notes.
 */

enum fake_mood {
    FAKE_WELL,     ///< 300 notes a minute
    FAKE_HIGH,     ///< the same, two octaves higher
    FAKE_THIN,     ///< a note in four seconds: refused, and worse than tolerable
    FAKE_STUCK,    ///< a tremolo: refused, and tolerable
    FAKE_SILENT,   ///< a roll net's answer where no logit is a number; notes 4 s apart
    FAKE_NONSENSE, ///< the same of a net of notes; a roll net is silent
    FAKE_HEEDFUL,  ///< a roll net that draws onsets with fake.odds, and heeds the threshold
};

struct fake {
    /** How a free step is played; NULL: all well. The generator's thread or its helper's. */
    enum fake_mood (*mood)(const char *net, const struct net_lane *input);
    bool on_cpu;                ///< what devices are, when they are opened
    _Atomic bool lost;          ///< no device answers or can be opened
    double odds;                ///< of an onset in a frame, of a net that is heedful
    const char *_Atomic unread; ///< nets whose names begin so cannot be read
    _Atomic bool stalled;       ///< runs do not come back
    _Atomic bool slow;          ///< nor does making a net
    _Atomic unsigned runs;      ///< made so far
    _Atomic unsigned widest;    ///< most lanes active in one run
    char last[64];              ///< net of the last run
};

extern struct fake fake;

/** Everything as at first. */
void fake_reset(void);

/** A folder with the nets `names` (ends with NULL), all of them commercial, of the family "open",
 * offering bach and satie, and with human phrases; the caller's to free. */
struct repertoire *fake_repertoire(const char *const *names, bool phrases);

/** All that a lane has heard since its reset, in a word. */
uint64_t fake_heard(const struct net *net, uint32_t lane);

/** Pitches of human phrases, and of nothing else. */
#define FAKE_HUMAN_LOWEST 96

#endif
