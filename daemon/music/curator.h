// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_CURATOR_H
#define FERMATA_MUSIC_CURATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/drift.h"
#include "music/loan.h"
#include "music/note.h"
#include "music/ostinato.h"

struct echo;
struct quotes;

/**
 * curator: listens to a draft before it may be played and says whether it is kept.
 *
 * It watches density, silence, stuckness and register against the composer's own human statistics,
 * over the draft and over what was kept before it; that the music does not repeat itself more than
 * his does (echo), quotes nobody at length (quotes), and does not wander off over the hour (drift).
 * It never stops the music: the caller asks for a verdict, acts on it, and after CURATOR_PATIENCE
 * refusals keeps the least bad draft. Pure: no clock, no device, no allocation. Plain data that may
 * be copied, owned by the generator's thread.
 */

/** What is human for a composer; from the weights' metadata "stats". */
struct curator_bounds {
    double notes_per_minute[5]; ///< percentiles 5, 10, 50, 90, 95 over 10 s windows
    double sounding[5];         ///< the same of the mean number of sounding pitches
    double register_[3];        ///< percentiles 5, 50, 95 of the pitch
};

/** Bounds of any piano music (all of MAESTRO), where a composer has no statistics. */
extern const struct curator_bounds curator_any_bounds;

/**
 * Reads the bounds of `composer` out of the JSON text `stats`
 * ({"bach": {"notes_per_minute": [..5], "sounding": [..5], "register": [..3]}, ...}). What is not
 * there is taken from curator_any_bounds; other keys are passed over. Percentiles are finite, not
 * negative and do not fall.
 * Returns 0, -ENOENT (no such composer) or -EBADMSG; on failure *ret_bounds is untouched.
 */
int curator_bounds_parse(const char *stats, const char *composer,
                         struct curator_bounds *ret_bounds);

/** What is human for a composer beyond that; from the metadata "reference" of quotes-*.safetensors,
 * counted by models/reference.py. */
struct curator_reference {
    double repeated_share; ///< of the runs of three minutes: heard before (echo_figures.share)
    double repeated_times; ///< how often, on the average of a minute (echo_figures.times)
    double quoted_notes;   ///< of the longest passage that other works have, too (quotes_longest())
    double quoted_share;   ///< of all runs, that other works have, too (quotes_count())
    struct drift_bands drift;
};

/** The same of any piano music (MAESTRO), where there are no others. */
extern const struct curator_reference curator_any_reference;

/** Reads the reference of `composer`, or else of "any", out of JSON of the same form, each key a
 * list of one number or, for a band of drift such as "density_10min", of two. Returns as
 * curator_bounds_parse(). */
int curator_reference_parse(const char *json, const char *composer,
                            struct curator_reference *ret_reference);

enum curator_verdict {
    CURATOR_KEEP,
    CURATOR_THIN,    ///< too few notes, or a silence that would grow too long: reseed
    CURATOR_CROWDED, ///< far more notes than the composer ever writes: reseed
    CURATOR_STUCK,   ///< the same few pitches hammered, trilled or held: reseed
    CURATOR_COPY,    ///< more of the training data, at once or of late, than works quote each other
    CURATOR_LOOP,    ///< what this channel has played in the last 30 minutes, again and again
    CURATOR_REGISTER, ///< far higher or lower than the composer writes
    CURATOR_DRIFT,    ///< leads further away from what the composer does in an hour
    CURATOR_VERDICTS, ///< how many there are
};

/** Refused drafts in a row after which the least bad one is kept. */
#define CURATOR_PATIENCE 6
/** A least bad draft that is worse than this is not music: silence, or a storm of notes. One that
 * is merely a copy, a loop, out of register or adrift is never as bad. */
#define CURATOR_TOLERABLE 1.5
/**
 * No onset for so long is a gap that a caller notices. The promise is 4 s; this is the limit.
 *
 * While only kept drafts are played, no two onsets of the channel are further apart, nor is the
 * first further from the time of curator_init(): a kept draft has no longer gap inside, counted
 * from the last kept onset on. Silence at its end is half a second shorter still, so that the next
 * one can always mend it by beginning soon. More than that is not held against a draft: where a cut
 * fell into a gap (then 3.5 s is the most), or a least bad draft broke the promise, one that begins
 * within half a second is kept again.
 */
#define CURATOR_LONGEST_GAP (3 * NOTE_SECOND)

struct curator {
    struct curator_bounds bounds;
    int64_t last_onset;      ///< of the kept music, or the time it began
    double notes_per_minute; ///< of the kept music, smoothed over about 20 s
    float heard[128];        ///< onsets of each pitch in it, fading over about 20 s
    struct ostinato ostinato;

    struct curator_reference reference;
    struct echo *echo;           ///< what the channel has played; NULL: loops, copies go unnoticed
    const struct quotes *quotes; ///< of the family; NULL: copies go unnoticed
    int64_t end;                 ///< of the kept music
    struct drift drift;
    struct loan loan;
};

/** Knows any composer's reference, no echo and no quotes. */
void curator_init(struct curator *curator, const struct curator_bounds *bounds, int64_t now);

/** Other bounds (a new composer); what was heard stays known, but the slow averages begin anew. */
void curator_set_bounds(struct curator *curator, const struct curator_bounds *bounds);

/** Listens with this echo, the caller's, which only curator_keep() changes. */
void curator_set_echo(struct curator *curator, struct echo *echo);

/** Guards with these quotes (which outlive it), and takes the composer's reference from them; NULL:
 * no guard, and any composer's reference. */
void curator_set_quotes(struct curator *curator, const struct quotes *quotes, const char *composer);

/**
 * Judges a draft: the notes that begin in [from, to), in order of onset, where `from` is the end of
 * what was kept (or cut). `ret_badness` (may be NULL) gets 0 for what is kept, else how bad it is,
 * for choosing the least bad; silence weighs most. Changes nothing.
 */
enum curator_verdict curator_judge(const struct curator *curator, const struct note *notes,
                                   size_t count, int64_t from, int64_t to, double *ret_badness);

/** Notes of the longest passage of the training data that a draft may have: somewhat less than a
 * human work has of others. */
size_t curator_quoted_most(const struct curator *curator);

/** Takes a kept draft into account; the echo forgets what was cut away before. */
void curator_keep(struct curator *curator, const struct note *notes, size_t count, int64_t from,
                  int64_t to);

/** After a cut: the kept music ends at `at`, its last onset was at `last_onset`. */
void curator_cut(struct curator *curator, int64_t at, int64_t last_onset);

/**
 * Chooses from the kept notes `notes` (in order, spanning [from, to)) the window of `length`
 * microseconds that is the best to reseed from: density nearest to the composer's median, no long
 * silence, register near the composer's, and among equals the latest. Returns 0 and its start
 * (a multiple of 50 ms before `to`), or -ENOENT where no window is good enough.
 */
int curator_best_window(const struct curator *curator, const struct note *notes, size_t count,
                        int64_t from, int64_t to, int64_t length, int64_t *ret_start);

const char *curator_verdict_name(enum curator_verdict verdict);

#endif
