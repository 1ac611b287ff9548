#version 450
// SPDX-License-Identifier: MIT
// A matrix product of a notes net on storage buffers only: each invocation owns one row in one lane.
// Grid [rows / local size][lanes]. See matrix_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "mode.glsl"
#include "plain.glsl"

layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Weights { uvec4 weights[]; }; // [block][row]
layout(binding = 1) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 2) buffer Outputs { float outputs[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks; // of columns: 8, or 16 of bytes
    int rows;
} push;

void main()
{
    int row = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (row >= push.rows || (lanes[lane].flags & LANE_ACTIVE) == 0u)
        return;

    float sum = 0.0, squares = 0.0;
    if (BYTES != 0) {
        for (int k = 0; k < push.blocks; k++) {
            vec4 a = inputs[quad_index(4 * k, lane)], b = inputs[quad_index(4 * k + 1, lane)];
            vec4 c = inputs[quad_index(4 * k + 2, lane)], d = inputs[quad_index(4 * k + 3, lane)];
            sum += product16(weights[k * push.rows + row], a, b, c, d);
            squares += dot(a, a) + dot(b, b) + dot(c, c) + dot(d, d);
        }
        sum *= uintBitsToFloat(weights[push.rows * push.blocks + (row >> 2)][row & 3]);
    } else {
        for (int k = 0; k < push.blocks; k++) {
            vec4 low = inputs[quad_index(2 * k, lane)];
            vec4 high = inputs[quad_index(2 * k + 1, lane)];
            sum += product8(weights[k * push.rows + row], low, high);
            squares += dot(low, low) + dot(high, high);
        }
    }
    if (NORMED != 0)
        sum *= inversesqrt(squares / float((BYTES != 0 ? 16 : 8) * push.blocks) + TINY);
    int index = feature_index(row, lane);
    if (OUTPUT == OUTPUT_SQUARE) {
        sum = max(sum, 0.0);
        sum *= sum;
    } else if (OUTPUT == OUTPUT_ADD) {
        sum += outputs[index];
    }
    outputs[index] = sum;
}
