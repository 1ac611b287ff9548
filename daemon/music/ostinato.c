// SPDX-License-Identifier: MIT
#include "music/ostinato.h"

#include <math.h>
#include <string.h>

// A tremolo is music, a draft full of one is where a net of notes has got stuck: of 10,000 human
// stretches of 4 s, 1 to 45 (Debussy 200) have so many notes in a row on so few keys.
#define TREMOLO_KEYS 3
#define TREMOLO_NOTES 24

// So do figures. Of 10,000 such stretches 0 to 60 go on with one of four keys that is so long, and
// as many with one of six. Left to itself a net goes round and round for up to 17 s, 130 notes.
static const struct {
    unsigned keys;
    size_t notes;
} figures[] = {{4, 56}, {6, OSTINATO_NOTES}};
#define FIGURE 0.8

static int pitch_at(const struct ostinato *ostinato, const struct note *notes, size_t i)
{
    return i < ostinato->count ? ostinato->recent[i] : notes[i - ostinato->count].pitch & 127;
}

/** Notes of the longest stretch on no more than `keys` keys that reaches beyond the first `from` of
 * all notes, the remembered ones before the draft's. */
static size_t longest(const struct ostinato *ostinato, const struct note *notes, size_t count,
                      unsigned keys, size_t from)
{
    unsigned struck[128] = {0}, now = 0;
    size_t first = 0, most = 0;
    for (size_t i = 0; i < ostinato->count + count; i++) {
        now += struck[pitch_at(ostinato, notes, i)]++ == 0;
        for (; now > keys; first++)
            now -= --struck[pitch_at(ostinato, notes, first)] == 0;
        if (i >= from && i + 1 - first > most)
            most = i + 1 - first;
    }
    return most;
}

double ostinato_judge(const struct ostinato *ostinato, const struct note *notes, size_t count)
{
    static const struct ostinato nothing = {.count = 0};
    double tremolo = (double)longest(&nothing, notes, count, TREMOLO_KEYS, 0) / TREMOLO_NOTES;
    if (tremolo >= 1)
        return 1 + fmin(tremolo - 1, 4) / 4;
    double figure = 0;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        size_t notes_of =
            longest(ostinato, notes, count, figures[i].keys, ostinato->count + count / 2);
        figure = fmax(figure, (double)notes_of / (double)figures[i].notes);
    }
    return figure >= 1 ? FIGURE + fmin(figure - 1, 1) / 4 : 0;
}

void ostinato_keep(struct ostinato *ostinato, const struct note *notes, size_t count)
{
    size_t fresh = count < OSTINATO_NOTES ? count : OSTINATO_NOTES;
    size_t stays = OSTINATO_NOTES - fresh;
    if (stays > ostinato->count)
        stays = ostinato->count;
    memmove(ostinato->recent, ostinato->recent + ostinato->count - stays, stays);
    for (size_t i = 0; i < fresh; i++)
        ostinato->recent[stays + i] = notes[count - fresh + i].pitch & 127;
    ostinato->count = stays + fresh;
}

void ostinato_forget(struct ostinato *ostinato)
{
    ostinato->count = 0;
}
