#version 450
// SPDX-License-Identifier: MIT
// Copies what belongs to one lane, in one buffer, to a lane of another net, whose lanes lie side by
// side in another way (activation.glsl). Grid [quads / local size].
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"

layout(local_size_x = 32) in;

layout(binding = 0) readonly buffer From { uvec4 from[]; };
layout(binding = 1) writeonly buffer To { uvec4 to[]; };

layout(push_constant) uniform Push
{
    int count; // quads
    // Of each of the two: WIDTH / its tile, quads of all lanes in a span, and the lane's first quad.
    int from_span, from_stride, from_first;
    int to_span, to_stride, to_first;
} push;

int place(int quad, int span, int stride, int first)
{
    return quad / span * stride + quad % span * (WIDTH / span) + first;
}

void main()
{
    int quad = int(gl_GlobalInvocationID.x);
    if (quad < push.count)
        to[place(quad, push.to_span, push.to_stride, push.to_first)] =
            from[place(quad, push.from_span, push.from_stride, push.from_first)];
}
