// SPDX-License-Identifier: MIT
#include "control/primer.h"

#include <stdbool.h>
#include <string.h>

#include "music/opening.h"
#include "music/score.h"
#include "music/seedbook.h"

/** How far back the best phrase to reseed from is looked for. */
#define MEMORY_US (180 * NOTE_SECOND)
/** How much earlier or later than it was found, at most, the best phrase begins: so many steps of
 * 50 ms. */
#define SHIFTS 10
#define SHIFT_US (NOTE_SECOND / 20)
#define MOST_SEMITONES 3
/** Keys of a piano. */
#define LOWEST 21
#define HIGHEST 108

void primer_init(struct primer *primer, struct score *score, uint64_t seed)
{
    *primer = (struct primer){.score = score, .seed = seed};
}

/** splitmix64 (Steele, Lea, Flood 2014), to spread a counter over all human phrases. */
static uint64_t spread(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static const struct phrase *take_phrase(struct primer *primer, const char *composer, uint64_t draw)
{
    const struct phrase *phrase =
        primer->book ? seedbook_phrase(primer->book, composer, draw) : NULL;
    primer->count = 0;
    if (!phrase)
        return NULL;
    primer->count = phrase->count < PRIMER_NOTES ? phrase->count : PRIMER_NOTES;
    memcpy(primer->notes, phrase->notes, primer->count * sizeof *primer->notes);
    return phrase;
}

/** The phrases come in rounds, each phrase once in a round, each round in an order of its own: so
 * every hour has the same mix of them, and seldom does one come soon again. */
static uint64_t next_phrase(struct primer *primer, const char *composer)
{
    uint64_t number = primer->phrase++;
    size_t count = primer->book ? seedbook_count(primer->book, composer) : 0;
    if (count == 0)
        return spread(primer->seed ^ number);
    uint64_t round = number / count, at = number % count;
    // A walk with a step that has no divisor in common with the count meets each once.
    uint64_t draw = spread(primer->seed ^ round), step = draw / count % count;
    while (gcd(step, count) != 1)
        step = step % count + 1;
    return (draw % count + at * step) % count;
}

static enum primer_source choose_human(struct primer *primer, const char *composer)
{
    const struct phrase *phrase = take_phrase(primer, composer, next_phrase(primer, composer));
    primer->to = phrase ? phrase->length : 0;
    primer->from = primer->to - PRIMER_US;
    return phrase ? PRIMER_HUMAN : PRIMER_NOTHING;
}

/** Looks for the best window before `start`. Returns 0 and its beginning, or -ENOENT. */
static int find_best(struct primer *primer, int64_t start, const struct curator *curator,
                     int64_t *ret_from)
{
    int64_t earliest = start > MEMORY_US ? start - MEMORY_US : 0;
    size_t count = score_copy(primer->score, earliest, start, primer->notes, PRIMER_NOTES);
    return curator_best_window(curator, primer->notes, count, earliest, start, PRIMER_US, ret_from);
}

static void choose_own(struct primer *primer, int64_t from, int64_t to)
{
    primer->count = score_copy_sounding(primer->score, from, to, primer->notes, PRIMER_NOTES);
    primer->from = from;
    primer->to = to;
}

/** Whether the phrase, moved by so many semitones, is still where the composer plays. */
static bool is_fit(const struct primer *primer, const struct curator_bounds *bounds, int by)
{
    double sum = 0;
    for (size_t i = 0; i < primer->count; i++) {
        int pitch = primer->notes[i].pitch + by;
        if (pitch < LOWEST || pitch > HIGHEST)
            return false;
        sum += pitch;
    }
    double middle = sum / (double)primer->count;
    return middle >= bounds->register_[0] && middle <= bounds->register_[2];
}

/** Moves the phrase by some semitones and its notes a little apart or together; its end, where the
 * net goes on, stays. */
static void vary(struct primer *primer, const struct curator_bounds *bounds, uint64_t draw)
{
    int by = 1 + (int)(draw % MOST_SEMITONES);
    int64_t pace = 970 + (int64_t)(draw / 64 % 61); // of 1000
    if (draw & 32)
        by = -by;
    if (!is_fit(primer, bounds, by))
        by = -by;
    if (!is_fit(primer, bounds, by))
        by = 0;
    for (size_t i = 0; i < primer->count; i++) {
        struct note *note = &primer->notes[i];
        note->pitch = (uint8_t)(note->pitch + by);
        note->onset = primer->to - (primer->to - note->onset) * pace / 1000;
        if (note->duration != NOTE_OPEN)
            note->duration = note->duration * pace / 1000 + 1;
    }
}

enum primer_source primer_choose(struct primer *primer, enum primer_source source, int64_t start,
                                 int64_t reach, const char *composer, const struct curator *curator)
{
    int64_t from = start - PRIMER_US;
    uint64_t draw;
    if (source == PRIMER_GIVEN)
        return PRIMER_GIVEN;
    primer->count = 0;
    primer->from = from;
    primer->to = start;
    switch (source) {
    case PRIMER_NOTHING:
        return PRIMER_NOTHING;
    case PRIMER_LATEST:
        choose_own(primer, start - reach, start);
        return PRIMER_LATEST;
    case PRIMER_BEST:
        if (find_best(primer, start, curator, &from) < 0)
            break;
        draw = spread(primer->seed ^ primer->reseeds++ << 32);
        from += ((int64_t)(draw >> 40) % (2 * SHIFTS + 1) - SHIFTS) * SHIFT_US;
        from = from > start - PRIMER_US ? start - PRIMER_US : from < 0 ? 0 : from;
        choose_own(primer, from, from + PRIMER_US);
        vary(primer, &curator->bounds, draw);
        return PRIMER_BEST;
    case PRIMER_GIVEN:
    case PRIMER_HUMAN:
        break;
    }
    return choose_human(primer, composer);
}

void primer_give(struct primer *primer, const struct opening *opening, int64_t begin)
{
    primer->count = opening->count;
    memcpy(primer->notes, opening->notes, opening->count * sizeof *opening->notes);
    for (size_t i = 0; i < primer->count; i++)
        primer->notes[i].onset += begin;
    primer->to = begin + opening->length;
    primer->from = primer->to - PRIMER_US;
}

int64_t primer_last_onset(struct primer *primer, int64_t start)
{
    primer->count =
        score_copy(primer->score, start - PRIMER_US, start, primer->notes, PRIMER_NOTES);
    return primer->count ? primer->notes[primer->count - 1].onset : start;
}
