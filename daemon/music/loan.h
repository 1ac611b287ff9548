// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_LOAN_H
#define FERMATA_MUSIC_LOAN_H

#include <stdint.h>

/**
 * loan: how much of what a channel has lately played occurs in the music that its net has learnt
 * from: the share of its runs, those of short quotations too, over about ten minutes. Plain data;
 * judging changes nothing.
 */
struct echo_line;
struct quotes;

struct loan {
    double runs;   ///< of the kept music; half is forgotten in ten minutes
    double quoted; ///< of these
};

/** Nothing is borrowed. */
void loan_init(struct loan *loan);

/** Takes a kept draft of so many microseconds into account, as the end of the channel's line. */
void loan_keep(struct loan *loan, const struct quotes *quotes, const struct echo_line *line,
               int64_t length);

/** How far the share would be beyond `bound`, which it keeps some way below, with this draft, in
 * `bound`s: 0 where it is not, or where the draft has no larger share itself. */
double loan_judge(const struct loan *loan, const struct quotes *quotes,
                  const struct echo_line *line, int64_t length, double bound);

#endif
