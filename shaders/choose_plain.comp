#version 450
// SPDX-License-Identifier: MIT
// The next note of a lane, on storage buffers only; 32 invocations a lane, grid [lanes]. The heads'
// last matrices lie [block][row], one behind the other. See choose_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "place.glsl"
#include "plain.glsl"
#include "random.glsl"

layout(local_size_x = 32) in;

layout(binding = 0) readonly buffer Tables { vec4 tables[]; };
layout(binding = 1) readonly buffer Weights { uvec4 weights[]; };
layout(binding = 2) readonly buffer Hidden { vec4 hidden[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };
layout(binding = 4) buffer Places { Place places[]; };
layout(binding = 5) readonly buffer Forced { uint forced[]; };
layout(binding = 6) writeonly buffer Notes { uint notes[]; };
layout(binding = 7) writeonly buffer Logits { float logits[]; };
layout(binding = 8) writeonly buffer Inputs { vec4 inputs[]; };

#define TABLE(index) tables[index]
#include "embedding.glsl"
#include "accent.glsl"
#include "draw.glsl"

layout(push_constant) uniform Push
{
    uint step;
    uint steps;
} push;

shared vec4 heard[QUADS];
shared float logit[128];
shared float strengths[32];
shared int choices[32];

uint drawn(int field, int number, Lane lane, Place place, uint note)
{
    int me = int(gl_LocalInvocationID.x);
    int rows = SIZES[field];
    barrier(); // before what the former field left is written over
    for (int quad = me; quad < QUADS; quad += 32) {
        vec4 x = hidden[quad_index(field * QUADS + quad, number)];
        x = max(x + seen(field, note, quad), vec4(0.0));
        heard[quad] = x * x;
    }
    barrier();
    for (int row = me; row < rows; row += 32) {
        float sum = bias(field, row);
        for (int k = 0; k < FEATURES / 8; k++)
            sum += product8(weights[FIELD_ROWS[field] * (FEATURES / 8) + k * rows + row],
                            heard[2 * k], heard[2 * k + 1]);
        logits[number * START_ROW + FIELD_ROWS[field] + row] = sum;
        logit[row] = field == 1 ? sum + accent(place, lane.composer, note, row) : sum;
    }
    barrier();
    float best = -1e38;
    for (int row = 0; row < rows; row++)
        if (allowed(field, row))
            best = max(best, logit[row]);
    float strongest = -1e38;
    int choice = fallback(field);
    for (int row = me; row < rows; row += 32) {
        float strength = claim(lane, push.step, field, row, logit[row], best);
        if (strength > strongest) {
            strongest = strength;
            choice = row;
        }
    }
    strengths[me] = strongest;
    choices[me] = choice;
    barrier();
    for (int i = 0; i < 32; i++)
        if (strengths[i] > strongest || (strengths[i] == strongest && choices[i] < choice)) {
            strongest = strengths[i];
            choice = choices[i];
        }
    return uint(choice);
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

    bool given = push.step < lane.forced;
    uint note = given ? forced[at] : 0u;
    for (int field = 0; field < 4; field++) {
        uint choice = drawn(field, number, lane, place, note);
        note |= given ? 0u : choice << (8 * field);
    }

    if (me == 0) {
        notes[at] = note;
        places[number] = Place(place.number + 1u, place.ticks + ticks_of(note), note,
                               min(place.heard + 1u, HEARD_MOST), turned(place, note),
                               lowered(place, note), uint[2](0u, 0u));
    }
    for (int quad = me; quad < QUADS; quad += 32)
        inputs[quad_index(quad, number)] = embedded(lane, false, note, quad);
}
