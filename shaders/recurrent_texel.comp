#version 450
// SPDX-License-Identifier: MIT
// One step of an LSTM layer (Hochreiter and Schmidhuber 1997 with forget gates): each invocation
// owns one unit with its four gates i, f, g, o in TILE lanes, so that the cell update needs nobody
// else. One subgroup a workgroup; grid [tiles][units / WIDTH].
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"

layout(local_size_x_id = 0) in;

#define HEIGHT 4
#define HEARD(x, fetch, f)
#include "product.glsl"

layout(binding = 1) uniform samplerBuffer biases; // [composer][unit] of i, f, g, o
layout(binding = 2) uniform samplerBuffer inputs;
layout(binding = 3) uniform samplerBuffer hidden; // of the step before
layout(binding = 4) writeonly buffer HiddenNext { float hidden_next[]; };
layout(binding = 5) buffer Cells { float cells[]; };
layout(binding = 6) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int input_blocks;  // columns of the input / 8
    int hidden_blocks; // units / 8
    int bias_stride;   // units, or 0 where composers share a bias
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    int unit = group * WIDTH + me;

    bool playing[TILE];
    bool any_active = false;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        playing[b] = (lane.flags & LANE_ACTIVE) != 0u;
        any_active = any_active || playing[b];
        vec4 bias = texelFetch(biases, int(lane.composer) * push.bias_stride + unit);
        [[unroll]] for (int r = 0; r < 4; r++)
            sums[r][b] = bias[r];
    }

    int at = group * (push.input_blocks + push.hidden_blocks) * BLOCK + me;
    int from = tile * WIDTH + me;
    MULTIPLY(inputs, any_active ? push.input_blocks : 0, from, at)
    MULTIPLY(hidden, any_active ? push.hidden_blocks : 0, from, at + push.input_blocks * BLOCK)

    [[unroll]] for (int b = 0; b < TILE; b++) {
        int index = feature_index(unit, tile * TILE + b);
        float before = cells[index];
        float cell = sigmoid(sums[1][b]) * before + sigmoid(sums[0][b]) * squash(sums[2][b]);
        float next = sigmoid(sums[3][b]) * squash(cell);
        cells[index] = playing[b] ? cell : before;
        hidden_next[index] = playing[b] ? next : texelFetch(hidden, index >> 2)[index & 3];
    }
}
