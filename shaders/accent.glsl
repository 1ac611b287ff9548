// SPDX-License-Identifier: MIT
// A composer's accent (models/accent.py): how much likelier a pitch is with him than the net thinks.
// First, after the *turn* that the music has just taken: the last three intervals from note to note,
// modulo the octave, the latest one last. Second, where a note begins a new chord, after the last
// two *strides*: how far, and which way, the lowest note of a chord is from that of the chord before.
// Third, by where it lies in his *compass*.
// The tables of the composers lie one behind the other from row ACCENT_ROW of the tables on, each as
// [turn][interval], [strides][stride] and [pitch].

layout(constant_id = 12) const int ACCENT_ROW = 0;
layout(constant_id = 13) const int ACCENTS = 0; // composers that have room for one, the first

const uint ACCENT_STEPS = 3u;
const uint TURNS = 12u * 12u * 12u;
const uint STRIDES = 7u * 7u; // of the last two, each one of seven sorts
const int WIDEST = 13;        // semitones; what is wider is as this
const uint FIRST_STRIDE = TURNS * 12u, FIRST_PITCH = FIRST_STRIDE + STRIDES * uint(2 * WIDEST + 1);
const uint ACCENT_SIZE = FIRST_PITCH + 128u;
const int CHORD = 3; // ticks, and so bins, at most between notes that are struck together

uint interval(Place place, uint pitch)
{
    return (pitch + 132u - uint(bin_of(place.last, 1))) % 12u;
}

// The turn once `note` has been heard. Before the first note there is none to count from.
uint turned(Place place, uint note)
{
    return place.heard == 0u ? 0u : (place.turn * 12u + interval(place, uint(bin_of(note, 1)))) % TURNS;
}

bool begins_chord(uint note)
{
    return bin_of(note, 0) > CHORD;
}

// Its sort: an octave or so down, a leap, a step, the same, a step up, a leap, an octave or so.
uint sort_of(int stride)
{
    int size = abs(stride);
    uint sort = size == 0 ? 0u : size <= 2 ? 1u : size <= 7 ? 2u : 3u;
    return stride < 0 ? 3u - sort : 3u + sort;
}

// The last two strides, the one to the chord that sounds now included.
uint stridden(Place place)
{
    int low = int(place.lows & 255u), before = int(place.lows >> 8 & 255u);
    return ((place.lows >> 16) * 7u + sort_of(low - before)) % STRIDES;
}

// What place.lows is once `note` has been heard: the lowest pitch of the chord that sounds in the low
// byte, of the chord before in the next one, and above them the strides to that one. The first note
// stands for the chord before the first, whose strides are none, of sort 0.
uint lowered(Place place, uint note)
{
    uint pitch = uint(bin_of(note, 1));
    uint low = place.lows & 255u;
    if (place.heard == 0u)
        return pitch | pitch << 8;
    if (begins_chord(note))
        return pitch | low << 8 | stridden(place) << 16;
    return min(low, pitch) | place.lows & ~255u;
}

float accent_at(uint at)
{
    return table(ACCENT_ROW, int(at >> 2u))[at & 3u];
}

// What is added to the logit of a pitch of `note`, whose delta is drawn.
float accent(Place place, uint composer, uint note, int pitch)
{
    if (composer >= uint(ACCENTS) || place.heard <= ACCENT_STEPS)
        return 0.0;
    uint first = composer * ACCENT_SIZE;
    float sum = accent_at(first + place.turn * 12u + interval(place, uint(pitch)));
    if (begins_chord(note)) {
        int stride = clamp(pitch - int(place.lows & 255u), -WIDEST, WIDEST) + WIDEST;
        sum += accent_at(first + FIRST_STRIDE + stridden(place) * uint(2 * WIDEST + 1) + uint(stride));
    }
    return sum + accent_at(first + FIRST_PITCH + uint(pitch));
}
