// SPDX-License-Identifier: MIT
// The kernels against two oracles: PyTorch's golden vectors of the weights that are shipped
// (models.golden), and plain C loops on random weights at several numbers of lanes.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "nets/safetensors.h"
#include "draws.h"
#include "driver.h"
#include "reference.h"
#include "weights.h"

// Weights are exact in bfloat16 on both sides and all arithmetic is fp32, so that only the order
// of the sums and the drivers' exp() differ (Vulkan allows it 3 + 2|x| ulp). Differences count
// relative to values above 1. Measured on lavapipe and SwiftShader over 24 steps: states 1e-5,
// logits 6e-6; a wrong index, gate or plane makes more than 1e-2. Between them, nearer to what was
// measured, with room for other drivers' exp():
#define STATE_TOLERANCE 1e-4
#define LOGIT_TOLERANCE 2e-4

// FERMATA_TEST_WEIGHTS and FERMATA_TEST_GOLDEN in the environment name another pair.
static const char *weights_path = FERMATA_WEIGHTS;
static const char *golden_path = FERMATA_GOLDEN;

/** Largest difference to what the device has under `name`. */
static double difference(struct net *net, uint32_t lane, const char *name, const float *expected,
                         int count)
{
    float values[512];
    double most = 0;
    assert_int_equal(net_debug_peek(net, lane, name, values, 512), count);
    for (int i = 0; i < count; i++) {
        double d = fabs((double)values[i] - (double)expected[i]) / fmax(1, fabs(expected[i]));
        most = isnan(d) || d > most ? d : most;
        assert_false(isnan(most));
    }
    return most;
}

/** The cells of which golden x is the encoding. */
static void decode(const float x[256], uint8_t ret_cells[NET_FRAME_CELLS])
{
    for (int pitch = 0; pitch < 128; pitch++) {
        float struck = x[128 + pitch];
        ret_cells[pitch] = struck > 0     ? (uint8_t)lrintf((struck - 0.5f) * 254.0f)
                           : x[pitch] > 0 ? NET_CELL_HOLD
                                          : NET_CELL_OFF;
    }
}

static const float *vector(const struct safetensors *file, const char *name, uint64_t width,
                           uint64_t *ret_steps)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->type, SAFETENSORS_F32);
    assert_int_equal(tensor->dimensions, 3);
    assert_int_equal(tensor->shape[1], 2);
    assert_int_equal(tensor->shape[2], width);
    *ret_steps = tensor->shape[0];
    float *values = malloc(tensor->elements * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < tensor->elements; i++)
        values[i] = safetensors_float(tensor, i);
    return values;
}

/** Whether it was in the plain form. */
static bool golden(uint32_t capacity)
{
    static const struct {
        const char *name;
        int width;
    } kinds[] = {{"h1", 512}, {"c1", 512}, {"h2", 512}, {"c2", 512}, {"logits", 384}, {"x", 256}};
    struct safetensors *file = NULL;
    struct net *net = NULL;
    const float *expected[6];
    uint64_t steps = 0;
    assert_int_equal(safetensors_new(golden_path, &file), 0);
    for (int k = 0; k < 6; k++)
        expected[k] = vector(file, kinds[k].name, (uint64_t)kinds[k].width, &steps);
    const struct safetensors_tensor *composer = safetensors_find(file, "composer");
    assert_non_null(composer);
    assert_int_equal(composer->type, SAFETENSORS_I32);
    assert_int_equal(composer->elements, 2);
    uint8_t rows[8];
    memcpy(rows, composer->data, 8);

    struct device *device = driver_open();
    assert_int_equal(net_new(device, weights_path, capacity, &net), 0);
    // The golden lanes are the first and the last: at any capacity they must agree.
    const uint32_t places[2] = {0, capacity - 1};
    struct net_lane lanes[64] = {0};
    uint8_t forced[2][NET_FRAME_CELLS], frames[64][NET_FRAME_CELLS];
    for (int i = 0; i < 2; i++) {
        lanes[places[i]] = (struct net_lane){.active = true,
                                             .composer = rows[4 * i],
                                             .threshold = 0.5f,
                                             .forced = forced[i],
                                             .forced_count = 1};
        decode(expected[5] + (size_t)i * 256, forced[i]);
    }
    // The first frame goes in as the last one played; the state before it is zero.
    assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
    net_debug_forget(net, places[0]);
    net_debug_forget(net, places[1]);

    double state = 0, logits = 0;
    for (uint64_t step = 0; step < steps; step++) {
        for (int i = 0; i < 2; i++) {
            const float *x = expected[5] + ((size_t)step * 2 + (size_t)i) * 256;
            assert_true(difference(net, places[i], "x", x, 256) <= 1e-6);
            decode(expected[5] +
                       ((size_t)(step + 1 < steps ? step + 1 : step) * 2 + (size_t)i) * 256,
                   forced[i]);
        }
        assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 5; k++) {
                size_t at = ((size_t)step * 2 + (size_t)i) * (size_t)kinds[k].width;
                double d =
                    difference(net, places[i], kinds[k].name, expected[k] + at, kinds[k].width);
                double *most = k == 4 ? &logits : &state;
                *most = d > *most ? d : *most;
            }
    }
    printf("golden, %u lanes, %s form: largest difference of the states %.2g, of the logits %.2g\n",
           capacity, net_debug_form(net), state, logits);
    bool plain = strcmp(net_debug_form(net), "plain") == 0;
    net_free(net);
    driver_close(device);
    for (int k = 0; k < 6; k++)
        free((void *)expected[k]);
    safetensors_free(file);
    assert_true(state < STATE_TOLERANCE);
    assert_true(logits < LOGIT_TOLERANCE);
    return plain;
}

