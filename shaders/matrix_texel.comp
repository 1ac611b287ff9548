#version 450
// SPDX-License-Identifier: MIT
// A matrix product of a notes net: each invocation owns ROWS rows, WIDTH apart, in TILE lanes. One
// subgroup a workgroup; grid [tiles][rows / (WIDTH * ROWS)].
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"
#include "mode.glsl"

layout(local_size_x_id = 0) in;

float squares[TILE];
#define HEIGHT ROWS
#define OCTETS BYTES
#define HEARD(x, fetch, f)                                                                         \
    if (NORMED != 0)                                                                               \
        GATHER(squares, dot(x, x), fetch, f)
#include "product.glsl"

// The product with an input most of whose values are zero. For 32 blocks of the input at a time,
// each invocation notes in which its quads are not all zero; then only those that somebody noted
// are multiplied. A list of blocks rather than a branch, because a CPU driver (lavapipe) runs
// branches that nobody takes.
#define MULTIPLY_SPARSE(X, blocks, from, at)                                                       \
    {                                                                                              \
        int mine = me / TILE % BLOCK_QUADS * TILE + me % TILE;                                     \
        int first = 0;                                                                             \
        do {                                                                                       \
            uint noted = 0u;                                                                       \
            int count = min(32, (blocks) - first);                                                 \
            int block = 0;                                                                         \
            do {                                                                                   \
                int fetch = (first + block) * BLOCK_QUADS / SPAN;                                  \
                float sum = 0.0; /* none is negative */                                            \
                [[unroll]] for (int f = 0; f < FETCHES; f++) {                                     \
                    vec4 x = texelFetch(X, (from) + (fetch + f) * TILES * WIDTH);                  \
                    sum += x.x + x.y + x.z + x.w;                                                  \
                    GATHER(totals, x.x + x.y + x.z + x.w, fetch + f, f)                            \
                }                                                                                  \
                noted |= (sum != 0.0 ? 1u : 0u) << (block + me / TILE / BLOCK_QUADS);              \
                block += FETCHED;                                                                  \
            } while (block < count);                                                               \
            uint left = 0u;                                                                        \
            [[unroll]] for (int i = 0; i < WIDTH; i++)                                             \
                left |= subgroupShuffle(noted, uint(i));                                           \
            do { /* where none is left: the first, which adds nothing */                           \
                int k = first + max(findLSB(left), 0);                                             \
                left &= left - 1u;                                                                 \
                int quad = k * BLOCK_QUADS;                                                        \
                int texel = (from) - me + quad / SPAN * TILES * WIDTH + quad % SPAN * TILE + mine; \
                vec4 x[4];                                                                         \
                [[unroll]] for (int f = 0; f < FETCHES; f++)                                       \
                    x[f] = levelled(texelFetch(X, texel + f * TILES * WIDTH), f);                  \
                multiply_block((at) + k * BLOCK, x, 0);                                            \
            } while (left != 0u);                                                                  \
            first += count;                                                                        \
        } while (first < (blocks));                                                                \
    }

layout(binding = 1) uniform samplerBuffer inputs;
layout(binding = 2) buffer Outputs { float outputs[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks; // of columns: 8, or 16 of bytes
    int rows;
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);

    bool any_active = false;
    clear_totals();
    [[unroll]] for (int t = 0; t < TILE; t++)
        squares[t] = 0.0;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        any_active = any_active || (lanes[tile * TILE + b].flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < ROWS; r++)
            sums[r][b] = 0.0;
    }
    if (!any_active)
        return;

    if (SPARSE != 0)
        MULTIPLY_SPARSE(inputs, push.blocks, tile * WIDTH + me, group * push.blocks * BLOCK + me)
    else
        MULTIPLY(inputs, push.blocks, tile * WIDTH + me, group * push.blocks * BLOCK + me)

    float scales[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; r++)
        scales[r] = scale_of(push.rows * push.blocks, (group * ROWS + r) * WIDTH + me);
    [[unroll]] for (int b = 0; b < TILE; b++) {
        float scale = 1.0, more = excess(b);
        if (NORMED != 0)
            scale = inversesqrt(gathered(squares, b) / float(4 * BLOCK_QUADS * push.blocks) + TINY);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            int index = feature_index((group * ROWS + r) * WIDTH + me, tile * TILE + b);
            float value = (sums[r][b] - more) * scales[r] * scale;
            if (OUTPUT == OUTPUT_SQUARE) {
                value = max(value, 0.0);
                value *= value;
            } else if (OUTPUT == OUTPUT_ADD) {
                value += outputs[index];
            }
            outputs[index] = value;
        }
    }
}
