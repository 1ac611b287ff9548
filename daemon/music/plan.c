// SPDX-License-Identifier: MIT
#include "music/plan.h"

#include <stdbool.h>
#include <string.h>

void plan_init(struct plan *plan, uint64_t seed)
{
    *plan = (struct plan){.seed = seed};
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

/** splitmix64 (Steele, Lea, Flood 2014): the number of a piece becomes a random one. */
static uint64_t spread(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void plan_begin(struct plan *plan, int64_t time)
{
    uint64_t draw = spread(spread(plan->seed) + plan->pieces++);
    plan->begin = time;
    plan->moved = (uint8_t)(spread(draw) % 12);
    plan->length = 0;
    if (!plan->source.rows)
        return;
    uint32_t count = walk(&plan->source, UINT32_MAX, &plan->first, &plan->length);
    if (count)
        walk(&plan->source, (uint32_t)(draw % count), &plan->first, &plan->length);
}

int64_t plan_end(const struct plan *plan)
{
    return plan->length ? plan->begin + plan->length * PLAN_STEP_US : INT64_MAX;
}

static int transposed(int key, int semitones)
{
    return (key % 12 + semitones) % 12 + key / 12 * 12;
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
