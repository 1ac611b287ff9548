#version 450
// SPDX-License-Identifier: MIT
// A dense layer whose first rows are added to one value and the others to another, as the residual
// and the skip of WaveNet's blocks are. See dense_texel.comp.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"

layout(local_size_x_id = 0) in;

#define HEIGHT ROWS
#define HEARD(x, fetch, f)
#include "product.glsl"

layout(binding = 1) uniform samplerBuffer biases; // [composer][row]
layout(binding = 2) uniform samplerBuffer inputs;
layout(binding = 3) buffer Residual { float residual[]; };
layout(binding = 4) buffer Skips { float skips[]; };
layout(binding = 5) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks; // columns / 8
    int bias_stride;
    float floor; // of the skips
    int rows;
    int split; // rows of the residual: whole groups
    int fresh; // not 0: the skips begin here
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    int split = push.split / (ROWS * WIDTH); // groups

    bool any_active = false;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        any_active = any_active || (lane.flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < ROWS; r++)
            sums[r][b] = texelFetch(biases, int(lane.composer) * push.bias_stride +
                                                (group * ROWS + r) * WIDTH + me).x;
    }
    if (!any_active)
        return;

    MULTIPLY(inputs, push.blocks, tile * WIDTH + me, group * push.blocks * BLOCK + me)

    [[unroll]] for (int b = 0; b < TILE; b++)
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            int row = (group * ROWS + r) * WIDTH + me;
            if (group < split) {
                residual[feature_index(row, tile * TILE + b)] += sums[r][b];
            } else {
                int index = feature_index(row - push.split, tile * TILE + b);
                float before = push.fresh != 0 ? 0.0 : skips[index];
                skips[index] = max(before + sums[r][b], push.floor);
            }
        }
}
