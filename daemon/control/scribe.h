// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SCRIBE_H
#define FERMATA_CONTROL_SCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/draft.h"
#include "control/primer.h"
#include "music/roll.h"
#include "music/tuple.h"
#include "nets/net.h"

/**
 * scribe: stands between a lane and a net of one vocabulary: feeds the net with a phrase (priming)
 * and writes down what it plays, as drafts. There is a kind for each vocabulary; the lane does not
 * know which. Plain data of its lane, on the generator's thread.
 */
struct scribe_kind;

#define SCRIBE_PRIME_FRAMES (PRIMER_US / ROLL_FRAME_US)
#define SCRIBE_DRAFT_FRAMES (DRAFT_US / ROLL_FRAME_US)
/** Notes of a phrase that a net of notes is primed with, at most: what the narrow half of its
 * windows holds. */
#define SCRIBE_PRIME_NOTES 128
/** The same where somebody waits to hear it. */
#define SCRIBE_PRIME_NOTES_SOON 64
/** Notes of a draft of such a net, and those behind its end. More in four seconds is a storm. */
#define SCRIBE_WAITING 1024

/** What a scribe of rolls knows. */
struct scribe_roll_state {
    struct roll_reader reader; ///< as it stood when the draft began
    uint8_t phrase[SCRIBE_PRIME_FRAMES * ROLL_PITCHES];
    uint8_t frames[SCRIBE_DRAFT_FRAMES * ROLL_PITCHES];
    size_t primed;  ///< frames of the phrase that were fed
    size_t written; ///< frames of the draft
};

/** What a scribe of notes knows. */
struct scribe_notes_state {
    struct tuple phrase[SCRIBE_PRIME_NOTES];
    size_t to_feed; ///< of it
    size_t primed;  ///< fed so far
    size_t feeding; ///< of the run in work
    int64_t former; ///< onset of the last note the net has heard, in channel time
    int64_t floor;  ///< nothing new begins before it
    /** What the net has played and nobody has kept yet, in order of onset: the draft, and behind
     * its end the beginning of the next one. */
    struct note waiting[SCRIBE_WAITING];
    size_t waiting_count;
    size_t drafted; ///< of them, in the draft that was written last
};

struct scribe {
    const struct scribe_kind *kind;
    struct primer *primer;
    bool soon;     ///< somebody waits for what is composed next
    bool nonsense; ///< the net has played what no sound one does; what it makes is worth nothing
    struct scribe_roll_state roll;
    struct scribe_notes_state notes;
};

struct scribe_kind {
    enum net_vocabulary vocabulary;

    /** What the net plays next begins at channel time `at`; what came before is not continued. */
    void (*cut)(struct scribe *scribe, int64_t at);

    /**
     * The next runs feed a phrase, and then a draft from `start` on is composed. The piece began at
     * `piece_start`. What was played behind the last kept draft's end is thrown away, but for
     * PRIMER_LATEST. Returns the source in fact used. The net's lane is reset by the caller.
     */
    enum primer_source (*prime)(struct scribe *scribe, enum primer_source source, int64_t start,
                                int64_t piece_start, const char *composer,
                                const struct curator *curator);

    /** A draft from `start` on goes on where the last kept one ended. Returns true where it is
     * written already, without a run. */
    bool (*go_on)(struct scribe *scribe, int64_t start, struct draft *draft);

    /** Says what the next run is fed. */
    void (*feed)(struct scribe *scribe, struct net_lane *input);

    /** Whether the next run is fed the phrase and makes nothing: nothing is drawn in it, so it is
     * the same for all that begin with this phrase. */
    bool (*primes)(const struct scribe *scribe);

    /** Takes the steps that a run made. Returns true once `draft`, which begins at `start`, is
     * whole. */
    bool (*take)(struct scribe *scribe, const uint8_t *tokens, int64_t start, struct draft *draft);

    /** Writes a draft out of the primer's phrase instead of what a net plays. */
    void (*copy_phrase)(struct scribe *scribe, int64_t start, struct draft *draft);

    /** The draft, one of those since the last call, is kept, after a breath of `breath`. */
    void (*keep)(struct scribe *scribe, const struct draft *draft, int64_t breath);
};

extern const struct scribe_kind scribe_roll;  ///< scribe_roll.c
extern const struct scribe_kind scribe_notes; ///< scribe_notes.c

void scribe_init(struct scribe *scribe, struct primer *primer, enum net_vocabulary vocabulary,
                 int64_t at);

#endif
