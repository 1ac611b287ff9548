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

layout(constant_id = 5) const int BYTES = 0; // 1: weights are bytes, each row's scale behind them

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

// A block of the weights of all gates from `at` on, times quads of x from number `quad` on.
#define GATES(X, at, lane, quad)                                                                   \
    if (BYTES != 0) {                                                                              \
        vec4 a = X[quad_index(quad, lane)], b = X[quad_index(quad + 1, lane)];                     \
        vec4 c = X[quad_index(quad + 2, lane)], d = X[quad_index(quad + 3, lane)];                 \
        for (int gate = 0; gate < 4; gate++)                                                       \
            sum[gate] += product16(weights[at + gate * push.units], a, b, c, d);                   \
    } else {                                                                                       \
        vec4 a = X[quad_index(quad, lane)], b = X[quad_index(quad + 1, lane)];                     \
        for (int gate = 0; gate < 4; gate++)                                                       \
            sum[gate] += product8(weights[at + gate * push.units], a, b);                          \
    }

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

    const int quads = BYTES != 0 ? 4 : 2; // of a block
    vec4 sum = vec4(0.0);
    int at = unit;
    for (int k = 0; k < push.input_blocks; k++, at += 4 * push.units)
        GATES(inputs, at, lane, quads * k)
    for (int k = 0; k < push.hidden_blocks; k++, at += 4 * push.units)
        GATES(hidden, at, lane, quads * k)
    if (BYTES != 0) {
        int texels = 4 * push.units * (push.input_blocks + push.hidden_blocks);
        for (int gate = 0; gate < 4; gate++) {
            int row = gate * push.units + unit;
            sum[gate] *= uintBitsToFloat(weights[texels + (row >> 2)][row & 3]);
        }
    }
    sum += biases[int(lanes[lane].composer) * push.bias_stride + unit];

    float cell = sigmoid(sum.y) * cells[index] + sigmoid(sum.x) * squash(sum.z);
    cells[index] = cell;
    hidden_next[index] = sigmoid(sum.w) * squash(cell);
}
