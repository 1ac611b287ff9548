// SPDX-License-Identifier: MIT
// Eight bfloat16 weights in a uvec4, packed as in product.glsl, times eight values.

float product8(uvec4 w, vec4 low, vec4 high)
{
    return dot(uintBitsToFloat(w << 16), low) + dot(uintBitsToFloat(w & 0xffff0000u), high);
}

// Sixteen bytes, 128 more than the weights, times sixteen values.
float product16(uvec4 w, vec4 a, vec4 b, vec4 c, vec4 d)
{
    return dot(vec4(ivec4(w & 0xffu) - 128), a) + dot(vec4(ivec4(w >> 8 & 0xffu) - 128), b) +
           dot(vec4(ivec4(w >> 16 & 0xffu) - 128), c) + dot(vec4(ivec4(w >> 24) - 128), d);
}
