#version 450
// SPDX-License-Identifier: MIT
// Attention of one head in one lane over the last notes, and the keeping of the present one. One
// subgroup a workgroup; grid [heads][lanes].
//
// The ring of a head holds `ring` keys and then as many values, eight uvec4 each. Notes lie in
// blocks of 4 * WIDTH slots: invocation i scores slots 4 i to 4 i + 3, so keys lie
// [block][quad][slot % 4][invocation]. Then eight invocations, each with its pairs of quads, add up
// the values of the slots that they have scored, which lie [slot][quad]. What is written to the ring
// is not read in this dispatch: the present note is attended to as it is.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "activation.glsl"
#include "attention.glsl"
#include "lane.glsl"
#include "place.glsl"

layout(local_size_x_id = 0) in;

layout(binding = 0) uniform samplerBuffer inputs; // queries, keys, values of all heads
layout(binding = 1) uniform usamplerBuffer ring;
layout(binding = 2) writeonly buffer Ring { uvec4 ring_next[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };
layout(binding = 4) readonly buffer Places { Place places[]; };
layout(binding = 5) readonly buffer Heads { uvec4 frequencies[8]; vec2 heads[]; }; // gain, sink
layout(binding = 6) writeonly buffer Outputs { vec4 outputs[]; };

layout(push_constant) uniform Push
{
    int heads;
    int window; // slots that are used
    int ring;   // slots that there are: whole blocks
} push;

const int TEAM = WIDTH < 8 ? WIDTH : 8; // invocations that have all quads of a head between them
const int MINE = 8 / TEAM;              // pairs of quads of an invocation

float everyones(float x)
{
    float sum = 0.0;
    [[unroll]] for (int i = 0; i < TEAM; i++)
        sum += subgroupShuffle(x, uint(i));
    return sum;
}

void main()
{
    int head = int(gl_WorkGroupID.x);
    int number = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    Lane lane = lanes[number];
    if ((lane.flags & LANE_ACTIVE) == 0u)
        return;
    Place place = places[number];
    int member = me % TEAM;
    int team = me - member;

    Pairs query[MINE], key[MINE], value[MINE];
    float query_square = 0.0, key_square = 0.0;
    [[unroll]] for (int s = 0; s < MINE; s++) {
        int quad = HEAD_QUADS * head + s * TEAM + member;
        int part = HEAD_QUADS * push.heads;
        query[s] = Pairs(texelFetch(inputs, quad_index(quad, number)),
                         texelFetch(inputs, quad_index(quad + 8, number)));
        key[s] = Pairs(texelFetch(inputs, quad_index(part + quad, number)),
                       texelFetch(inputs, quad_index(part + quad + 8, number)));
        value[s] = Pairs(texelFetch(inputs, quad_index(2 * part + quad, number)),
                         texelFetch(inputs, quad_index(2 * part + quad + 8, number)));
        query_square += dot_pairs(query[s], query[s]);
        key_square += dot_pairs(key[s], key[s]);
    }
    vec2 gain_sink = heads[head];
    float query_scale = inversesqrt(everyones(query_square) / 64.0 + TINY) * gain_sink.x;
    float key_scale = inversesqrt(everyones(key_square) / 64.0 + TINY);
    float own = 0.0;
    [[unroll]] for (int s = 0; s < MINE; s++) {
        uvec4 frequency = frequencies[s * TEAM + member];
        query[s] = rotated(query[s], frequency, place.number, place.ticks);
        query[s].low *= query_scale;
        query[s].high *= query_scale;
        key[s] = rotated(key[s], frequency, place.number, place.ticks);
        key[s].low *= key_scale;
        key[s].high *= key_scale;
        own += dot_pairs(query[s], key[s]);
    }
    own = exp(everyones(own));

    int here = int(place.number % uint(push.window));
    int filled = int(min(place.heard, uint(push.window)));
    int keys = (number * push.heads + head) * 2 * push.ring * 8;
    int values = keys + push.ring * 8;

    // The queries' and keys' lengths are 8, so that no score is too large for exp(); net.h.
    float total = 0.0;
    Pairs mixed[MINE];
    [[unroll]] for (int s = 0; s < MINE; s++)
        mixed[s] = Pairs(vec4(0.0), vec4(0.0));
    int first = 0;
    if (filled > 0) {
        do {
            vec4 score = vec4(0.0);
            [[unroll]] for (int quad = 0; quad < 8; quad++) {
                vec4 low = subgroupShuffle(query[quad / TEAM].low, uint(quad % TEAM));
                vec4 high = subgroupShuffle(query[quad / TEAM].high, uint(quad % TEAM));
                [[unroll]] for (int r = 0; r < 4; r++) {
                    uvec4 w = texelFetch(ring, keys + first * 8 + (quad * 4 + r) * WIDTH + me);
                    score[r] += dot_pairs(unpacked(w), Pairs(low, high));
                }
            }
            vec4 share;
            [[unroll]] for (int r = 0; r < 4; r++) {
                int slot = first + 4 * me + r;
                share[r] = slot < filled && slot != here ? exp(score[r]) : 0.0;
                total += share[r];
            }
            [[unroll]] for (int i = 0; i < TEAM; i++) {
                vec4 theirs = WIDTH <= 8 ? subgroupShuffle(share, uint(i))
                                         : subgroupShuffle(share, uint(team + i));
                [[unroll]] for (int r = 0; r < 4; r++) {
                    int at = values + (first + 4 * (team + i) + r) * 8 + member;
                    [[unroll]] for (int s = 0; s < MINE; s++) {
                        Pairs v = unpacked(texelFetch(ring, at + s * TEAM));
                        mixed[s].low += theirs[r] * v.low;
                        mixed[s].high += theirs[r] * v.high;
                    }
                }
            }
            first += 4 * WIDTH;
        } while (first < filled);
    }

    float all = own + exp(gain_sink.y);
    [[unroll]] for (int i = 0; i < WIDTH; i++)
        all += subgroupShuffle(total, uint(i));
    [[unroll]] for (int s = 0; s < MINE; s++) {
        [[unroll]] for (int other = TEAM; other < WIDTH; other *= 2) {
            mixed[s].low += subgroupShuffle(mixed[s].low, uint(me ^ other));
            mixed[s].high += subgroupShuffle(mixed[s].high, uint(me ^ other));
        }
        if (me < TEAM) {
            int pair = s * TEAM + me;
            int quad = HEAD_QUADS * head + pair;
            outputs[quad_index(quad, number)] = (mixed[s].low + own * value[s].low) / all;
            outputs[quad_index(quad + 8, number)] = (mixed[s].high + own * value[s].high) / all;
            int block = here / (4 * WIDTH), inside = here % (4 * WIDTH);
            ring_next[keys + block * 32 * WIDTH + (pair * 4 + inside % 4) * WIDTH + inside / 4] =
                packed(key[s]);
            ring_next[values + here * 8 + pair] = packed(value[s]);
        }
    }
}
