// SPDX-License-Identifier: MIT
#include "music/arranger.h"

#include <math.h>
#include <stdbool.h>

/** Notes so close together are one chord, however it is spread. */
#define CHORD_US (NOTE_SECOND * 6 / 100)
#define OCTAVE 12

uint8_t arranger_pitch(uint8_t pitch)
{
    int moved = pitch;
    while (moved < ARRANGER_LOWEST)
        moved += OCTAVE;
    while (moved > ARRANGER_HIGHEST)
        moved -= OCTAVE;
    return (uint8_t)moved;
}

/** Index behind the chord that begins at `first`. */
static size_t chord_end(const struct note *notes, size_t count, size_t first)
{
    size_t end = first + 1;
    while (end < count && notes[end].onset - notes[first].onset <= CHORD_US)
        end++;
    return end;
}

/** Which of two notes of a chord is rather left out: the middle gives way to the melody and to what
 * was loud. The first stays, as it says where the chord begins. */
static double weight_of(const struct note *note, uint8_t highest)
{
    return note->velocity + (note->pitch == highest ? 128.0 : 0.0);
}

/** Leaves out what is struck twice in the chord and what is too much. Returns how many stay, in
 * their order, at `chord`. */
static size_t thin_chord(struct note *chord, size_t count)
{
    uint8_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        chord[i].pitch = arranger_pitch(chord[i].pitch);
        highest = chord[i].pitch > highest ? chord[i].pitch : highest;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool twice = false;
        for (size_t k = 0; k < kept; k++)
            twice = twice || chord[k].pitch == chord[i].pitch;
        if (!twice)
            chord[kept++] = chord[i];
    }
    while (kept > ARRANGER_CHORD) {
        size_t least = 1;
        for (size_t i = 2; i < kept; i++)
            if (weight_of(&chord[i], highest) < weight_of(&chord[least], highest))
                least = i;
        kept--;
        for (size_t i = least; i < kept; i++)
            chord[i] = chord[i + 1];
    }
    return kept;
}

static void thin(struct note *notes, size_t *count)
{
    size_t kept = 0;
    for (size_t first = 0, end; first < *count; first = end) {
        end = chord_end(notes, *count, first);
        struct note *chord = notes + kept;
        for (size_t i = first; i < end; i++)
            notes[kept + i - first] = notes[i];
        kept += thin_chord(chord, end - first);
    }
    *count = kept;
}

/** Onset of the first of the notes that rings; INT64_MAX: none does. */
static int64_t next_ringing(const struct note *notes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (notes[i].pitch <= ARRANGER_RINGS)
            return notes[i].onset;
    return INT64_MAX;
}

/** A chord; the next one begins at `next_chord`, the next note that rings at `next_low`. */
static void pedal(struct note *chord, size_t count, int64_t next_chord, int64_t next_low)
{
    for (size_t i = 0; i < count; i++) {
        struct note *note = &chord[i];
        int64_t next = note->pitch <= ARRANGER_RINGS ? next_low : next_chord;
        if (next > note->onset + ARRANGER_HELD_US)
            next = note->onset + ARRANGER_HELD_US;
        int64_t longest = note->onset + ARRANGER_LONGEST_US;
        if (next + ARRANGER_OVERLAP_US > longest)
            longest = next + ARRANGER_OVERLAP_US;
        int64_t end = note_end(note) < longest ? note_end(note) : longest;
        if (next - end > ARRANGER_REST_US)
            end = next;
        note->duration = end - note->onset;
    }
}

void arranger_arrange(struct note *notes, size_t *count)
{
    thin(notes, count);
    for (size_t first = 0, end; first < *count; first = end) {
        end = chord_end(notes, *count, first);
        int64_t next_chord = end < *count ? notes[end].onset : INT64_MAX;
        pedal(notes + first, end - first, next_chord, next_ringing(notes + end, *count - end));
    }
}

int64_t arranger_lift(const struct note *notes, size_t count)
{
    int64_t low = next_ringing(notes, count);
    return low == INT64_MAX ? low : low + ARRANGER_OVERLAP_US;
}

void arranger_move_bounds(struct curator_bounds *bounds, struct curator_reference *reference)
{
    // Folded by octaves, the mean lies about an octave above the composer's, in a range whose
    // middle is 75.
    bounds->register_[0] = fmax(bounds->register_[0], ARRANGER_LOWEST + 5);
    bounds->register_[1] = (ARRANGER_LOWEST + ARRANGER_HIGHEST) / 2.0 - 4;
    bounds->register_[2] = ARRANGER_HIGHEST - 5;
    for (int memory = 0; memory < DRIFT_MEMORIES; memory++) {
        double *band = reference->drift.band[DRIFT_REGISTER][memory];
        band[0] = bounds->register_[0];
        band[1] = bounds->register_[2];
        // Thinner chords have fewer notes.
        reference->drift.band[DRIFT_DENSITY][memory][0] *= 0.6;
    }
}
