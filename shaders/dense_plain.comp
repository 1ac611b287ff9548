#version 450
// SPDX-License-Identifier: MIT
// A dense layer on storage buffers only: each invocation owns one row in one lane. Grid
// [rows / local size][lanes]. See dense_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "plain.glsl"

layout(constant_id = 5) const int BYTES = 0; // 1: weights are bytes, each row's scale behind them

layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Weights { uvec4 weights[]; }; // [block][row]
layout(binding = 1) readonly buffer Biases { float biases[]; };   // [composer][row]
layout(binding = 2) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 3) writeonly buffer Outputs { float outputs[]; };
layout(binding = 4) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks;
    int bias_stride;
    float floor;
    int rows;
} push;

void main()
{
    int row = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (row >= push.rows || (lanes[lane].flags & LANE_ACTIVE) == 0u)
        return;

    float sum = 0.0;
    if (BYTES != 0) {
        for (int k = 0; k < push.blocks; k++)
            sum += product16(weights[k * push.rows + row], inputs[quad_index(4 * k, lane)],
                             inputs[quad_index(4 * k + 1, lane)],
                             inputs[quad_index(4 * k + 2, lane)],
                             inputs[quad_index(4 * k + 3, lane)]);
        sum *= uintBitsToFloat(weights[push.rows * push.blocks + (row >> 2)][row & 3]);
    } else {
        for (int k = 0; k < push.blocks; k++)
            sum += product8(weights[k * push.rows + row], inputs[quad_index(2 * k, lane)],
                            inputs[quad_index(2 * k + 1, lane)]);
    }
    sum += biases[int(lanes[lane].composer) * push.bias_stride + row];
    outputs[feature_index(row, lane)] = max(sum, push.floor);
}
