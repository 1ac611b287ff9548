// SPDX-License-Identifier: MIT
// The transformer's kernels beside plain C loops on random weights, at several sizes and numbers of
// lanes; and what a file that does not fit comes to.
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "draws.h"
#include "driver.h"
#include "notes_reference.h"
#include "notes_weights.h"

#define LOGITS 319

// Keys and values are kept as bfloat16; all else is fp32 here and double there. Measured on
// lavapipe and SwiftShader: 0.013; a wrong index or a forgotten table makes more than 0.3.
#define TOLERANCE 0.04

/** Lanes with conditions of their own that are told notes, some of them pausing now and then. */
static void compare(const struct notes_weights *weights, uint32_t count, int steps)
{
    const char *path = driver_scratch("random.safetensors");
    struct net *other = NULL;
    struct device *its = driver_open();
    notes_weights_write(weights, path, NULL);
    assert_int_equal(net_new(its, path, count, &other), 0);
    struct notes_reference *references[64];
    struct net_lane lanes[64];
    uint8_t forced[64][4], out[64][4];
    uint32_t seed = 7;
    double most = 0;
    for (uint32_t i = 0; i < count; i++)
        references[i] = notes_reference_new(weights);
    for (int step = 0; step < steps; step++) {
        for (uint32_t i = 0; i < count; i++) {
            lanes[i] = (struct net_lane){.threshold = 0.5f};
            lanes[i].active = i == 0 || draws_below(&seed, 8) > 0;
            lanes[i].composer = draws_below(&seed, weights->composers);
            lanes[i].kind = draws_below(&seed, weights->kinds);
            for (int k = 0; k < NET_CONTROLS; k++)
                lanes[i].control[k] =
                    (int8_t)(draws_below(&seed, net_info(other)->buckets[k] + 1) - 1);
            notes_weights_note(&seed, forced[i]);
            lanes[i].forced = forced[i];
            lanes[i].forced_count = 1;
        }
        assert_int_equal(net_debug_run(other, lanes, 1, out[0]), 0);
        for (uint32_t i = 0; i < count; i++) {
            struct notes_conditions conditions = {lanes[i].composer, lanes[i].kind, {0}};
            double expected[LOGITS];
            float logits[LOGITS];
            if (!lanes[i].active)
                continue;
            memcpy(conditions.control, lanes[i].control, sizeof conditions.control);
            notes_reference_step(references[i], &conditions, forced[i], expected);
            assert_int_equal(net_debug_peek(other, i, "logits", logits, LOGITS), LOGITS);
            assert_memory_equal(out[i], forced[i], 4);
            for (int c = 0; c < LOGITS; c++) {
                double d = fabs(logits[c] - expected[c]);
                assert_false(isnan(d));
                most = d > most ? d : most;
            }
        }
    }
    printf("reference, width %u, %u lanes, %s form: largest difference of the logits %.2g\n",
           weights->width, count, net_debug_form(other), most);
    for (uint32_t i = 0; i < count; i++)
        notes_reference_free(references[i]);
    net_free(other);
    driver_close(its);
    assert_true(most < TOLERANCE);
}

static void plain_loops(void **state)
{
    struct notes_weights small = {.width = 256,
                                  .hidden = 512,
                                  .composers = 3,
                                  .kinds = 2,
                                  .layers = 3,
                                  .windows = {16, 64, 32}};
    struct notes_weights wide = {
        .width = 512, .hidden = 256, .composers = 2, .kinds = 1, .layers = 1, .windows = {16}};
    notes_weights_init(&small, 1);
    compare(&small, 1, 80);
    compare(&small, 3, 20);
    compare(&small, 9, 20);
    notes_weights_finish(&small);
    notes_weights_init(&wide, 2);
    compare(&wide, 2, 20);
    notes_weights_finish(&wide);
}

static void broken_files_are_refused(void **state)
{
    static const struct notes_flaw flaws[] = {
        {.tensor = "layer1.qkv"},
        {.tensor = "-layer0.proj"},
        {.tensor = "layer0.up"},
        {.tensor = "-layer1.down"},
        {.tensor = "layer1.gain"},
        {.tensor = "-layer0.sink"},
        {.tensor = "head2.hidden"},
        {.tensor = "-head3.seen1"},
        {.tensor = "head1.out"},
        {.tensor = "-head0.bias"},
        {.tensor = "embed.delta"},
        {.tensor = "embed.composer"},
        {.tensor = "-embed.kind"},
        {.tensor = "embed.control"},
        {.tensor = "-embed.start"},
        {.tensor = "embed.start"},
        {.key = "windows"},
        {.key = "windows", .value = "[16]"},
        {.key = "windows", .value = "[16, 32, 16]"},
        {.key = "windows", .value = "[16, 48]"},
        {.key = "windows", .value = "[16, 4096]"},
        {.key = "windows", .value = "[16, 32"},
        {.key = "heads", .value = "8"},
        {.key = "periods_notes", .value = "[4.0]"},
        {.key = "periods_ticks", .value = "[1.0, 2.0]"},
        {.key = "vocabulary", .value = "notes-40"},
        {.key = "vocabulary"},
        {.key = "kinds"},
        {.key = "kinds", .value = "[]"},
        {.key = "composers"},
        {.key = "offered", .value = "[\\\"c7\\\"]"},
        {.key = "control_buckets", .value = "{}"},
        {.key = "control_buckets", .value = "{\\\"density\\\": [60, 120]}"},
        {.key = "control_buckets", .value = "{\\\"density\\\": 60}"},
        {.key = "temperature", .value = "0.1"},
        {.key = "temperature", .value = "warm"},
        {.key = "net", .value = "transformers"},
        {.bad_value = "layer0.gain"},
        {.bad_value = "layer1.sink"},
    };
    struct notes_weights weights = {
        .width = 256, .hidden = 256, .composers = 2, .kinds = 1, .layers = 2, .windows = {16, 32}};
    struct net *other = NULL;
    struct device *device = driver_open();
    const char *path = driver_scratch("broken.safetensors");
    notes_weights_init(&weights, 3);
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        notes_weights_write(&weights, path, &flaws[i]);
        int r = net_new(device, path, 1, &other);
        // One layer less than the file has is a smaller net, and a sound one.
        bool sound = flaws[i].value && strcmp(flaws[i].value, "[16]") == 0;
        assert_int_equal(r, sound ? 0 : -EBADMSG);
        if (sound)
            net_free(other);
        other = NULL;
    }
    notes_weights_finish(&weights);
    driver_close(device);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loops),
        cmocka_unit_test(broken_files_are_refused),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
