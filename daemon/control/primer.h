// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PRIMER_H
#define FERMATA_CONTROL_PRIMER_H

#include <stddef.h>
#include <stdint.h>

#include "music/curator.h"
#include "music/note.h"

/**
 * primer: chooses the phrase that a net is primed with: the channel's own music where it is good, a
 * human phrase where it is not. How a phrase is fed to a net is the scribe's business. Plain data
 * of its lane, on the generator's thread.
 */
struct opening;
struct score;
struct seedbook;

/** A phrase of the channel's own lasts ten seconds, the article's window, where nothing else is
 * said. */
#define PRIMER_US (10 * NOTE_SECOND)
#define PRIMER_NOTES 16384

enum primer_source {
    PRIMER_NOTHING, ///< no phrase: the net begins a piece of its own
    PRIMER_HUMAN,
    PRIMER_LATEST, ///< the channel's last seconds: goes on seamlessly
    /** The best ten seconds of the channel's last minutes, varied: moved by one to three semitones
     * within the composer's register, begun up to half a second later, a little slower or faster.
     */
    PRIMER_BEST,
    PRIMER_GIVEN, ///< somebody's own phrase: primer_give()
};

struct primer {
    struct score *score;
    const struct seedbook *book; ///< of the net in use; NULL: none
    uint64_t seed;
    uint64_t phrase;  ///< human phrases used so far
    uint64_t reseeds; ///< own ones varied so far
    /** The phrase chosen last, in order of onset, [from, to) in the notes' own time; notes that
     * sound over `from` are in it. */
    struct note notes[PRIMER_NOTES];
    size_t count;
    int64_t from, to;
};

void primer_init(struct primer *primer, struct score *score, uint64_t seed);

/**
 * Chooses the phrase for what is to begin at channel time `start`; for PRIMER_GIVEN what was given
 * just before. PRIMER_LATEST reaches back by
 * `reach`; where PRIMER_BEST finds none, and for PRIMER_HUMAN, the end of a human phrase of
 * `composer` is taken, of another where it has none. Returns the source in fact used:
 * PRIMER_NOTHING where there is no human phrase at all.
 */
enum primer_source primer_choose(struct primer *primer, enum primer_source source, int64_t start,
                                 int64_t reach, const char *composer,
                                 const struct curator *curator);

/** Takes an opening that begins at channel time `begin`: the phrase for PRIMER_GIVEN. */
void primer_give(struct primer *primer, const struct opening *opening, int64_t begin);

/** The last onset within ten seconds before `start`, or, where there is none, `start`. */
int64_t primer_last_onset(struct primer *primer, int64_t start);

#endif
