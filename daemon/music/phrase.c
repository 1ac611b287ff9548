// SPDX-License-Identifier: MIT
#include "music/phrase.h"

/** Notes so close together are one chord. */
#define CHORD_US (NOTE_SECOND * 6 / 100)
/** What was struck last is heard for so long, or for half of a short breath. */
#define HEARD_US (NOTE_SECOND * 3 / 10)

int64_t phrase_end(const struct note *notes, size_t count, int64_t from, int64_t to)
{
    if (count == 0)
        return from;
    size_t chords = 1;
    int64_t longest = 0, at = from, former = notes[0].onset;
    for (size_t i = 1; i <= count; i++) {
        int64_t onset = i < count ? notes[i].onset : to;
        int64_t apart = onset - former;
        if (apart <= CHORD_US)
            continue;
        chords++;
        if (apart > longest) {
            longest = apart;
            at = former;
        }
        former = onset;
    }
    double usual = (double)(to - notes[0].onset) / (double)chords;
    if (longest < PHRASE_SHORTEST_US || (double)longest < PHRASE_BREATH * usual)
        return from;
    return at + (longest / 2 < HEARD_US ? longest / 2 : HEARD_US);
}
