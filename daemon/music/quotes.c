// SPDX-License-Identifier: MIT
#include "music/quotes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "music/echo.h"
#include "music/line.h"

#define MOST_HASHES 16

struct quotes {
    uint8_t *filter;
    uint32_t bits;
    unsigned hashes;
    char *reference;
};

int quotes_new(const uint8_t *filter, size_t size, unsigned hashes, const char *reference,
               struct quotes **ret_quotes)
{
    if (size == 0 || size > UINT32_MAX / 8 || hashes == 0 || hashes > MOST_HASHES)
        return -EBADMSG;
    struct quotes *quotes = calloc(1, sizeof *quotes);
    if (!quotes)
        return -ENOMEM;
    quotes->filter = malloc(size);
    quotes->reference = strdup(reference);
    if (!quotes->filter || !quotes->reference) {
        quotes_free(quotes);
        return -ENOMEM;
    }
    memcpy(quotes->filter, filter, size);
    quotes->bits = (uint32_t)size * 8;
    quotes->hashes = hashes;
    *ret_quotes = quotes;
    return 0;
}

void quotes_free(struct quotes *quotes)
{
    if (!quotes)
        return;
    free(quotes->filter);
    free(quotes->reference);
    free(quotes);
}

const char *quotes_reference(const struct quotes *quotes)
{
    return quotes->reference;
}

/** The finalizer of splitmix64 (Steele, Lea, Flood 2014): the runs' own bits are no even ones. */
static uint64_t spread(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

bool quotes_have(const struct quotes *quotes, uint64_t run)
{
    // Two hashes make as many as are wanted (Kirsch, Mitzenmacher 2006).
    uint64_t at = spread(run), step = spread(run + UINT64_C(0x9e3779b97f4a7c15)) | 1;
    for (unsigned i = 0; i < quotes->hashes; i++, at += step) {
        uint64_t bit = ((at >> 32) * quotes->bits) >> 32;
        if (!(quotes->filter[bit / 8] >> (bit % 8) & 1))
            return false;
    }
    return true;
}

/** Whether the run that ends with note `last` is not among those from note `first` on. */
static bool is_new(const uint64_t *runs, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        if (runs[i] == runs[last])
            return false;
    return true;
}

/** Notes of the longest passage, as quotes_longest(); it ends with the first that is longer than
 * `most`, whose last note is *ret_last then. */
static size_t longest_up_to(const struct quotes *quotes, const struct echo_line *line, size_t most,
                            size_t *ret_last)
{
    uint64_t runs[ECHO_ROOM]; // by their last notes
    size_t longest = 0, first = LINE_RUN - 1, different = 0;
    for (size_t last = LINE_RUN - 1; last < line->count; last++) {
        runs[last] = line_run(line->pitch + last - (LINE_RUN - 1));
        if (!quotes_have(quotes, runs[last])) {
            first = last + 1;
            different = 0;
            continue;
        }
        different += is_new(runs, first, last);
        if (last < line->fresh || different <= longest)
            continue;
        longest = different;
        if (longest + LINE_RUN - 1 > most) {
            *ret_last = last;
            break;
        }
    }
    return longest ? longest + LINE_RUN - 1 : 0;
}

size_t quotes_longest(const struct quotes *quotes, const struct echo_line *line)
{
    size_t last;
    return longest_up_to(quotes, line, SIZE_MAX, &last);
}

size_t quotes_first_beyond(const struct quotes *quotes, const struct echo_line *line, size_t most)
{
    size_t last = line->count;
    longest_up_to(quotes, line, most, &last);
    return last;
}

size_t quotes_count(const struct quotes *quotes, const struct echo_line *line, size_t *ret_runs)
{
    size_t runs = 0, quoted = 0;
    // The run before the draft's first one counts as its neighbour, and no more.
    size_t first = line->fresh > LINE_RUN - 1 ? line->fresh : LINE_RUN - 1;
    bool before = false, before_counts = true;
    for (size_t last = first > LINE_RUN - 1 ? first - 1 : first; last < line->count; last++) {
        bool had = quotes_have(quotes, line_run(line->pitch + last - (LINE_RUN - 1)));
        if (last >= first) {
            runs++;
            if (had && before)
                quoted += before_counts ? 1 : 2;
            before_counts = had && before;
        }
        before = had;
    }
    *ret_runs = runs;
    return quoted;
}
