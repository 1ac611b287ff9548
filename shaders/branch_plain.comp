#version 450
// SPDX-License-Identifier: MIT
// A dense layer whose first rows are added to one value and the others to another, on storage
// buffers only. Grid [rows / local size][lanes]. See branch_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "plain.glsl"

layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Weights { uvec4 weights[]; }; // [block][row]
layout(binding = 1) readonly buffer Biases { float biases[]; };   // [composer][row]
layout(binding = 2) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 3) buffer Residual { float residual[]; };
layout(binding = 4) buffer Skips { float skips[]; };
layout(binding = 5) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks;
    int bias_stride;
    float floor;
    int rows;
    int split;
    int fresh;
} push;

void main()
{
    int row = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (row >= push.rows || (lanes[lane].flags & LANE_ACTIVE) == 0u)
        return;

    float sum = biases[int(lanes[lane].composer) * push.bias_stride + row];
    for (int k = 0; k < push.blocks; k++)
        sum += product8(weights[k * push.rows + row], inputs[quad_index(2 * k, lane)],
                        inputs[quad_index(2 * k + 1, lane)]);
    if (row < push.split) {
        residual[feature_index(row, lane)] += sum;
    } else {
        int index = feature_index(row - push.split, lane);
        float before = push.fresh != 0 ? 0.0 : skips[index];
        skips[index] = max(before + sum, push.floor);
    }
}
