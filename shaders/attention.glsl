// SPDX-License-Identifier: MIT
// What both forms of the attention share: queries and keys as models/transformer.py has them, and
// the ring of what was heard.
//
// A head has 64 features, in 16 quads. Quad j (0 to 7) and quad 8 + j go together: they are rotated
// as pairs, and lie in one uvec4 of the ring, as bfloat16: the one in the low halves, the other in
// the high halves of its words.

const int HEAD_QUADS = 16;
const float TINY = 1e-6;

struct Pairs {
    vec4 low;  // quad j
    vec4 high; // quad 8 + j
};

// Turned by what the number of the note (even pairs) and its time (odd pairs) say. Phases are
// counted in 2^-32 turns, so that they wrap without error.
Pairs rotated(Pairs x, uvec4 frequencies, uint number, uint ticks)
{
    uvec4 phase = frequencies * uvec4(number, ticks, number, ticks);
    vec4 angle = vec4(ivec4(phase)) * (6.28318530718 / 4294967296.0);
    vec4 c = cos(angle), s = sin(angle);
    return Pairs(x.low * c - x.high * s, x.low * s + x.high * c);
}

float dot_pairs(Pairs a, Pairs b)
{
    return dot(a.low, b.low) + dot(a.high, b.high);
}

// To the nearest bfloat16.
uvec4 packed(Pairs x)
{
    uvec4 low = floatBitsToUint(x.low) + 0x8000u, high = floatBitsToUint(x.high) + 0x8000u;
    return low >> 16 | (high & 0xffff0000u);
}

Pairs unpacked(uvec4 w)
{
    return Pairs(uintBitsToFloat(w << 16), uintBitsToFloat(w & 0xffff0000u));
}
