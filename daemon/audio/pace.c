// SPDX-License-Identifier: MIT
#include "audio/pace.h"

#include <time.h>

void pace_init(struct pace *pace, int64_t most, int64_t now_us)
{
    *pace = (struct pace){.allowance = most, .most = most, .time = now_us};
}

int64_t pace_allows(struct pace *pace, int64_t now_us)
{
    int64_t grown = (now_us - pace->time) * 6 / 125;
    if (grown >= pace->most - pace->allowance) {
        pace->allowance = pace->most;
        pace->time = now_us;
    } else if (grown > 0) {
        pace->allowance += grown;
        // Not what the division has left over: it would be lost at every call.
        pace->time += grown * 125 / 6;
    }
    return pace->allowance;
}

void pace_use(struct pace *pace, int64_t frames)
{
    pace->allowance = pace->allowance > frames ? pace->allowance - frames : 0;
}

int64_t pace_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
