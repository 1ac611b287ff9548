// SPDX-License-Identifier: MIT
#include "audio/meter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/** A sine of 1 kHz with the amplitude `size`, for `frames` frames in blocks of 64. */
static void hear_sine(struct meter *meter, double size, uint32_t frames)
{
    for (uint32_t at = 0; at < frames; at += 64) {
        float block[128];
        for (uint32_t i = 0; i < 64; i++)
            block[2 * i] = block[2 * i + 1] =
                (float)(size * sin(2 * 3.14159265358979 * (at + i) / 48));
        meter_hear(meter, block, 64);
    }
}

static void test_levels(void **state)
{
    struct meter meter = {0};
    assert_true(meter_level(&meter) == METER_SILENCE);
    hear_sine(&meter, 1, 48000);
    assert_true(fabs(meter_level(&meter) + 3.01) < 0.01);
    hear_sine(&meter, 0.1, METER_STEP * METER_STEPS);
    assert_true(fabs(meter_level(&meter) + 23.01) < 0.01);
}

static void test_what_is_long_ago_does_not_count(void **state)
{
    struct meter meter = {0};
    hear_sine(&meter, 1, METER_STEP * METER_STEPS);
    hear_sine(&meter, 0, METER_STEP * METER_STEPS / 2);
    assert_true(fabs(meter_level(&meter) + 6.02) < 0.01); // half of the power
    hear_sine(&meter, 0, METER_STEP * METER_STEPS / 2);
    assert_true(meter_level(&meter) == METER_SILENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_what_is_long_ago_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
