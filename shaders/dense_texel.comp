#version 450
// SPDX-License-Identifier: MIT
// A dense layer: each invocation owns ROWS rows, WIDTH apart, in TILE lanes. One subgroup a
// workgroup; grid [tiles][rows / (WIDTH * ROWS)].
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
layout(binding = 3) writeonly buffer Outputs { float outputs[]; };
layout(binding = 4) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks;      // columns / 8
    int bias_stride; // rows, or 0 where composers share a bias
    float floor;     // 0 for a rectified layer, else the lowest number
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);

    bool any_active = false;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        any_active = any_active || (lane.flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < ROWS; r++)
            sums[r][b] = texelFetch(biases, int(lane.composer) * push.bias_stride +
                                                (group * ROWS + r) * WIDTH + me).x;
    }

    MULTIPLY(inputs, any_active ? push.blocks : 0, tile * WIDTH + me, group * push.blocks * BLOCK + me)

    [[unroll]] for (int b = 0; b < TILE; b++)
        [[unroll]] for (int r = 0; r < ROWS; r++)
            outputs[feature_index((group * ROWS + r) * WIDTH + me, tile * TILE + b)] =
                max(sums[r][b], push.floor);
}
