// SPDX-License-Identifier: MIT
// Where a lane of a notes net is in its music: struct note_place of daemon/nets/note_engine.c. It
// outlives the runs; all zero in a lane that is reset, which then hears the `start` element.

struct Place {
    uint number; // of the element that is heard now; wraps
    uint ticks;  // its time; wraps
    uint last;   // the note to hear, four bins of eight bits: delta, pitch, duration, velocity
    uint heard;  // elements before it; stands at a number beyond every window
    uint turn;   // of `last` and the notes before it: accent.glsl
    uint lows;   // of the last chords: accent.glsl
    uint room[2];
};

const uint HEARD_MOST = 0x40000000u;
