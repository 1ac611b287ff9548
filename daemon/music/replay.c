// SPDX-License-Identifier: MIT
#include "music/replay.h"

#include <string.h>

#include "music/score.h"
#include "music/seedbook.h"

/** Kept music that is enough to choose phrases from. */
#define ENOUGH_US (20 * NOTE_SECOND)
/** A phrase lasts one of three times so long. */
#define PHRASE_US (5 * NOTE_SECOND)
/** No phrase has a longer time between two onsets, nor so few notes. */
#define LONGEST_GAP (2 * NOTE_SECOND)
#define FEWEST_NOTES 6
/** Of the last onset, before the breath. */
#define LAST_US (6 * NOTE_SECOND / 10)
#define BREATH_US (3 * NOTE_SECOND / 10)
#define TRIES 32
/** Keys of a piano. */
#define LOWEST 21
#define HIGHEST 108

void replay_init(struct replay *replay, uint64_t seed)
{
    replay->seed = seed;
    replay->phrases = 0;
    replay->fresh = 0;
    replay->former = -1;
    replay->going = false;
    replay->kept_count = 0;
    replay->phrase_count = 0;
    replay->played = 0;
    replay->length = replay->place = 0;
    replay->source = REPLAY_NOTHING;
}

/** splitmix64 (Steele, Lea, Flood 2014): the next random number. */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Takes what nets have composed; what was taken before stays where that is too little. */
static void remember(struct replay *replay, struct score *score, int64_t start)
{
    int64_t from = start - REPLAY_MEMORY_US;
    if (from < replay->fresh)
        from = replay->fresh;
    if (replay->kept_count && start - from < ENOUGH_US)
        return;
    replay->kept_count = score_copy(score, from, start, replay->kept, REPLAY_NOTES);
    replay->former = -1;
}

/** Looks for a phrase that begins with note number `first`; returns how many notes it has, 0 where
 * it is not fit. */
static size_t fit(const struct replay *replay, size_t first, int64_t length)
{
    const struct note *notes = replay->kept + first;
    size_t count = 1;
    // Between the notes of a chord is no place to begin.
    if (first > 0 && notes[0].onset - notes[-1].onset < NOTE_SECOND / 20)
        return 0;
    while (first + count < replay->kept_count && count < REPLAY_PHRASE_NOTES &&
           notes[count].onset - notes[0].onset < length) {
        if (notes[count].onset - notes[count - 1].onset > LONGEST_GAP)
            return 0;
        count++;
    }
    bool whole = notes[count - 1].onset - notes[0].onset > length / 2;
    return whole && count >= FEWEST_NOTES ? count : 0;
}

/** Chooses a phrase of the channel's own; returns how many notes it has, or 0. */
static size_t choose_kept(struct replay *replay, uint64_t *random, const struct note **ret_notes)
{
    for (int i = 0; replay->kept_count && i < TRIES; i++) {
        size_t first = (size_t)(draw(random) % replay->kept_count);
        int64_t length = PHRASE_US * (int64_t)(1 + draw(random) % 3);
        int64_t from_former = replay->kept[first].onset - replay->former;
        // Not the same again, nor what goes on from there, as long as there is a choice.
        if (i < TRIES / 2 && replay->former >= 0 && from_former > -PHRASE_US &&
            from_former < 3 * PHRASE_US)
            continue;
        size_t count = fit(replay, first, length);
        if (!count)
            continue;
        replay->former = replay->kept[first].onset;
        *ret_notes = replay->kept + first;
        return count;
    }
    return 0;
}

static size_t choose_human(const struct seedbook *book, const char *composer, uint64_t *random,
                           const struct note **ret_notes)
{
    const struct phrase *phrase = book ? seedbook_phrase(book, composer, draw(random)) : NULL;
    if (!phrase)
        return 0;
    *ret_notes = phrase->notes;
    return phrase->count < REPLAY_PHRASE_NOTES ? phrase->count : REPLAY_PHRASE_NOTES;
}

/** Semitones by which the notes are moved: never 0, and never off the keys. */
static int choose_shift(const struct note *notes, size_t count, uint64_t *random)
{
    int lowest = HIGHEST, highest = LOWEST;
    for (size_t i = 0; i < count; i++) {
        lowest = notes[i].pitch < lowest ? notes[i].pitch : lowest;
        highest = notes[i].pitch > highest ? notes[i].pitch : highest;
    }
    int by = (int)(draw(random) % 4) + 1;
    bool up = draw(random) % 2;
    if (highest + by > HIGHEST)
        up = false;
    else if (lowest - by < LOWEST)
        up = true;
    return up ? by : -by;
}

static void vary(struct replay *replay, const struct note *notes, size_t count, uint64_t *random)
{
    int by = choose_shift(notes, count, random);
    int64_t pace = 950 + (int64_t)(draw(random) % 101); // of 1000
    int64_t end = 0;
    replay->phrase_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct note note = notes[i];
        int pitch = note.pitch + by;
        if (pitch < 0 || pitch > 127)
            continue;
        note.pitch = (uint8_t)pitch;
        note.onset = (note.onset - notes[0].onset) * pace / 1000;
        if (note.duration != NOTE_OPEN)
            note.duration = note.duration * pace / 1000 + 1;
        end = note.onset + LAST_US;
        replay->phrase[replay->phrase_count++] = note;
    }
    // Nothing sounds into the next phrase, which is in another key.
    for (size_t i = 0; i < replay->phrase_count; i++) {
        struct note *note = &replay->phrase[i];
        if (note_end(note) > end)
            note->duration = end - note->onset;
    }
    replay->length = end + BREATH_US;
    replay->place = 0;
    replay->played = 0;
}

static void choose_phrase(struct replay *replay, const struct seedbook *book, const char *composer)
{
    uint64_t random = replay->seed ^ (replay->phrases++ << 20);
    const struct note *notes = NULL;
    size_t count = choose_kept(replay, &random, &notes);
    replay->source = REPLAY_KEPT;
    if (!count) {
        count = choose_human(book, composer, &random, &notes);
        replay->source = count ? REPLAY_HUMAN : REPLAY_NOTHING;
    }
    replay->phrase_count = 0;
    replay->length = replay->place = 0;
    if (count)
        vary(replay, notes, count, &random);
}

enum replay_source replay_play(struct replay *replay, struct score *score, int64_t start,
                               const struct seedbook *book, const char *composer, int64_t length,
                               struct note *notes, size_t room, size_t *ret_count)
{
    size_t count = 0;
    int64_t done = 0;
    if (!replay->going) {
        remember(replay, score, start);
        replay->length = replay->place = 0;
    }
    replay->going = true;
    while (done < length) {
        if (replay->place >= replay->length) {
            choose_phrase(replay, book, composer);
            if (replay->source == REPLAY_NOTHING)
                break;
        }
        int64_t step = replay->length - replay->place;
        step = step < length - done ? step : length - done;
        while (replay->played < replay->phrase_count &&
               replay->phrase[replay->played].onset < replay->place + step) {
            struct note note = replay->phrase[replay->played++];
            note.onset += done - replay->place;
            if (count < room)
                notes[count++] = note;
        }
        replay->place += step;
        done += step;
    }
    *ret_count = count;
    return replay->source;
}

void replay_end(struct replay *replay, int64_t time)
{
    if (replay->going)
        replay->fresh = time;
    replay->going = false;
}
