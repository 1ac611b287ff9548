// SPDX-License-Identifier: MIT
// The input of a notes net: the sum of what the former note, the composer, the kind and the
// controls look up (models/transformer.py). The includer defines TABLE(index), quad `index` of the
// tables, which lie one below the other in rows of FEATURES: the four fields, `start`, composers,
// kinds, controls, what the heads see of drawn fields, their biases, the ticks of the deltas, and
// accents (accent.glsl).

layout(constant_id = 5) const int FEATURES = 256;
layout(constant_id = 6) const int KIND_ROW = 321;
layout(constant_id = 7) const int CONTROL_ROW = 322;
layout(constant_id = 8) const int SEEN_ROW = 357;
// Where each control's rows begin, eight bits each.
layout(constant_id = 9) const int BUCKETS_LOW = 0;
layout(constant_id = 10) const int BUCKETS_HIGH = 0;
layout(constant_id = 11) const int DELTAS = 95; // that may be drawn

const int CONTROLS = 6;

const int SIZES[4] = {95, 128, 64, 32};
const int FIELD_ROWS[4] = {0, 95, 223, 287};
const int START_ROW = 319;
const int COMPOSER_ROW = 320;
// Of the former fields seen by head 1 (1 table), head 2 (2) and head 3 (3).
const int SEEN_ROWS[6] = {0, 95, 190, 318, 413, 541};
const int SEEN_COUNT = 605;

const int QUADS = FEATURES / 4;

vec4 table(int row, int quad)
{
    return TABLE(row * QUADS + quad);
}

int bin_of(uint note, int field)
{
    return int(note >> (8 * field)) & 255;
}

vec4 embedded(Lane lane, bool begins, uint note, int quad)
{
    vec4 x = table(COMPOSER_ROW + int(lane.composer), quad) + table(KIND_ROW + int(lane.kind), quad);
    for (int i = 0; i < CONTROLS; i++) {
        int bucket = bin_of(i < 4 ? lane.control_low : lane.control_high, i & 3);
        int first = bin_of(uint(i < 4 ? BUCKETS_LOW : BUCKETS_HIGH), i & 3);
        if (bucket != 255)
            x += table(CONTROL_ROW + first + bucket, quad);
    }
    if (begins)
        return x + table(START_ROW, quad);
    for (int i = 0; i < 4; i++)
        x += table(FIELD_ROWS[i] + bin_of(note, i), quad);
    return x;
}

// What head `field` sees of the fields drawn before its own.
vec4 seen(int field, uint note, int quad)
{
    vec4 sum = vec4(0.0);
    for (int j = 0; j < field; j++)
        sum += table(SEEN_ROW + SEEN_ROWS[field * (field - 1) / 2 + j] + bin_of(note, j), quad);
    return sum;
}

float bias(int field, int row)
{
    return table(SEEN_ROW + SEEN_COUNT + field, row >> 2)[row & 3];
}

uint ticks_of(uint note)
{
    int delta = bin_of(note, 0);
    return uint(table(SEEN_ROW + SEEN_COUNT + 4, delta >> 2)[delta & 3]);
}
