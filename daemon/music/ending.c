// SPDX-License-Identifier: MIT
#include "music/ending.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "music/spread.h"

#define MINUTE (60 * NOTE_SECOND)
#define FALL_US (8 * NOTE_SECOND)
/** Notes so close together are one chord, however it is spread. */
#define CHORD_US (NOTE_SECOND * 6 / 100)
/** The slowing down: how much later the last chord comes, and from how far before it. */
#define SLOWER_US (NOTE_SECOND * 35 / 100)
#define SLOW_US (NOTE_SECOND * 3 / 2)
/** No slowing down over a silence that it would make too long. */
#define SILENCE_US (2 * NOTE_SECOND)
/** A bass that was struck so long before the last chord still belongs to it. */
#define BASS_US (2 * NOTE_SECOND)
#define BASS_HIGHEST 55
#define SHORTEST_US (NOTE_SECOND * 3 / 100)

int ending_read_length(const char *text, struct ending_length *ret_length)
{
    double numbers[2];
    int count = 0;
    const char *at = text;
    do {
        char *end;
        // strtod() would take blanks, signs, hexadecimals and infinities as well.
        if (count == 2 || strspn(at, "0123456789.") == 0)
            return -EINVAL;
        numbers[count++] = strtod(at, &end);
        if ((size_t)(end - at) != strspn(at, "0123456789."))
            return -EINVAL;
        at = end;
    } while (*at++ == '-');
    if (at[-1])
        return -EINVAL;
    struct ending_length length = {numbers[0], numbers[count - 1]};
    bool endless = count == 1 && length.least == 0;
    if (!endless && !(length.least >= ENDING_SHORTEST && length.least <= length.most &&
                      length.most <= ENDING_LONGEST))
        return -EINVAL;
    *ret_length = length;
    return 0;
}

void ending_write_length(const struct ending_length *length, char ret_text[ENDING_LENGTH_ROOM])
{
    if (length->least == length->most)
        snprintf(ret_text, ENDING_LENGTH_ROOM, "%.6g", length->least);
    else
        snprintf(ret_text, ENDING_LENGTH_ROOM, "%.6g-%.6g", length->least, length->most);
}

void ending_init(struct ending *ending, uint64_t seed)
{
    *ending = (struct ending){.seed = seed};
}

void ending_begin(struct ending *ending, int64_t time)
{
    uint64_t draw = spread(spread(~ending->seed) + ending->pieces++);
    ending->begin = time;
    ending->share = (double)(draw >> 11) / (double)(UINT64_C(1) << 53);
}

int64_t ending_time(const struct ending *ending, const struct ending_length *length)
{
    if (!(length->most > 0))
        return INT64_MAX;
    double minutes = length->least + ending->share * (length->most - length->least);
    return ending->begin + (int64_t)(minutes * (double)MINUTE);
}

int ending_thinner(int64_t time, int64_t end)
{
    return time >= end - FALL_US / 2 ? 2 : time >= end - FALL_US ? 1 : 0;
}

// -- which chord

/** Krumhansl and Kessler 1982: how well each degree fits a major and a minor key. */
static const double profiles[2][12] = {
    {6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88},
    {6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17},
};

/** The key whose profile correlates best with the pitch classes (Krumhansl 1990). */
static int hear_key(const struct ending_music *music)
{
    double shares[12] = {0};
    for (size_t i = 0; i < music->before_count; i++)
        shares[music->before[i].pitch % 12]++;
    for (size_t i = 0; i < music->count; i++)
        shares[music->notes[i].pitch % 12]++;
    int best = 0;
    double most = -1e9;
    for (int key = 0; key < 24; key++) {
        const double *profile = profiles[key / 12];
        double mean = 0, square = 0, sum = 0;
        for (int i = 0; i < 12; i++)
            mean += profile[i] / 12;
        for (int i = 0; i < 12; i++) {
            double weight = profile[i] - mean;
            square += weight * weight;
            sum += weight * shares[(i + key) % 12];
        }
        if (sum / sqrt(square) > most) {
            most = sum / sqrt(square);
            best = key;
        }
    }
    return best;
}

static bool in_triad(int key, int pitch)
{
    int degree = (pitch - key % 12 + 12) % 12;
    return degree == 0 || degree == 7 || degree == (key < 12 ? 4 : 3);
}

/** How much two pitch classes rub, 0 to 1. */
static double roughness(int a, int b)
{
    static const double of[7] = {0, 1, 0.4, 0, 0, 0, 0.6};
    int apart = abs(a - b) % 12;
    return of[apart > 6 ? 12 - apart : apart];
}

static bool sounds_at(const struct note *note, int64_t time)
{
    return note->onset <= time + CHORD_US && note_end(note) > time + CHORD_US;
}

/** What is heard when the notes struck at `chord` begin. */
struct sonority {
    double weights[12]; ///< of pitch classes
    int struck;
    int bass;
};

static void listen(const struct ending_music *music, int64_t chord, struct sonority *ret_sonority)
{
    struct sonority heard = {.bass = 128};
    for (size_t i = 0; i < music->before_count + music->count; i++) {
        const struct note *note =
            i < music->before_count ? &music->before[i] : &music->notes[i - music->before_count];
        bool struck = note->onset >= chord && note->onset <= chord + CHORD_US;
        bool bass = note->pitch <= BASS_HIGHEST && note->onset >= chord - BASS_US;
        if (!struck && !(note->onset < chord && (bass || sounds_at(note, chord))))
            continue;
        double weight = struck ? 1 : 0.5;
        double *place = &heard.weights[note->pitch % 12];
        *place = weight > *place ? weight : *place;
        heard.bass = note->pitch < heard.bass ? note->pitch : heard.bass;
        heard.struck += struck;
    }
    *ret_sonority = heard;
}