static void golden_vectors_of_pytorch(void **state)
{
    if (access(weights_path, R_OK) != 0 || access(golden_path, R_OK) != 0)
        fail_msg("no %s or no %s: export a net (models.export) and its vectors (models.golden)",
                 weights_path, golden_path);
    // The plain form takes its time on a CPU, and computes each lane by itself anyway.
    if (!golden(8))
        golden(2);
}

static uint8_t random_cell(uint32_t *seed)
{
    uint32_t draw = draws_below(seed, 16);
    return draw == 0 ? (uint8_t)(1 + draws_below(seed, 127)) : draw < 3 ? NET_CELL_HOLD : 0;
}

static void compare(const struct weights *weights, const char *path, uint32_t count, int steps)
{
    struct net *net = NULL;
    struct device *device = driver_open();
    assert_int_equal(net_new(device, path, count, &net), 0);
    struct reference *references = calloc(count, sizeof *references);
    uint8_t(*forced)[NET_FRAME_CELLS] = calloc(count, sizeof *forced);
    uint8_t(*frames)[NET_FRAME_CELLS] = calloc(count, sizeof *frames);
    struct net_lane *lanes = calloc(count, sizeof *lanes);
    assert_true(references && forced && frames && lanes);
    uint32_t seed = 7;
    double state = 0, logits = 0;
    for (int step = 0; step < steps; step++) {
        for (uint32_t i = 0; i < count; i++) {
            for (int pitch = 0; pitch < NET_FRAME_CELLS; pitch++)
                forced[i][pitch] = random_cell(&seed);
            lanes[i] = (struct net_lane){.active = true,
                                         .composer = i % weights->composers,
                                         .threshold = 0.5f,
                                         .forced = forced[i],
                                         .forced_count = 1};
            reference_step(weights, lanes[i].composer, &references[i]);
        }
        assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
        for (uint32_t i = 0; i < count; i++) {
            struct reference *r = &references[i];
            double d[] = {
                difference(net, i, "h1", r->h1, 512), difference(net, i, "c1", r->c1, 512),
                difference(net, i, "h2", r->h2, 512), difference(net, i, "c2", r->c2, 512)};
            for (int k = 0; k < 4; k++)
                state = d[k] > state ? d[k] : state;
            double l = difference(net, i, "logits", r->logits, 384);
            logits = l > logits ? l : logits;
            assert_memory_equal(frames[i], forced[i], NET_FRAME_CELLS);
            reference_encode(forced[i], r->x);
            assert_true(difference(net, i, "x", r->x, 256) <= 1e-6);
        }
    }
    printf("reference, %u lanes, %s form: largest difference of the states %.2g, of the logits "
           "%.2g\n",
           count, net_debug_form(net), state, logits);
    free(references);
    free(forced);
    free(frames);
    free(lanes);
    net_free(net);
    driver_close(device);
    assert_true(state < STATE_TOLERANCE);
    assert_true(logits < LOGIT_TOLERANCE);
}

static void plain_loops(void **state)
{
    struct weights weights;
    weights_init(&weights, 1, 3);
    const char *path = driver_scratch("random.safetensors");
    weights_write(&weights, path, false, NULL);
    static const uint32_t counts[] = {1, 2, 3, 8, 16};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        compare(&weights, path, counts[i], 4);
    weights_finish(&weights);
}

static void float32_files(void **state)
{
    struct weights weights;
    weights_init(&weights, 2, 2);
    const char *path = driver_scratch("float.safetensors");
    weights_write(&weights, path, true, NULL);
    compare(&weights, path, 1, 2);
    weights_finish(&weights);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loops),
        cmocka_unit_test(float32_files),
        cmocka_unit_test(golden_vectors_of_pytorch),
    };
    driver_choose(argc, argv);
    if (getenv("FERMATA_TEST_WEIGHTS") && getenv("FERMATA_TEST_GOLDEN")) {
        weights_path = getenv("FERMATA_TEST_WEIGHTS");
        golden_path = getenv("FERMATA_TEST_GOLDEN");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
