// SPDX-License-Identifier: MIT
#include "music/loan.h"

#include <math.h>
#include <stddef.h>

#include "music/note.h"
#include "music/quotes.h"

#define HALF_LIFE (600.0 * NOTE_SECOND)
/** As if nothing borrowed had gone before so much: one cadence makes no share. */
#define RUNS_LEAST 1500.0
/** Of the bound, what counts as within it. Runs that lie alone are no loan, but copied all the
 * same; the filter is wrong about a run now and then, and one that ends a draft finds its neighbour
 * only in the next. At 0.75 six hours of Bach were no better than human works. */
#define MARGIN 0.65

void loan_init(struct loan *loan)
{
    *loan = (struct loan){.runs = 0};
}

void loan_keep(struct loan *loan, const struct quotes *quotes, const struct echo_line *line,
               int64_t length)
{
    size_t runs = 0;
    size_t quoted = quotes_count(quotes, line, &runs);
    double old = exp2(-(double)length / HALF_LIFE);
    loan->runs = old * loan->runs + (double)runs;
    loan->quoted = old * loan->quoted + (double)quoted;
}

double loan_judge(const struct loan *loan, const struct quotes *quotes,
                  const struct echo_line *line, int64_t length, double bound)
{
    size_t runs = 0;
    double quoted = (double)quotes_count(quotes, line, &runs);
    bound *= MARGIN;
    if (bound <= 0 || quoted <= bound * (double)runs)
        return 0;
    double old = exp2(-(double)length / HALF_LIFE);
    double share =
        (old * loan->quoted + quoted) / fmax(old * loan->runs + (double)runs, RUNS_LEAST);
    return fmax(share / bound - 1, 0);
}
