#version 450
// SPDX-License-Identifier: MIT
// Zeroes what belongs to the lanes that are marked, in one buffer. Grid [quads * lanes / local size].
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"

layout(local_size_x = 32) in;

layout(binding = 0) writeonly buffer Quads { vec4 quads[]; };
layout(binding = 1) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    uint mask; // lane flags that ask for it
    int count; // quads of all lanes
} push;

void main()
{
    int index = int(gl_GlobalInvocationID.x);
    if (index < push.count && (lanes[lane_of_quad_index(index)].flags & push.mask) != 0u)
        quads[index] = vec4(0.0);
}
