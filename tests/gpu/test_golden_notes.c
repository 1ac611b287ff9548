// SPDX-License-Identifier: MIT
// The transformer's kernels against PyTorch's golden vectors of the weights that are shipped
// (models.golden_transformer), along a sequence that is longer than the largest window.
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
#include "driver.h"

#define LOGITS 319

// Keys and values are kept as bfloat16, where PyTorch's are fp32; all else is fp32 on both sides.
// Differences of the logits count relative to values above 1; divergence is that of the four draws
// of a note, in nats. Measured: random weights 0.004 and 3e-7, trained ones 0.03 and 2e-5; a
// wrong index or phase makes more than 0.5.
#define TOLERANCE 0.1
#define DIVERGENCE 3e-4

// FERMATA_TEST_WEIGHTS and FERMATA_TEST_GOLDEN in the environment name another pair.
static const char *weights_path = FERMATA_WEIGHTS;
static const char *golden_path = FERMATA_GOLDEN;
static bool is_plain; // the form that is asked for

/** A tensor [2, notes, width] of 32-bit values. */
static const struct safetensors_tensor *tensor_of(const struct safetensors *file, const char *name)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->shape[0], 2);
    return tensor;
}

static int32_t whole(const struct safetensors_tensor *tensor, uint64_t index)
{
    int32_t value;
    assert_int_equal(tensor->type, SAFETENSORS_I32);
    assert_true(index < tensor->elements);
    memcpy(&value, (const uint8_t *)tensor->data + 4 * index, sizeof value);
    return value;
}

/** What is lost by drawing as one set of logits says in place of the other, nats. */
static double divergence(const float *logits, const double *wanted, uint64_t count)
{
    double most = -INFINITY, total = 0, wanted_most = -INFINITY, wanted_total = 0, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        most = fmax(most, logits[i]);
        wanted_most = fmax(wanted_most, wanted[i]);
    }
    for (uint64_t i = 0; i < count; i++) {
        total += exp(logits[i] - most);
        wanted_total += exp(wanted[i] - wanted_most);
    }
    for (uint64_t i = 0; i < count; i++) {
        double p = wanted[i] - wanted_most - log(wanted_total);
        sum += exp(p) * (p - (logits[i] - most - log(total)));
    }
    return sum;
}

static void golden(uint32_t capacity)
{
    static const char *const names[4] = {"logits0", "logits1", "logits2", "logits3"};
    struct safetensors *file = NULL;
    assert_int_equal(safetensors_new(golden_path, &file), 0);
    const struct safetensors_tensor *tuples = tensor_of(file, "tuples"), *expected[4];
    for (int k = 0; k < 4; k++)
        expected[k] = tensor_of(file, names[k]);
    const uint64_t count = tuples->shape[1];
    const struct safetensors_tensor *control = tensor_of(file, "control");
    assert_true(count > 0 && control->shape[1] <= NET_CONTROLS);

    struct net *net = NULL;
    struct device *device = driver_open();
    assert_int_equal(net_new(device, weights_path, capacity, &net), 0);
    // The golden lanes are the first and the last: at any capacity they must agree.
    const uint32_t places[2] = {0, capacity - 1};
    const int golden_lanes = capacity == 1 ? 1 : 2;
    struct net_lane lanes[64] = {0};
    uint8_t forced[2][4], notes[64][4];
    double most[4] = {0}, lost = 0;
    for (uint64_t step = 0; step < count; step++) {
        for (int i = 0; i < golden_lanes; i++) {
            struct net_lane *lane = &lanes[places[i]];
            *lane = (struct net_lane){
                .active = true,
                .composer = (uint32_t)whole(tensor_of(file, "composer"), (uint64_t)i),
                .kind = (uint32_t)whole(tensor_of(file, "kind"), (uint64_t)i),
                .threshold = 0.5f,
                .forced = forced[i],
                .forced_count = 1,
            };
            memset(lane->control, -1, sizeof lane->control);
            for (uint64_t k = 0; k < control->shape[1]; k++)
                lane->control[k] = (int8_t)whole(control, (uint64_t)i * control->shape[1] + k);
            for (uint64_t k = 0; k < 4; k++)
                forced[i][k] = (uint8_t)whole(tuples, ((uint64_t)i * count + step) * 4 + k);
        }
        assert_int_equal(net_debug_run(net, lanes, 1, notes[0]), 0);
        for (int i = 0; i < golden_lanes; i++) {
            float logits[LOGITS], *row = logits;
            assert_memory_equal(notes[places[i]], forced[i], 4);
            assert_int_equal(net_debug_peek(net, places[i], "logits", logits, LOGITS), LOGITS);
            for (int k = 0; k < 4; k++) {
                uint64_t size = expected[k]->shape[2];
                double wanted[128];
                assert_true(size <= 128);
                for (uint64_t c = 0; c < size; c++) {
                    wanted[c] =
                        safetensors_float(expected[k], ((uint64_t)i * count + step) * size + c);
                    double d = fabs(row[c] - wanted[c]) / fmax(1, fabs(wanted[c]));
                    assert_false(isnan(d));
                    most[k] = d > most[k] ? d : most[k];
                }
                lost += divergence(row, wanted, size) / (double)(count * (uint64_t)golden_lanes);
                row += size;
            }
        }
    }
    printf("%s, %u lanes, %s form: %.0f notes of PyTorch: largest differences of the logits %.3g "
           "%.3g %.3g %.3g, divergence %.2g nats a note\n",
           golden_path, capacity, net_debug_form(net), (double)count, most[0], most[1], most[2],
           most[3], lost);
    net_free(net);
    driver_close(device);
    safetensors_free(file);
    for (int k = 0; k < 4; k++)
        assert_true(most[k] < TOLERANCE);
    assert_true(lost < DIVERGENCE);
}

static void golden_vectors_of_pytorch(void **state)
{
    // The plain form takes its time on a CPU, and computes each lane by itself: one is enough.
    if (is_plain) {
        golden(1);
        return;
    }
    golden(9);
    golden(2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors_of_pytorch),
    };
    driver_choose(argc, argv);
    is_plain = argc > 2 && strcmp(argv[2], "plain") == 0;
    const char *weights = getenv("FERMATA_TEST_WEIGHTS"), *vectors = getenv("FERMATA_TEST_GOLDEN");
    if (weights && vectors) {
        weights_path = weights;
        golden_path = vectors;
    }
    if (access(weights_path, R_OK) < 0) {
        printf("skipped: no weights %s\n", weights_path);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
