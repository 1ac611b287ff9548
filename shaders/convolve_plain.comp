#version 450
// SPDX-License-Identifier: MIT
// A causal dilated convolution of one frame on storage buffers only: each invocation owns one unit
// in one lane. Grid [units / local size][lanes]. See convolve_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"
#include "past.glsl"
#include "plain.glsl"

layout(constant_id = 5) const int GATES = 1;

layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Weights { uvec4 weights[]; }; // [block][gate][unit]
layout(binding = 1) readonly buffer Biases { float biases[]; };   // [composer][gate][unit]
layout(binding = 2) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 3) readonly buffer Past { vec4 past[]; };
layout(binding = 4) writeonly buffer PastNext { vec4 past_next[]; };
layout(binding = 5) readonly buffer Places { Place places[]; };
layout(binding = 6) writeonly buffer PlacesNext { Place places_next[]; };
layout(binding = 7) writeonly buffer Outputs { float outputs[]; };
layout(binding = 8) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    int blocks;
    int bias_stride;
    int units;
    int taps;
    int dilation;
    int slots;
} push;

void main()
{
    int unit = int(gl_GlobalInvocationID.x);
    int lane = int(gl_WorkGroupID.y);
    if (unit >= push.units)
        return;
    int frame = 2 * push.blocks * TILES * TILE;
    Place place = places[quad_index(0, lane)];
    if ((lanes[lane].flags & LANE_ACTIVE) == 0u) {
        if (unit == 0)
            places_next[quad_index(0, lane)] = place;
        return;
    }
    if (unit == 0)
        places_next[quad_index(0, lane)] = behind(place);
    if (unit < 2 * push.blocks) // there are more units than quads
        past_next[past_slot(place, 0, push.slots) * frame + quad_index(unit, lane)] =
            inputs[quad_index(unit, lane)];

    int bias = int(lanes[lane].composer) * push.bias_stride + unit;
    float filtered = biases[bias], gate = GATES == 2 ? biases[bias + push.units] : 0.0;
    int at = unit;
    for (int tap = 0; tap < push.taps; tap++) {
        int ago = (push.taps - 1 - tap) * push.dilation;
        int from = past_slot(place, ago, push.slots) * frame;
        for (int k = 0; k < push.blocks; k++, at += GATES * push.units) {
            int low_at = quad_index(2 * k, lane), high_at = quad_index(2 * k + 1, lane);
            vec4 low = ago > 0 ? past[from + low_at] : inputs[low_at];
            vec4 high = ago > 0 ? past[from + high_at] : inputs[high_at];
            filtered += product8(weights[at], low, high);
            if (GATES == 2)
                gate += product8(weights[at + push.units], low, high);
        }
    }
    outputs[feature_index(unit, lane)] =
        GATES == 2 ? squash(filtered) * sigmoid(gate) : max(filtered, 0.0);
}
