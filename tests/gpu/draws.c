// SPDX-License-Identifier: MIT
#include "draws.h"

#include <string.h>

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8; // the low bits repeat soon
}

uint32_t draws_below(uint32_t *seed, uint32_t count)
{
    return next(seed) % count;
}

void draws_fill(uint32_t *seed, float scale, bool cut, float *ret_values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ret_values[i] = scale * ((float)next(seed) / 8388608.0f - 1.0f);
        // In memory: GCC 12 loses the mask where a value is returned and then chosen or not.
        uint32_t bits;
        memcpy(&bits, &ret_values[i], sizeof bits);
        if (cut)
            bits &= 0xffff0000u;
        memcpy(&ret_values[i], &bits, sizeof bits);
    }
}
