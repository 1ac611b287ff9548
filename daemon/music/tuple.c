// SPDX-License-Identifier: MIT
#include "music/tuple.h"

#include <math.h>
#include <stdlib.h>

// Exact to 0.3 s, then geometric: round(30 * (800 / 30)^(k / 64)), no two alike.
static const int16_t delta_ticks[TUPLE_DELTAS] = {
    0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,
    19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  32,  33,  35,  37,  39,  41,  43,
    45,  48,  50,  53,  56,  58,  62,  65,  68,  72,  76,  80,  84,  88,  93,  98,  103, 108, 114,
    120, 126, 133, 140, 147, 155, 163, 172, 181, 190, 200, 211, 222, 234, 246, 259, 272, 287, 302,
    318, 334, 352, 371, 390, 411, 432, 455, 479, 504, 531, 559, 588, 619, 652, 686, 722, 760, 800,
};

#define SHORTEST_US 25000.0
#define SPAN 320.0 // from the shortest to the longest duration, 8 s
#define LAST_DURATION (TUPLE_DURATIONS - 1)

int64_t tuple_delta_ticks(uint8_t bin)
{
    return delta_ticks[bin < TUPLE_DELTAS ? bin : TUPLE_DELTAS - 1];
}

uint8_t tuple_delta_bin(int64_t ticks)
{
    // Bins meet in the middle; the middle itself is the lower one's.
    uint8_t bin = 0;
    while (bin + 1 < TUPLE_DELTAS && delta_ticks[bin] + delta_ticks[bin + 1] < 2 * ticks)
        bin++;
    return bin;
}

int64_t tuple_duration_us(uint8_t bin)
{
    double part = fmin(bin, LAST_DURATION) / LAST_DURATION;
    return llround(SHORTEST_US * pow(SPAN, part));
}

uint8_t tuple_duration_bin(int64_t us)
{
    // Bins meet at the geometric mean.
    double place = us > 0 ? LAST_DURATION * log((double)us / SHORTEST_US) / log(SPAN) : 0;
    return (uint8_t)fmin(fmax(ceil(place - 0.5), 0), LAST_DURATION);
}

int64_t tuple_tick(int64_t us)
{
    int64_t shifted = us + TUPLE_TICK_US / 2;
    return shifted / TUPLE_TICK_US - (shifted % TUPLE_TICK_US < 0);
}

struct note tuple_note(const struct tuple *tuple, int64_t former)
{
    int velocity = tuple->velocity * 4 + 2;
    return (struct note){
        .onset = former + tuple_delta_ticks(tuple->delta) * TUPLE_TICK_US,
        .duration = tuple_duration_us(tuple->duration),
        .pitch = tuple->pitch & 127,
        .velocity = (uint8_t)(velocity < 127 ? velocity : 127),
    };
}

static int compare(const void *a, const void *b)
{
    const struct note *first = a;
    const struct note *second = b;
    int64_t ticks = tuple_tick(first->onset) - tuple_tick(second->onset);
    if (ticks)
        return ticks < 0 ? -1 : 1;
    if (first->pitch != second->pitch)
        return first->pitch < second->pitch ? -1 : 1;
    return (first->onset > second->onset) - (first->onset < second->onset);
}

size_t tuple_spell(struct note *notes, size_t count, int64_t until, struct tuple *ret_tuples)
{
    size_t spelt = 0;
    int64_t former = 0;
    if (count)
        qsort(notes, count, sizeof *notes, compare);
    for (size_t i = 0; i < count; i++) {
        const struct note *note = &notes[i];
        int64_t tick = tuple_tick(note->onset);
        if (spelt && tick == former && note->pitch == ret_tuples[spelt - 1].pitch)
            continue;
        int64_t end = note_end(note);
        ret_tuples[spelt] = (struct tuple){
            .delta = spelt ? tuple_delta_bin(tick - former) : 0,
            .pitch = note->pitch,
            .duration = tuple_duration_bin((end == NOTE_OPEN ? until : end) - note->onset),
            .velocity = note->velocity / 4,
        };
        spelt++;
        former = tick;
    }
    return spelt;
}
