// SPDX-License-Identifier: MIT
#include "music/line.h"

// FNV's prime, as the base of the polynomial; intervals are lifted above zero.
#define BASE UINT64_C(1099511628211)
#define LIFT 200

void line_sort(struct note *chord, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct note note = chord[i];
        size_t at = i;
        for (; at > 0 && chord[at - 1].pitch > note.pitch; at--)
            chord[at] = chord[at - 1];
        chord[at] = note;
    }
}

uint64_t line_run(const uint8_t *pitch)
{
    uint64_t run = 0;
    for (int i = 1; i < LINE_RUN; i++)
        run = run * BASE + (uint64_t)(pitch[i] - pitch[i - 1] + LIFT);
    return run;
}
