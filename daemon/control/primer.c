// SPDX-License-Identifier: MIT
#include "control/primer.h"

#include <string.h>

#include "music/score.h"
#include "music/seedbook.h"

/** How far back the best phrase to reseed from is looked for. */
#define MEMORY_US (180 * NOTE_SECOND)

void primer_init(struct primer *primer, struct score *score, const struct seedbook *book,
                 uint64_t seed)
{
    *primer = (struct primer){.score = score, .book = book, .seed = seed};
}

/** splitmix64 (Steele, Lea, Flood 2014), to spread a counter over all human phrases. */
static uint64_t spread(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void primer_write_phrase(struct primer *primer, const char *composer, size_t frames, uint8_t *cells)
{
    uint64_t index = spread(primer->seed ^ primer->phrase++);
    const struct phrase *phrase = seedbook_phrase(primer->book, composer, index);
    if (phrase)
        roll_write(phrase->notes, phrase->count, 0, frames, (int)(index % 7) - 3, cells);
    else
        memset(cells, 0, frames * ROLL_PITCHES);
}

static void write_human(struct primer *primer, const char *composer)
{
    uint64_t index = spread(primer->seed ^ primer->phrase++);
    const struct phrase *phrase = seedbook_phrase(primer->book, composer, index);
    if (phrase)
        roll_write(phrase->notes, phrase->count, phrase->length - PRIMER_US, PRIMER_FRAMES, 0,
                   primer->cells);
    else
        memset(primer->cells, 0, sizeof primer->cells);
}

static void write_own(struct primer *primer, int64_t from)
{
    size_t count =
        score_copy_sounding(primer->score, from, from + PRIMER_US, primer->notes, PRIMER_NOTES);
    roll_write(primer->notes, count, from, PRIMER_FRAMES, 0, primer->cells);
}

enum primer_source primer_write(struct primer *primer, enum primer_source source, int64_t start,
                                const char *composer, const struct curator *curator)
{
    int64_t from = start - PRIMER_US;
    if (source == PRIMER_BEST) {
        int64_t earliest = start > MEMORY_US ? start - MEMORY_US : 0;
        size_t count = score_copy(primer->score, earliest, start, primer->notes, PRIMER_NOTES);
        if (curator_best_window(curator, primer->notes, count, earliest, start, PRIMER_US, &from) <
            0)
            source = PRIMER_HUMAN;
    } else if (source == PRIMER_LATEST && from < 0) {
        source = PRIMER_HUMAN;
    }

    if (source == PRIMER_HUMAN)
        write_human(primer, composer);
    else
        write_own(primer, from);
    return source;
}

int64_t primer_last_onset(struct primer *primer, int64_t start)
{
    size_t count = score_copy(primer->score, start - PRIMER_US, start, primer->notes, PRIMER_NOTES);
    return count ? primer->notes[count - 1].onset : start;
}
