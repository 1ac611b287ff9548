#version 450
// SPDX-License-Identifier: MIT
// One step of an LSTM layer for drivers without large texel buffers or subgroup shuffles: storage
// buffers only. Each invocation owns one unit with its gates i, f, g, o in one lane; neighbours
// read neighbouring weights. Grid [units / local size][lanes]. See recurrent_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"
#include "plain.glsl"

layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Weights { uvec4 weights[]; }; // [block][gate][unit]
layout(binding = 1) readonly buffer Biases { vec4 biases[]; };    // [composer][unit] of i, f, g, o
layout(binding = 2) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 3) readonly buffer Hidden { vec4 hidden[]; };
layout(binding = 4) writeonly buffer HiddenNext { float hidden_next[]; };
layout(binding = 5) buffer Cells { float cells[]; };
layout(binding = 6) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int input_blocks;
    int hidden_blocks;
    int bias_stride;
    int units;
} push;

void main()
{
    int unit = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (unit >= push.units)
        return;
    int index = feature_index(unit, lane);
    if ((lanes[lane].flags & LANE_ACTIVE) == 0u) {
        hidden_next[index] = hidden[index >> 2][index & 3];
        return;
    }

    vec4 sum = biases[int(lanes[lane].composer) * push.bias_stride + unit];
    int at = unit;
    for (int k = 0; k < push.input_blocks; k++, at += 4 * push.units) {
        vec4 low = inputs[quad_index(2 * k, lane)];
        vec4 high = inputs[quad_index(2 * k + 1, lane)];
        sum += vec4(product8(weights[at], low, high),
                    product8(weights[at + push.units], low, high),
                    product8(weights[at + 2 * push.units], low, high),
                    product8(weights[at + 3 * push.units], low, high));
    }
    for (int k = 0; k < push.hidden_blocks; k++, at += 4 * push.units) {
        vec4 low = hidden[quad_index(2 * k, lane)];
        vec4 high = hidden[quad_index(2 * k + 1, lane)];
        sum += vec4(product8(weights[at], low, high),
                    product8(weights[at + push.units], low, high),
                    product8(weights[at + 2 * push.units], low, high),
                    product8(weights[at + 3 * push.units], low, high));
    }

    float cell = sigmoid(sum.y) * cells[index] + sigmoid(sum.x) * squash(sum.z);
    cells[index] = cell;
    hidden_next[index] = sigmoid(sum.w) * squash(cell);
}
