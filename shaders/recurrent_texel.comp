#version 450
// SPDX-License-Identifier: MIT
// One step of an LSTM layer (Hochreiter and Schmidhuber 1997 with forget gates): each invocation
// owns UNITS units, WIDTH apart, with their four gates i, f, g, o in TILE lanes, so that the cell
// update needs nobody else. One subgroup a workgroup; grid [tiles][units / (WIDTH * UNITS)].
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"

layout(constant_id = 5) const int BYTES = 0; // 1: weights are bytes, each row's scale behind them

layout(local_size_x_id = 0) in;

const int UNITS = ROWS < 4 ? 1 : ROWS / 4;
const int HEIGHT = 4 * UNITS;
#define OCTETS BYTES
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
    int input_blocks;  // columns of the input / 8, or 16 of bytes
    int hidden_blocks; // units / 8 or 16
    int bias_stride;   // units, or 0 where composers share a bias
    int units;
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    int first = group * UNITS * WIDTH + me; // of its units

    bool playing[TILE];
    bool any_active = false;
    vec4 biased[UNITS][TILE];
    clear_totals();
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        playing[b] = (lane.flags & LANE_ACTIVE) != 0u;
        any_active = any_active || playing[b];
        [[unroll]] for (int i = 0; i < UNITS; i++) {
            vec4 bias = texelFetch(biases, int(lane.composer) * push.bias_stride + first + i * WIDTH);
            biased[i][b] = bias;
            [[unroll]] for (int gate = 0; gate < 4; gate++)
                sums[gate * UNITS + i][b] = BYTES != 0 ? 0.0 : bias[gate];
        }
    }

    int at = group * (push.input_blocks + push.hidden_blocks) * BLOCK + me;
    int from = tile * WIDTH + me;
    MULTIPLY(inputs, any_active ? push.input_blocks : 0, from, at)
    MULTIPLY(hidden, any_active ? push.hidden_blocks : 0, from, at + push.input_blocks * BLOCK)

    vec4 scales[UNITS];
    int texels = 4 * push.units * (push.input_blocks + push.hidden_blocks);
    [[unroll]] for (int i = 0; i < UNITS; i++)
        [[unroll]] for (int gate = 0; gate < 4; gate++)
            scales[i][gate] = scale_of(texels, gate * push.units + first + i * WIDTH);
    [[unroll]] for (int b = 0; b < TILE; b++) {
        float more = excess(b);
        [[unroll]] for (int i = 0; i < UNITS; i++) {
            vec4 gates = vec4(sums[i][b], sums[UNITS + i][b], sums[2 * UNITS + i][b],
                              sums[3 * UNITS + i][b]);
            if (BYTES != 0)
                gates = (gates - more) * scales[i] + biased[i][b];
            int index = feature_index(first + i * WIDTH, tile * TILE + b);
            float before = cells[index];
            float cell = sigmoid(gates.y) * before + sigmoid(gates.x) * squash(gates.z);
            float next = sigmoid(gates.w) * squash(cell);
            cells[index] = playing[b] ? cell : before;
            hidden_next[index] = playing[b] ? next : texelFetch(hidden, index >> 2)[index & 3];
        }
    }
}