/** How much the music would be at rest on the chord at `chord`. */
static double restfulness(const struct ending_music *music, int key, int64_t chord)
{
    struct sonority heard;
    double all = 0, fit = 0, rough = 0, pairs = 0;
    int classes = 0;
    listen(music, chord, &heard);
    for (int a = 0; a < 12; a++) {
        all += heard.weights[a];
        classes += heard.weights[a] > 0;
        fit += in_triad(key, a) ? heard.weights[a] : 0;
        for (int b = a + 1; b < 12; b++) {
            pairs += heard.weights[a] * heard.weights[b];
            rough += heard.weights[a] * heard.weights[b] * roughness(a, b);
        }
    }
    double rest = 2 * fit / all + 0.6 * (classes < 3 ? classes : 3);
    rest += 0.1 * (heard.struck < 4 ? heard.struck : 4);
    if (pairs > 0)
        rest -= 2 * rough / pairs;
    if (heard.bass % 12 == key % 12)
        rest += 0.6;
    return heard.bass <= BASS_HIGHEST ? rest + 0.2 : rest;
}

/** The latest of the most restful chords; where none begins in time, the last note. */
static int64_t choose_chord(const struct ending_music *music, int key)
{
    int64_t earliest = music->to - ENDING_REST_US, latest = music->to - SLOWER_US - CHORD_US;
    int64_t chord = INT64_MIN, best = INT64_MIN;
    double most = 0;
    for (size_t i = 0; i < music->count; i++) {
        int64_t onset = music->notes[i].onset;
        if (onset < earliest || onset >= latest || onset <= chord + CHORD_US)
            continue;
        chord = onset;
        double rest = restfulness(music, key, chord);
        if (best == INT64_MIN || rest >= most) {
            best = chord;
            most = rest;
        }
    }
    return best != INT64_MIN ? best
           : music->count    ? music->notes[music->count - 1].onset
                             : music->from;
}

// -- how it is played

/** When what was at `time` is to be, if the music slows down into `chord`. */
static int64_t slowed(int64_t time, int64_t chord)
{
    if (time >= chord)
        return time + SLOWER_US;
    double way = 1 - (double)(chord - time) / (double)SLOW_US;
    return way > 0 ? time + (int64_t)(way * way * (double)SLOWER_US) : time;
}

/** Slows down into the chord where there is no silence on the way. Returns its new time. */
static int64_t slow_down(struct ending_music *music, int64_t chord)
{
    int64_t last = chord;
    if (chord >= music->to - SLOWER_US - CHORD_US || chord - SLOW_US < music->from)
        return chord;
    for (size_t i = music->count; i > 0 && last > chord - SLOW_US; i--) {
        if (music->notes[i - 1].onset > chord)
            continue;
        if (last - music->notes[i - 1].onset > SILENCE_US)
            return chord;
        last = music->notes[i - 1].onset;
    }
    if (last > chord - SLOW_US && music->before_count &&
        last - music->before[music->before_count - 1].onset > SILENCE_US)
        return chord;
    for (size_t i = 0; i < music->count; i++) {
        struct note *note = &music->notes[i];
        int64_t end = slowed(note_end(note), chord);
        note->onset = slowed(note->onset, chord);
        note->duration = end - note->onset;
    }
    return chord + SLOWER_US;
}

/** Whether a note that was struck before the chord rubs with those of the chord. */
static bool rubs(const struct ending_music *music, const struct note *note, int64_t chord)
{
    for (size_t i = 0; i < music->count; i++)
        if (music->notes[i].onset >= chord && roughness(music->notes[i].pitch, note->pitch) > 0.5)
            return true;
    return false;
}

/** The lowest note struck shortly before the chord, to be held below it; NULL where there is none
 * that suits, or the chord has a bass of its own. */
static const struct note *find_bass(const struct ending_music *music, int64_t chord)
{
    const struct note *bass = NULL;
    for (size_t i = 0; i < music->count; i++) {
        const struct note *note = &music->notes[i];
        if (note->onset >= chord && note->pitch <= BASS_HIGHEST)
            return NULL;
        if (note->onset < chord && note->onset >= chord - BASS_US && note->pitch <= BASS_HIGHEST &&
            (!bass || note->pitch <= bass->pitch))
            bass = note;
    }
    return bass && !rubs(music, bass, chord) ? bass : NULL;
}

static bool is_struck_again(const struct ending_music *music, size_t index)
{
    for (size_t i = index + 1; i < music->count; i++)
        if (music->notes[i].pitch == music->notes[index].pitch)
            return true;
    return false;
}

static void hold(struct ending_music *music, int key, int64_t chord)
{
    const int64_t release = chord + music->hold;
    while (music->count && music->notes[music->count - 1].onset > chord + CHORD_US)
        music->count--;
    const struct note *bass = find_bass(music, chord);
    for (size_t i = 0; i < music->count; i++) {
        struct note *note = &music->notes[i];
        bool struck = note->onset >= chord, sounds = sounds_at(note, chord);
        bool holds = struck || note == bass || (sounds && in_triad(key, note->pitch));
        int64_t end = note_end(note);
        if (holds && !is_struck_again(music, i))
            end = release;
        else if (!holds && sounds && rubs(music, note, chord))
            end = chord;
        end = end < release ? end : release;
        note->duration = end - note->onset > SHORTEST_US ? end - note->onset : SHORTEST_US;
    }
}

int64_t ending_close(struct ending_music *music)
{
    if (!music->count)
        return music->from;
    int key = music->key >= 0 ? music->key : hear_key(music);
    int64_t chord = slow_down(music, choose_chord(music, key));
    hold(music, key, chord);
    return chord;
}
