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

float squares = 0.0;
#define HEIGHT ROWS
#define HEARD(x)                                                                                   \
    if (NORMED != 0)                                                                               \
        squares += dot(x, x);
#include "product.glsl"

// The product with an input most of whose values are zero. For 32 chunks of the input at a time,
// each invocation notes in which its quads are not all zero; then only the blocks that somebody
// noted are multiplied. A list of blocks rather than a branch, because a CPU driver (lavapipe)
// runs branches that nobody takes.
#define MULTIPLY_SPARSE(X, blocks, tile, at)                                                       \
    {                                                                                              \
        const int per_chunk = SPAN == 1 ? 1 : SPAN / 2; /* blocks */                               \
        int first = 0;                                                                             \
        do {                                                                                       \
            uint noted = 0u;                                                                       \
            int chunks = min(32, ((blocks) - first) / per_chunk);                                  \
            int chunk = 0;                                                                         \
            do {                                                                                   \
                int quad = (first + chunk * per_chunk) * 2;                                        \
                vec4 x = texelFetch(X, (quad / SPAN * TILES + (tile)) * WIDTH + me);               \
                if (SPAN == 1)                                                                     \
                    x += texelFetch(X, ((quad + 1) * TILES + (tile)) * WIDTH + me);                \
                float sum = x.x + x.y + x.z + x.w; /* none is negative */                          \
                noted |= (sum != 0.0 ? 1u : 0u) << chunk;                                          \
            } while (++chunk < chunks);                                                            \
            [[unroll]] for (int i = 0; i < per_chunk; i++) {                                       \
                uint left = 0u;                                                                    \
                [[unroll]] for (int j = 0; j < WIDTH / per_chunk; j++)                             \
                    left |= subgroupShuffle(noted, uint(i * (WIDTH / per_chunk) + j));             \
                do { /* where none is left: the first, which adds nothing */                       \
                    int k = first + max(findLSB(left), 0) * per_chunk;                             \
                    left &= left - 1u;                                                             \
                    if (SPAN == 1) {                                                               \
                        vec4 low = texelFetch(X, (2 * k * TILES + (tile)) * WIDTH + me);           \
                        vec4 high = texelFetch(X, ((2 * k + 1) * TILES + (tile)) * WIDTH + me);    \
                        multiply_block((at) + k * BLOCK, low, high, 0, 0);                         \
                    } else {                                                                       \
                        vec4 x = texelFetch(X, (2 * k / SPAN * TILES + (tile)) * WIDTH + me);      \
                        multiply_block((at) + (k + i) * BLOCK, x, x, 2 * i * TILE,                 \
                                       (2 * i + 1) * TILE);                                        \
                    }                                                                              \
                } while (left != 0u);                                                              \
            }                                                                                      \
            first += chunks * per_chunk;                                                           \
        } while (first < (blocks));                                                                \
    }

layout(binding = 1) uniform samplerBuffer inputs;
layout(binding = 2) buffer Outputs { float outputs[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks; // columns / 8
    int rows;
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);

    bool any_active = false;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        any_active = any_active || (lanes[tile * TILE + b].flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < ROWS; r++)
            sums[r][b] = 0.0;
    }
    if (!any_active)
        return;

    if (SPARSE != 0)
        MULTIPLY_SPARSE(inputs, push.blocks, tile, group * push.blocks * BLOCK + me)
    else
        MULTIPLY(inputs, push.blocks, tile * WIDTH + me, group * push.blocks * BLOCK + me)

    [[unroll]] for (int b = 0; b < TILE; b++) {
        float scale = 1.0;
        if (NORMED != 0) {
            float sum = 0.0;
            [[unroll]] for (int i = 0; i < SPAN; i++)
                sum += subgroupShuffle(squares, uint(i * TILE + b));
            scale = inversesqrt(sum / float(8 * push.blocks) + TINY);
        }
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            int index = feature_index((group * ROWS + r) * WIDTH + me, tile * TILE + b);
            float value = sums[r][b] * scale;
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
