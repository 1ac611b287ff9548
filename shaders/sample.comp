#version 450
// SPDX-License-Identifier: MIT
// From the 384 logits of a lane to its next frame, and from that frame to the net's next input.
// Each invocation owns four neighbouring pitches (one quad, one word of cells) of one lane; grid
// [lanes]. The rules are those of daemon/nets/net.h.
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "lane.glsl"
#include "gates.glsl"
#include "random.glsl"

const int WORDS = 32; // of a frame: 128 pitches, four to a word
layout(local_size_x = 32) in;

layout(binding = 0) readonly buffer Logits { vec4 logits[]; };  // sustain, onset, velocity
layout(binding = 1) buffer Frames { uint frames[]; };           // [lane][word], the last frame
layout(binding = 2) writeonly buffer Inputs { vec4 inputs[]; }; // sounding, struck
layout(binding = 3) readonly buffer Forced { uint forced[]; };  // [lane][step][word]
layout(binding = 4) writeonly buffer Cells { uint cells[]; };   // [lane][step][word]
layout(binding = 5) readonly buffer Lanes { Lane lanes[]; };

layout(push_constant) uniform Push
{
    uint step;  // within the run
    uint steps; // room of the run
    float spread; // standard deviation of the velocity, of 1
} push;

const uint HOLD = 128u;
const uint LOWEST = 21u, HIGHEST = 108u; // the piano's keys

uint choose(Lane lane, uint pitch, uint last, float sustain, float onset, float velocity)
{
    if (pitch < LOWEST || pitch > HIGHEST)
        return 0u;
    uint low = lane.step_low + push.step;
    uint high = lane.step_high + (low < lane.step_low ? 1u : 0u);
    uvec4 bits = scatter(uvec4(lane.seed_low, lane.seed_high, low, (high << 7 | high >> 25) ^ pitch));

    bool hard = (lane.flags & LANE_HARD) != 0u;
    bool struck = hard ? onset >= lane.threshold : unit(bits.x) < sigmoid(onset - lane.threshold);
    if (struck) {
        // Box and Muller; 1 - u keeps the logarithm finite.
        float gauss = sqrt(-2.0 * log(1.0 - unit(bits.z))) * cos(6.28318530718 * unit(bits.w));
        float v = sigmoid(velocity) + (hard ? 0.0 : push.spread * gauss);
        return uint(clamp(floor(127.0 * v + 0.5), 1.0, 127.0));
    }
    if (last == 0u)
        return 0u;
    return (hard ? sustain >= lane.threshold : unit(bits.y) < sigmoid(sustain)) ? HOLD : 0u;
}

void main()
{
    int word = int(gl_LocalInvocationID.x);
    int number = int(gl_WorkGroupID.x);
    Lane lane = lanes[number];
    bool playing = (lane.flags & LANE_ACTIVE) != 0u;
    bool fresh = push.step == 0u && (lane.flags & LANE_CLEAR_FRAME) != 0u;
    uint last = fresh ? 0u : frames[number * WORDS + word];
    uint at = (uint(number) * push.steps + push.step) * uint(WORDS) + uint(word);

    vec4 sustain = logits[quad_index(word, number)];
    vec4 onset = logits[quad_index(WORDS + word, number)];
    vec4 velocity = logits[quad_index(2 * WORDS + word, number)];

    uint next = 0u;
    if (playing) {
        if (push.step < lane.forced) {
            next = forced[at];
        } else {
            for (int i = 0; i < 4; i++)
                next |= choose(lane, uint(4 * word + i), (last >> (8 * i)) & 255u, sustain[i],
                               onset[i], velocity[i]) << (8 * i);
        }
    }
    cells[at] = next;

    if (!playing) {
        frames[number * WORDS + word] = last;
        return;
    }
    frames[number * WORDS + word] = next;
    vec4 sounding = vec4(0.0), struck = vec4(0.0);
    for (int i = 0; i < 4; i++) {
        uint cell = (next >> (8 * i)) & 255u;
        sounding[i] = cell > 0u ? 1.0 : 0.0;
        struck[i] = cell > 0u && cell < HOLD ? 0.5 + float(cell) * (1.0 / 254.0) : 0.0;
    }
    inputs[quad_index(word, number)] = sounding;
    inputs[quad_index(WORDS + word, number)] = struck;
}
