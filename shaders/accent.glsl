// SPDX-License-Identifier: MIT
// A composer's accent (models/accent.py): how much likelier a pitch is with him than the net thinks,
// after the *turn* that the music has just taken: the last ACCENT_STEPS intervals from note to note,
// modulo the octave, the latest one last. The tables of the composers lie one behind the other from
// row ACCENT_ROW of the tables on, as [turn][interval].

layout(constant_id = 12) const int ACCENT_ROW = 0;
layout(constant_id = 13) const int ACCENTS = 0; // composers that have room for one, the first

const uint ACCENT_STEPS = 3u;
const uint TURNS = 12u * 12u * 12u;

uint interval(Place place, uint pitch)
{
    return (pitch + 132u - uint(bin_of(place.last, 1))) % 12u;
}

// The turn once `note` has been heard. Before the first note there is none to count from.
uint turned(Place place, uint note)
{
    return place.heard == 0u ? 0u : (place.turn * 12u + interval(place, uint(bin_of(note, 1)))) % TURNS;
}

// What is added to the logit of a pitch.
float accent(Place place, uint composer, int pitch)
{
    if (composer >= uint(ACCENTS) || place.heard <= ACCENT_STEPS)
        return 0.0;
    uint at = (composer * TURNS + place.turn) * 12u + interval(place, uint(pitch));
    return table(ACCENT_ROW, int(at >> 2u))[at & 3u];
}
