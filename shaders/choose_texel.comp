#version 450
// SPDX-License-Identifier: MIT
// From what the net has heard to the next note of a lane, and from that note to the net's next
// input: four heads one after the other, each seeing what the former drew. One subgroup a lane; grid
// [lanes]. The rules are those of daemon/nets/net.h.
// What is kept as logits is the net's own, before any accent.
//
// The heads' last matrices lie one below the other, each with its rows filled up to whole groups of
// GROUP rows: [group][block][row of the invocation][invocation] as in product.glsl.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "lane.glsl"
#include "place.glsl"
#include "random.glsl"

layout(local_size_x_id = 0) in;

layout(binding = 0) uniform samplerBuffer tables;
layout(binding = 1) uniform usamplerBuffer weights;
layout(binding = 2) uniform samplerBuffer hidden; // of all heads, before what they see
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };
layout(binding = 4) buffer Places { Place places[]; };
layout(binding = 5) readonly buffer Forced { uint forced[]; };  // [lane][step]
layout(binding = 6) writeonly buffer Notes { uint notes[]; };   // [lane][step]
layout(binding = 7) writeonly buffer Logits { float logits[]; };
layout(binding = 8) writeonly buffer Inputs { vec4 inputs[]; };

#define TABLE(index) texelFetch(tables, index)
#include "embedding.glsl"
#include "accent.glsl"
#include "draw.glsl"

layout(push_constant) uniform Push
{
    uint step;  // within the run
    uint steps; // room of the run
} push;

const int HEIGHT = WIDTH < 32 ? 32 / WIDTH : 1; // rows of an invocation
const int GROUP = HEIGHT * WIDTH;
const int MOST_GROUPS = 4; // of a head: 128 rows

// Draws `field` with `groups` groups of rows, the first of them row group `first` of all.
uint drawn(const int field, const int groups, const int first, int number, Lane lane, Place place, uint note)
{
    int me = int(gl_LocalInvocationID.x);
    float logit[MOST_GROUPS * HEIGHT];
    float best = -1e38;
    [[unroll]] for (int g = 0; g < groups; g++) {
        float sums[HEIGHT];
        [[unroll]] for (int r = 0; r < HEIGHT; r++)
            sums[r] = 0.0;
        int at = (first + g) * (FEATURES / 8) * GROUP + me;
        int quad = 0;
        do {
            int mine = min(quad + me, QUADS - 1);
            vec4 x = texelFetch(hidden, quad_index(field * QUADS + mine, number));
            x = max(x + seen(field, note, mine), vec4(0.0));
            x *= x;
            [[unroll]] for (int i = 0; i < WIDTH / 2; i++) {
                vec4 low = subgroupShuffle(x, uint(2 * i));
                vec4 high = subgroupShuffle(x, uint(2 * i + 1));
                [[unroll]] for (int r = 0; r < HEIGHT; r++) {
                    uvec4 w = texelFetch(weights, at + r * WIDTH);
                    sums[r] += dot(uintBitsToFloat(w << 16), low) +
                               dot(uintBitsToFloat(w & 0xffff0000u), high);
                }
                at += GROUP;
            }
            quad += WIDTH;
        } while (quad < QUADS);
        [[unroll]] for (int r = 0; r < HEIGHT; r++) {
            int row = (g * HEIGHT + r) * WIDTH + me;
            float value = -1e38;
            if (row < SIZES[field]) {
                value = sums[r] + bias(field, row);
                logits[number * START_ROW + FIELD_ROWS[field] + row] = value;
                if (field == 1)
                    value += accent(place, lane.composer, note, row);
                if (allowed(field, row))
                    best = max(best, value);
            }
            logit[g * HEIGHT + r] = value;
        }
    }
    float most = best;
    [[unroll]] for (int i = 0; i < WIDTH; i++)
        most = max(most, subgroupShuffle(best, uint(i)));

    float strongest = -1e38;
    int choice = fallback(field);
    [[unroll]] for (int k = 0; k < groups * HEIGHT; k++) {
        int row = k * WIDTH + me;
        float strength = claim(lane, push.step, field, row, logit[k], most);
        if (strength > strongest) {
            strongest = strength;
            choice = row;
        }
    }
    float winner = -1e38;
    int result = fallback(field);
    [[unroll]] for (int i = 0; i < WIDTH; i++) {
        float strength = subgroupShuffle(strongest, uint(i));
        int row = subgroupShuffle(choice, uint(i));
        if (strength > winner) {
            winner = strength;
            result = row;
        }
    }
    return uint(result);
}

void main()
{
    int number = int(gl_WorkGroupID.x);
    int me = int(gl_LocalInvocationID.x);
    Lane lane = lanes[number];
    Place place = places[number];
    uint at = uint(number) * push.steps + push.step;
    if ((lane.flags & LANE_ACTIVE) == 0u) {
        if (me == 0)
            notes[at] = 0u;
        return;
    }

    // A note that is given is seen by the heads as if they had drawn it.
    bool given = push.step < lane.forced;
    uint note = given ? forced[at] : 0u;
    const int a = (95 + GROUP - 1) / GROUP, b = 128 / GROUP, c = (64 + GROUP - 1) / GROUP;
    uint field = drawn(0, a, 0, number, lane, place, note);
    note |= given ? 0u : field;
    field = drawn(1, b, a, number, lane, place, note);
    note |= given ? 0u : field << 8;
    field = drawn(2, c, a + b, number, lane, place, note);
    note |= given ? 0u : field << 16;
    field = drawn(3, 1, a + b + c, number, lane, place, note);
    note |= given ? 0u : field << 24;

    if (me == 0) {
        notes[at] = note;
        places[number] = Place(place.number + 1u, place.ticks + ticks_of(note), note,
                               min(place.heard + 1u, HEARD_MOST), turned(place, note),
                               lowered(place, note), uint[2](0u, 0u));
    }
    for (int quad = me; quad < QUADS; quad += WIDTH)
        inputs[quad_index(quad, number)] = embedded(lane, false, note, quad);
}
