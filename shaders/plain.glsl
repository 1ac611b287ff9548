// SPDX-License-Identifier: MIT
// Eight bfloat16 weights in a uvec4, packed as in product.glsl, times eight values.

float product8(uvec4 w, vec4 low, vec4 high)
{
    return dot(uintBitsToFloat(w << 16), low) + dot(uintBitsToFloat(w & 0xffff0000u), high);
}

// Sixteen bytes, 128 more than the weights, times sixteen values.
float product16(uvec4 w, vec4 x[4])
{
    float sum = 0.0;
    for (int part = 0; part < 4; part++)
        sum += dot(vec4(ivec4((w >> 8 * part) & 0xffu) - 128), x[part]);
    return sum;
}
