#version 450
// SPDX-License-Identifier: MIT
// Before the first step of a run of a notes net: forgets what is to be forgotten, and looks up what
// is heard first, since composer, kind and controls may have changed. Grid [lanes].
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "place.glsl"

layout(local_size_x = 32) in;

layout(binding = 0) readonly buffer Tables { vec4 tables[]; };
layout(binding = 1) readonly buffer Lanes { Lane lanes[]; };
layout(binding = 2) buffer Places { Place places[]; };
layout(binding = 3) writeonly buffer Inputs { vec4 inputs[]; };

#define TABLE(index) tables[index]
#include "embedding.glsl"

void main()
{
    int number = int(gl_WorkGroupID.x);
    int me = int(gl_LocalInvocationID.x);
    Lane lane = lanes[number];
    Place place = places[number];
    barrier();
    if ((lane.flags & LANE_CLEAR_STATE) != 0u) {
        place = Place(0u, 0u, 0u, 0u, 0u, 0u, uint[2](0u, 0u));
        if (me == 0)
            places[number] = place;
    }
    for (int quad = me; quad < QUADS; quad += 32)
        inputs[quad_index(quad, number)] = embedded(lane, place.heard == 0u, place.last, quad);
}
