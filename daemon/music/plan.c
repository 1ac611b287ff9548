// SPDX-License-Identifier: MIT
#include "music/plan.h"

#include <stdbool.h>
#include <string.h>

#include "music/spread.h"

#define KEYS 24

void plan_init(struct plan *plan, uint64_t seed)
{
    *plan = (struct plan){.seed = seed, .key = -1};
    memset(plan->source.typical, -1, sizeof plan->source.typical);
}

static bool is_border(const uint8_t row[PLAN_CONTROLS])
{
    for (int i = 0; i < PLAN_CONTROLS; i++)
        if (row[i] != PLAN_UNKNOWN)
            return false;
    return true;
}

void plan_set_source(struct plan *plan, const struct plan_source *source)
{
    if (source->count != plan->source.count || !source->rows)
        plan->length = 0;
    plan->source = *source;
}

/** Finds trajectory number `wanted` from row 0 on, or, where there are not so many, counts them. */
static uint32_t walk(const struct plan_source *source, uint32_t wanted, uint32_t *ret_first,
                     uint32_t *ret_length)
{
    uint32_t found = 0;
    for (uint32_t row = 0; row < source->count;) {
        if (is_border(source->rows[row])) {
            row++;
            continue;
        }
        uint32_t end = row;
        while (end < source->count && !is_border(source->rows[end]))
            end++;
        if (found++ == wanted) {
            *ret_first = row;
            *ret_length = end - row;
            return found;
        }
        row = end;
    }
    return found;
}

/** The tonic of a key in major, or of the relative key of one in minor. */
static int tonic_of(int key)
{
    return key < 12 ? key : (key - 12 + 3) % 12;
}

static int transposed(int key, int semitones)
{
    return (key % 12 + semitones) % 12 + key / 12 * 12;
}

/** The key that most rows of the trajectory are in, the earliest among equals; -1: none is known.
 */
static int main_key(const struct plan *plan)
{
    uint32_t rows[KEYS] = {0};
    int best = -1;
    for (uint32_t i = 0; i < plan->length; i++) {
        int key = plan->source.rows[plan->first + i][PLAN_KEY];
        if (key < KEYS)
            rows[key]++;
    }
    for (uint32_t i = 0; i < plan->length; i++) {
        int key = plan->source.rows[plan->first + i][PLAN_KEY];
        if (key < KEYS && (best < 0 || rows[key] > rows[best]))
            best = key;
    }
    return best;
}

/** Takes up a trajectory. Returns a random number besides. */
static uint64_t choose(struct plan *plan, int64_t time)
{
    uint64_t draw = spread(spread(spread(plan->seed) + plan->pieces) + plan->parts++);
    plan->begin = time;
    plan->length = 0;
    plan->moved = 0;
    if (!plan->source.rows)
        return draw;
    uint32_t count = walk(&plan->source, UINT32_MAX, &plan->first, &plan->length);
    if (count)
        walk(&plan->source, (uint32_t)(draw % count), &plan->first, &plan->length);
    return spread(draw);
}

void plan_begin(struct plan *plan, int64_t time)
{
    int before = plan->key;
    plan->pieces++;
    plan->parts = 0;
    uint64_t draw = choose(plan, time);
    plan->key = main_key(plan);
    if (plan->key < 0)
        return;
    int tonic = before < 0 ? (int)(draw % 12) : (int)(tonic_of(before) + 1 + draw % 11) % 12;
    plan->moved = (uint8_t)((tonic - tonic_of(plan->key) + 12) % 12);
    plan->key = transposed(plan->key, plan->moved);
}

void plan_turn(struct plan *plan, int64_t time)
{
    choose(plan, time);
    int key = main_key(plan);
    if (key >= 0 && plan->key >= 0)
        plan->moved = (uint8_t)((tonic_of(plan->key) - tonic_of(key) + 12) % 12);
}

void plan_go_on(struct plan *plan, int64_t time)
{
    while (plan->length && time >= plan->begin + plan->length * PLAN_STEP_US)
        plan_turn(plan, plan->begin + plan->length * PLAN_STEP_US);
}

void plan_tell(const struct plan *plan, int64_t time, int8_t ret_control[PLAN_CONTROLS])
{
    memcpy(ret_control, plan->source.typical, PLAN_CONTROLS);
    if (!plan->length)
        return;
    int64_t row = time > plan->begin ? (time - plan->begin) / PLAN_STEP_US : 0;
    if (row >= plan->length)
        row = plan->length - 1;
    const uint8_t *told = plan->source.rows[plan->first + row];
    for (int i = 0; i < PLAN_CONTROLS; i++)
        if (told[i] <= INT8_MAX)
            ret_control[i] = (int8_t)(i == PLAN_KEY ? transposed(told[i], plan->moved) : told[i]);
}
