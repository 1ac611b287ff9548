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

layout(constant_id = 5) const int BYTES = 0; // 1: weights are bytes, each row's scale behind them

layout(local_size_x_id = 0) in;

#define HEIGHT ROWS
#define OCTETS BYTES
#define HEARD(x, fetch, f)
#include "product.glsl"

layout(binding = 1) uniform samplerBuffer biases; // [composer][row]
layout(binding = 2) uniform samplerBuffer inputs;
layout(binding = 3) writeonly buffer Outputs { float outputs[]; };
layout(binding = 4) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks;      // columns / 8, or 16 of bytes
    int bias_stride; // rows, or 0 where composers share a bias
    float floor;     // 0 for a rectified layer, else the lowest number
    int rows;
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);

    bool any_active = false;
    float biased[ROWS][TILE];
    clear_totals();
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        any_active = any_active || (lane.flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            biased[r][b] = texelFetch(biases, int(lane.composer) * push.bias_stride +
                                                  (group * ROWS + r) * WIDTH + me).x;
            sums[r][b] = BYTES != 0 ? 0.0 : biased[r][b];
        }
    }

    MULTIPLY(inputs, any_active ? push.blocks : 0, tile * WIDTH + me, group * push.blocks * BLOCK + me)

    float scales[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; r++)
        scales[r] = scale_of(push.rows * push.blocks, (group * ROWS + r) * WIDTH + me);
    [[unroll]] for (int b = 0; b < TILE; b++) {
        float more = excess(b);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            float value = sums[r][b];
            if (BYTES != 0)
                value = (value - more) * scales[r] + biased[r][b];
            outputs[feature_index((group * ROWS + r) * WIDTH + me, tile * TILE + b)] =
                max(value, push.floor);
        }
    }
}
