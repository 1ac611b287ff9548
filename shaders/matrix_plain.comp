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
    int blocks;
    int rows;
} push;

void main()
{
    int row = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (row >= push.rows || (lanes[lane].flags & LANE_ACTIVE) == 0u)
        return;

    float sum = 0.0, squares = 0.0;
    const int quads = BYTES != 0 ? 4 : 2; // of a block
    for (int k = 0; k < push.blocks; k++) {
        vec4 x[4];
        for (int i = 0; i < quads; i++) {
            x[i] = inputs[quad_index(quads * k + i, lane)];
            squares += dot(x[i], x[i]);
        }
        uvec4 w = weights[k * push.rows + row];
        if (BYTES != 0)
            sum += product16(w, x);
        else
            sum += product8(w, x[0], x[1]);
    }
    if (BYTES != 0)
        sum *= uintBitsToFloat(weights[push.rows * push.blocks + (row >> 2)][row & 3]);
    if (NORMED != 0)
        sum *= inversesqrt(squares / float(4 * quads * push.blocks) + TINY);
    int index = feature_index(row, lane);
    if (OUTPUT == OUTPUT_SQUARE) {
        sum = max(sum, 0.0);
        sum *= sum;
    } else if (OUTPUT == OUTPUT_ADD) {
        sum += outputs[index];
    }
    outputs[index] = sum;
}
