#version 450
// SPDX-License-Identifier: MIT
// Attention of one head in one lane, on storage buffers only. Grid [heads][lanes]; each of the 32
// invocations scores every 32nd slot, then adds up two features. The ring of a head holds keys and
// then values, [slot][quad]. See attend_texel.comp.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "attention.glsl"
#include "lane.glsl"
#include "place.glsl"

layout(local_size_x = 32) in;

const int MOST = 2048; // slots

layout(binding = 0) readonly buffer Inputs { vec4 inputs[]; };
layout(binding = 1) readonly buffer Before { uint ring[]; };
layout(binding = 2) writeonly buffer Ring { uvec4 ring_next[]; };
layout(binding = 3) readonly buffer Lanes { Lane lanes[]; };
layout(binding = 4) readonly buffer Places { Place places[]; };
layout(binding = 5) readonly buffer Heads { uvec4 frequencies[8]; vec2 heads[]; };
layout(binding = 6) writeonly buffer Outputs { float outputs[]; };

layout(push_constant) uniform Push
{
    int heads;
    int window;
    int ring;
} push;

shared vec4 query_low[8], query_high[8];
shared float shares[MOST];
shared float totals[32];
shared float own_score;
shared vec4 value_low[8], value_high[8];

void main()
{
    int head = int(gl_WorkGroupID.x);
    int number = int(gl_WorkGroupID.y);
    int me = int(gl_LocalInvocationID.x);
    Lane lane = lanes[number];
    if ((lane.flags & LANE_ACTIVE) == 0u)
        return;
    Place place = places[number];
    vec2 gain_sink = heads[head];
    int here = int(place.number % uint(push.window));
    int filled = int(min(place.heard, uint(push.window)));
    int keys = (number * push.heads + head) * 2 * push.ring * 8;
    int values = keys + push.ring * 8;

    if (me == 0) {
        Pairs query[8], key[8];
        float query_square = 0.0, key_square = 0.0;
        int part = HEAD_QUADS * push.heads;
        for (int j = 0; j < 8; j++) {
            int quad = HEAD_QUADS * head + j;
            query[j] = Pairs(inputs[quad_index(quad, number)], inputs[quad_index(quad + 8, number)]);
            key[j] = Pairs(inputs[quad_index(part + quad, number)],
                           inputs[quad_index(part + quad + 8, number)]);
            value_low[j] = inputs[quad_index(2 * part + quad, number)];
            value_high[j] = inputs[quad_index(2 * part + quad + 8, number)];
            query_square += dot_pairs(query[j], query[j]);
            key_square += dot_pairs(key[j], key[j]);
        }
        float query_scale = inversesqrt(query_square / 64.0 + TINY) * gain_sink.x;
        float key_scale = inversesqrt(key_square / 64.0 + TINY);
        float score = 0.0;
        for (int j = 0; j < 8; j++) {
            Pairs q = rotated(query[j], frequencies[j], place.number, place.ticks);
            Pairs k = rotated(key[j], frequencies[j], place.number, place.ticks);
            k = Pairs(k.low * key_scale, k.high * key_scale);
            query_low[j] = q.low * query_scale;
            query_high[j] = q.high * query_scale;
            score += dot(query_low[j], k.low) + dot(query_high[j], k.high);
            ring_next[keys + here * 8 + j] = packed(k);
            ring_next[values + here * 8 + j] = packed(Pairs(value_low[j], value_high[j]));
        }
        own_score = exp(score);
    }
    barrier();

    float total = 0.0;
    for (int slot = me; slot < filled; slot += 32) {
        float score = 0.0;
        for (int j = 0; j < 8; j++) {
            int at = (keys + slot * 8 + j) * 4;
            Pairs k = unpacked(uvec4(ring[at], ring[at + 1], ring[at + 2], ring[at + 3]));
            score += dot(k.low, query_low[j]) + dot(k.high, query_high[j]);
        }
        shares[slot] = slot == here ? 0.0 : exp(score);
        total += shares[slot];
    }
    totals[me] = total;
    barrier();

    float all = own_score + exp(gain_sink.y);
    for (int i = 0; i < 32; i++)
        all += totals[i];
    float low = own_score * value_low[me / 4][me % 4];
    float high = own_score * value_high[me / 4][me % 4];
    for (int slot = 0; slot < filled; slot++) {
        uint w = ring[(values + slot * 8) * 4 + me];
        low += shares[slot] * uintBitsToFloat(w << 16);
        high += shares[slot] * uintBitsToFloat(w & 0xffff0000u);
    }
    outputs[feature_index(64 * head + me, number)] = low / all;
    outputs[feature_index(64 * head + 32 + me, number)] = high / all;
}
