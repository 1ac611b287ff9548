#version 450
// SPDX-License-Identifier: MIT
// A causal dilated convolution of one frame (van den Oord et al. 2016): a dense layer over the
// present frame and some of the past. Each invocation owns UNITS units, WIDTH apart, in TILE lanes;
// where they are gated, filter and gate of each. One subgroup a workgroup; grid
// [tiles][units / (WIDTH * UNITS)].
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"
#include "past.glsl"

layout(constant_id = 5) const int GATES = 1; // 1: relu; 2: tanh(filter) sigmoid(gate)
layout(constant_id = 6) const int UNITS = 4;

layout(local_size_x_id = 0) in;

const int HEIGHT = GATES * UNITS;
#define HEARD(x, fetch, f)
#include "product.glsl"

layout(binding = 1) uniform samplerBuffer biases; // [composer][gate][unit]
layout(binding = 2) uniform samplerBuffer inputs;
layout(binding = 3) uniform samplerBuffer past;
layout(binding = 4) writeonly buffer Past { vec4 past_next[]; };
layout(binding = 5) readonly buffer Places { Place places[]; };
layout(binding = 6) writeonly buffer PlacesNext { Place places_next[]; };
layout(binding = 7) writeonly buffer Outputs { float outputs[]; };
layout(binding = 8) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks; // columns of a tap / 8
    int bias_stride;
    int units;
    int taps; // oldest first; the last one is the present
    int dilation;
    int slots;
} push;

void main()
{
    int tile = int(gl_WorkGroupID.x);
    int group = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    int mine = tile * TILE + me % TILE; // the lane whose values this invocation fetches
    int from = tile * WIDTH + me;
    int frame = 2 * push.blocks * TILES * TILE; // texels
    Place place = places[quad_index(0, mine)];

    bool any_active = false;
    [[unroll]] for (int b = 0; b < TILE; b++) {
        Lane lane = lanes[tile * TILE + b];
        any_active = any_active || (lane.flags & LANE_ACTIVE) != 0u;
        [[unroll]] for (int r = 0; r < HEIGHT; r++)
            sums[r][b] = texelFetch(biases, int(lane.composer) * push.bias_stride +
                                                r / UNITS * push.units +
                                                (group * UNITS + r % UNITS) * WIDTH + me).x;
    }

    if (group == 0) {
        // All layers of a net write the same here.
        if (me < TILE) {
            if ((lanes[mine].flags & LANE_ACTIVE) != 0u)
                places_next[quad_index(0, mine)] = behind(place);
            else
                places_next[quad_index(0, mine)] = place;
        }
        // A lane that stands still writes what its next step writes again.
        int to = past_slot(place, 0, push.slots) * frame + from;
        int i = 0;
        do {
            past_next[to + i] = texelFetch(inputs, from + i);
            i += TILES * WIDTH;
        } while (i < frame);
    }
    if (!any_active)
        return;

    int at = group * push.taps * push.blocks * BLOCK + me;
    int tap = 0;
    do {
        int ago = (push.taps - 1 - tap) * push.dilation;
        int then = past_slot(place, ago, push.slots) * frame + from;
        MULTIPLY(past, push.blocks, then, at)
        at += push.blocks * BLOCK;
    } while (++tap < push.taps - 1);
    MULTIPLY(inputs, push.blocks, from, at)

    [[unroll]] for (int b = 0; b < TILE; b++)
        [[unroll]] for (int i = 0; i < UNITS; i++) {
            float value = GATES == 2 ? squash(sums[i][b]) * sigmoid(sums[HEIGHT - UNITS + i][b])
                                     : max(sums[i][b], 0.0);
            outputs[feature_index((group * UNITS + i) * WIDTH + me, tile * TILE + b)] = value;
        }
}
