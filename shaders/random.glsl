// SPDX-License-Identifier: MIT
// Random numbers out of counters: the same counters, the same numbers.

// pcg4d: Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 2020.
uvec4 scatter(uvec4 v)
{
    v = v * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> 16;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// In [0, 1), 24 bits.
float unit(uint bits)
{
    return float(bits >> 8) * (1.0 / 16777216.0);
}
