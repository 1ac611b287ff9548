// SPDX-License-Identifier: MIT
// Eight bfloat16 weights in a uvec4, packed as in product.glsl, times eight values.

float product8(uvec4 w, vec4 low, vec4 high)
{
    return dot(uintBitsToFloat(w << 16), low) + dot(uintBitsToFloat(w & 0xffff0000u), high);
}
