// SPDX-License-Identifier: MIT
// What net.h promises of lanes, seeds, thresholds and priming, on random weights; and what a bad
// weights file or a lost device comes to.
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "driver.h"
#include "stage.h"
#include "weights.h"

#define LANES 16
#define RUN (NET_RUN_STEPS * NET_FRAME_CELLS)

static uint8_t frames[LANES][RUN];

static const char *file(void)
{
    return driver_scratch("net.safetensors");
}

static int open_net(void **state)
{
    struct weights weights;
    weights_init(&weights, 3, 3);
    weights_write(&weights, file(), false, NULL);
    weights_finish(&weights);
    return stage_open(file(), LANES);
}

static void run(const struct net_lane lanes[LANES])
{
    assert_int_equal(net_run(net, lanes, frames[0]), 0);
}

/** The plain form takes its time on a CPU, where each lane is computed by itself. */
static bool slow(void)
{
    return strcmp(net_debug_form(net), "plain") == 0;
}

static int onsets(const uint8_t *cells, size_t count)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        found += cells[i] > 0 && cells[i] < NET_CELL_HOLD;
    return found;
}

static void the_file_is_described(void **state)
{
    const struct net_info *info = net_info(net);
    assert_string_equal(info->name, "lstm");
    assert_string_equal(info->family, "test");
    assert_string_equal(info->licence, "MIT");
    assert_int_equal(info->composer_count, 3);
    assert_string_equal(info->composers[2], "c2");
    assert_int_equal(info->offered_count, 1);
    assert_string_equal(info->offered[0], "c1");
    assert_true(info->validation_loss == 1.25);
    assert_int_equal(info->lanes, LANES);
    assert_int_equal(net_find_composer(net, "c1"), 1);
    assert_int_equal(net_find_composer(net, "nobody"), -ENOENT);
}

static void the_same_seed_plays_the_same(void **state)
{
    uint8_t first[2][RUN];
    struct net_lane lanes[LANES] = {lane(1, 0), lane(2, 0)};
    run(lanes);
    memcpy(first, frames, sizeof first);
    assert_true(onsets(first[0], RUN) > 20);
    assert_memory_not_equal(first[0], first[1], RUN);

    stage_reset(NULL);
    run(lanes);
    assert_memory_equal(frames, first, sizeof first);

    // High halves of seed and step count; so does the step.
    struct net_lane others[LANES] = {lane(1 | UINT64_C(1) << 32, 0), lane(1, 1),
                                     lane(1, UINT64_C(1) << 32)};
    stage_reset(NULL);
    run(others);
    for (int i = 0; i < 3; i++)
        assert_memory_not_equal(frames[i], first[0], RUN);
}

static void runs_join_without_a_seam(void **state)
{
    uint8_t whole[RUN], part[LANES][RUN];
    struct net_lane lanes[LANES] = {lane(5, 100)};
    run(lanes);
    memcpy(whole, frames[0], RUN);

    stage_reset(NULL);
    static const uint32_t steps[] = {7, 2, 11};
    for (size_t i = 0, done = 0; i < 3; i++) {
        lanes[0].step = 100 + done;
        assert_int_equal(net_debug_run(net, lanes, steps[i], part[0]), 0);
        assert_memory_equal(part[0], whole + done * NET_FRAME_CELLS, steps[i] * NET_FRAME_CELLS);
        done += steps[i];
    }
}

static void a_lane_does_not_hear_the_others(void **state)
{
    uint8_t alone[RUN];
    struct net_lane lanes[LANES] = {[3] = lane(77, 40)};
    run(lanes);
    memcpy(alone, frames[3], RUN);
    assert_true(onsets(alone, RUN) > 20);

    stage_reset(NULL);
    struct net_lane crowd[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        crowd[i] = lane(i, i);
        crowd[i].composer = i % 3;
        crowd[i].threshold = 0.3f;
        crowd[i].active = !slow() || i > 11;
    }
    crowd[13] = lane(77, 40);
    run(crowd);
    assert_memory_equal(frames[13], alone, RUN);
    assert_memory_not_equal(frames[12], alone, RUN);
}

static void composers_differ(void **state)
{
    struct net_lane lanes[LANES] = {lane(4, 0), lane(4, 0), lane(4, 0)};
    lanes[1].composer = 1;
    lanes[2].composer = 1;
    run(lanes);
    assert_memory_not_equal(frames[0], frames[1], RUN);
    assert_memory_equal(frames[1], frames[2], RUN);
}

static void peek_all(uint32_t i, float ret_values[5][512])
{
    static const char *const names[] = {"h1", "c1", "h2", "c2", "x"};
    memset(ret_values, 0, 5 * sizeof ret_values[0]);
    for (int k = 0; k < 5; k++)
        assert_int_equal(net_debug_peek(net, i, names[k], ret_values[k], 512), k < 4 ? 512 : 256);
}

static void inactive_lanes_stand_still(void **state)
{
    float before[5][512], after[5][512];
    uint8_t straight[RUN];
    struct net_lane lanes[LANES] = {lane(9, 0)};
    run(lanes);
    lanes[0].step = NET_RUN_STEPS;
    run(lanes);
    memcpy(straight, frames[0], RUN);

    stage_reset(NULL);
    lanes[0].step = 0;
    run(lanes);
    peek_all(0, before);
    // Others play, some of them of the same tile, then those of another tile only, some odd number
    // of steps.
    static const uint8_t silence[RUN];
    struct net_lane others[LANES] = {[1] = lane(1, 0), [5] = lane(2, 0)};
    run(others);
    assert_memory_equal(frames[0], silence, RUN);
    struct net_lane far[LANES] = {[12] = lane(3, 0)};
    uint8_t some[LANES][RUN];
    assert_int_equal(net_debug_run(net, far, 3, some[0]), 0);
    peek_all(0, after);
    assert_memory_equal(before, after, sizeof before);

    lanes[0].step = NET_RUN_STEPS;
    run(lanes);
    assert_memory_equal(frames[0], straight, RUN);
}

static void a_reset_forgets_one_lane(void **state)
{
    uint8_t fresh[RUN], second[RUN];
    struct net_lane lanes[LANES] = {[3] = lane(21, 0), [6] = lane(22, 0)};
    run(lanes);
    memcpy(fresh, frames[3], RUN);
    lanes[6].step = NET_RUN_STEPS;
    run(lanes);
    memcpy(second, frames[6], RUN);
    assert_memory_not_equal(frames[3], fresh, RUN); // same draws, but it remembers

    stage_reset(NULL);
    lanes[6].step = 0;
    run(lanes);
    net_reset(net, 3);
    lanes[6].step = NET_RUN_STEPS;
    run(lanes);
    assert_memory_equal(frames[3], fresh, RUN);
    assert_memory_equal(frames[6], second, RUN);

    // Also where the lane is not active in the run that follows.
    net_reset(net, 3);
    lanes[3].active = false;
    run(lanes);
    float values[5][512], zero[5][512] = {{0}};
    peek_all(3, values);
    assert_memory_equal(values, zero, sizeof zero);
    lanes[3].active = true;
    run(lanes);
    assert_memory_equal(frames[3], fresh, RUN);
}

static void forced_frames_come_out_and_are_heard(void **state)
{
    uint8_t phrase[RUN], free_run[RUN];
    for (size_t i = 0; i < RUN; i++)
        phrase[i] = i % 37 == 0 ? (uint8_t)(1 + i % 127) : i % 41 == 0 ? NET_CELL_HOLD : 0;
    struct net_lane lanes[LANES] = {lane(30, 0), lane(30, 0)};
    run(lanes);
    memcpy(free_run, frames[1], RUN);
    assert_memory_equal(frames[0], frames[1], RUN);

    stage_reset(NULL);
    lanes[0].forced = phrase;
    lanes[0].forced_count = NET_RUN_STEPS;
    run(lanes);
    assert_memory_equal(frames[0], phrase, RUN);
    assert_memory_equal(frames[1], free_run, RUN);

    lanes[0] = lanes[1] = lane(30, NET_RUN_STEPS);
    run(lanes);
    assert_memory_not_equal(frames[0], frames[1], RUN);
}

static void a_higher_threshold_plays_less(void **state)
{
    static const float thresholds[] = {0.1f, 0.3f, 0.5f, 0.7f, 0.9f};
    int found[5] = {0};
    struct net_lane lanes[LANES] = {{0}};
    const uint64_t steps = slow() ? NET_RUN_STEPS : 3 * NET_RUN_STEPS;
    for (uint64_t step = 0; step < steps; step += NET_RUN_STEPS) {
        for (uint32_t i = 0; i < 5; i++) {
            lanes[i] = lane(50, step);
            lanes[i].threshold = thresholds[i];
        }
        run(lanes);
        for (int i = 0; i < 5; i++)
            found[i] += onsets(frames[i], RUN);
    }
    for (int i = 1; i < 5; i++)
        assert_true(found[i] < found[i - 1]);
    assert_true(found[4] > 0);
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/** Primes lanes 0 to count - 1 with `frame` and nothing before it. */
static void hear(const uint8_t frame[NET_FRAME_CELLS], uint32_t count)
{
    struct net_lane lanes[LANES] = {{0}};
    for (uint32_t i = 0; i < count; i++) {
        lanes[i] = lane(0, 0);
        lanes[i].forced = frame;
        lanes[i].forced_count = 1;
    }
    assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
    for (uint32_t i = 0; i < count; i++)
        net_debug_forget(net, i);
}

static void some_frame(uint8_t ret_frame[NET_FRAME_CELLS])
{
    for (int pitch = 0; pitch < NET_FRAME_CELLS; pitch++)
        ret_frame[pitch] = pitch % 3 == 0 ? NET_CELL_HOLD : pitch % 7 == 0 ? 64 : 0;
}

static void hard_mode_obeys_the_threshold(void **state)
{
    uint8_t frame[NET_FRAME_CELLS];
    some_frame(frame);
    static const float thresholds[] = {0.02f, 0.1f, 0.3f, 0.5f};
    int struck = 0, held = 0, off = 0;
    for (int t = 0; t < 4; t++) {
        stage_reset(NULL);
        hear(frame, 2);
        struct net_lane lanes[LANES] = {lane(1, 0), lane(2, 0)};
        for (int i = 0; i < 2; i++) {
            lanes[i].sampling = NET_HARD;
            lanes[i].threshold = thresholds[t];
        }
        assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
        assert_memory_equal(frames[0], frames[0] + NET_FRAME_CELLS, NET_FRAME_CELLS);
        float logits[384];
        assert_int_equal(net_debug_peek(net, 0, "logits", logits, 384), 384);
        for (int pitch = 0; pitch < NET_FRAME_CELLS; pitch++) {
            uint8_t cell = frames[0][pitch];
            float sustain = sigmoid(logits[pitch]), onset = sigmoid(logits[128 + pitch]);
            bool key = pitch >= 21 && pitch <= 108;
            if (key && onset > thresholds[t] + 1e-5f) {
                float velocity = 127 * sigmoid(logits[256 + pitch]);
                assert_true(cell >= 1 && cell <= 127 && fabsf((float)cell - velocity) < 0.51f);
                struck++;
            } else if (key && onset < thresholds[t] - 1e-5f && frame[pitch] &&
                       sustain > thresholds[t] + 1e-5f) {
                assert_int_equal(cell, NET_CELL_HOLD);
                held++;
            } else if (!key || (onset < thresholds[t] - 1e-5f &&
                                (!frame[pitch] || sustain < thresholds[t] - 1e-5f))) {
                assert_int_equal(cell, NET_CELL_OFF);
                off++;
            }
        }
    }
    assert_true(struck > 10 && held > 10 && off > 100);
}

static void draws_have_the_probability_of_the_net(void **state)
{
    const uint64_t trials = slow() ? 6 : 24;
    uint8_t frame[NET_FRAME_CELLS];
    int struck[128] = {0}, held[128] = {0};
    double velocities = 0, squares = 0, expected_velocity = 0;
    float logits[384];
    some_frame(frame);
    for (uint64_t trial = 0; trial < trials; trial++) {
        struct net_lane lanes[LANES];
        hear(frame, LANES);
        for (uint32_t i = 0; i < LANES; i++)
            lanes[i] = lane(1000 + i, trial);
        assert_int_equal(net_debug_run(net, lanes, 1, frames[0]), 0);
        if (trial == 0)
            assert_int_equal(net_debug_peek(net, 0, "logits", logits, 384), 384);
        for (int i = 0; i < LANES * NET_FRAME_CELLS; i++) {
            int pitch = i % NET_FRAME_CELLS;
            uint8_t cell = frames[0][i];
            if (cell == NET_CELL_HOLD) {
                held[pitch]++;
            } else if (cell != NET_CELL_OFF) {
                struck[pitch]++;
                double mean = 127 * sigmoid(logits[256 + pitch]);
                velocities += cell;
                expected_velocity += mean;
                squares += (cell - mean) * (cell - mean);
            }
        }
    }

    // Five standard deviations of a binomial, for 88 keys and two kinds of event.
    const double n = (double)trials * LANES;
    double all = 0, all_expected = 0, all_variance = 0;
    double all_held = 0, held_expected = 0, held_variance = 0;
    for (int pitch = 0; pitch < NET_FRAME_CELLS; pitch++) {
        double onset = sigmoid(logits[128 + pitch]);
        double hold = frame[pitch] ? (1 - onset) * sigmoid(logits[pitch]) : 0;
        if (pitch < 21 || pitch > 108)
            onset = hold = 0;
        assert_true(fabs(struck[pitch] - n * onset) <= 5 * sqrt(n * onset * (1 - onset)) + 1e-3);
        assert_true(fabs(held[pitch] - n * hold) <= 5 * sqrt(n * hold * (1 - hold)) + 1e-3);
        all += struck[pitch];
        all_expected += n * onset;
        all_variance += n * onset * (1 - onset);
        all_held += held[pitch];
        held_expected += n * hold;
        held_variance += n * hold * (1 - hold);
    }
    assert_true(fabs(all - all_expected) < 3.5 * sqrt(all_variance));
    assert_true(fabs(all_held - held_expected) < 3.5 * sqrt(held_variance));
    // Velocities spread by half of velocity_sigma, 0.05 * 127, around the net's mean.
    assert_true(all > 300);
    assert_true(fabs(velocities - expected_velocity) / all < 1.0);
    assert_true(fabs(sqrt(squares / all) - 0.05 * 127) < 0.6);
}

static void broken_files_are_refused(void **state)
{
    static const char *const broken[] = {"lstm1.weight",   "lstm2.bias",    "dense1.composer",
                                         "-dense3.weight", "-lstm1.weight", "dense2.weight"};
    struct weights weights;
    struct net *other = NULL;
    weights_init(&weights, 3, 3);
    const char *path = driver_scratch("broken.safetensors");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        weights_write(&weights, path, false, broken[i]);
        assert_int_equal(net_new(device, path, 1, &other), -EBADMSG);
        assert_null(other);
    }
    weights_finish(&weights);
    assert_int_equal(net_new(device, driver_scratch("nowhere"), 1, &other), -ENOENT);
}

static void a_lost_device_says_so(void **state)
{
    uint8_t untouched[LANES][RUN];
    struct net_lane lanes[LANES] = {lane(1, 0)};
    memset(frames, 0xee, sizeof frames);
    memcpy(untouched, frames, sizeof frames);
    assert_false(device_is_lost(device));
    device_lose(device);
    assert_int_equal(net_run(net, lanes, frames[0]), -ENODEV);
    assert_true(device_is_lost(device));
    assert_memory_equal(frames, untouched, sizeof frames);

    // Opened anew, it plays on.
    net_free(net);
    net = NULL;
    driver_close(device);
    assert_int_equal(open_net(NULL), 0);
    run(lanes);
    assert_true(onsets(frames[0], RUN) > 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_file_is_described, stage_reset),
        cmocka_unit_test_setup(the_same_seed_plays_the_same, stage_reset),
        cmocka_unit_test_setup(runs_join_without_a_seam, stage_reset),
        cmocka_unit_test_setup(a_lane_does_not_hear_the_others, stage_reset),
        cmocka_unit_test_setup(composers_differ, stage_reset),
        cmocka_unit_test_setup(inactive_lanes_stand_still, stage_reset),
        cmocka_unit_test_setup(a_reset_forgets_one_lane, stage_reset),
        cmocka_unit_test_setup(forced_frames_come_out_and_are_heard, stage_reset),
        cmocka_unit_test_setup(a_higher_threshold_plays_less, stage_reset),
        cmocka_unit_test_setup(hard_mode_obeys_the_threshold, stage_reset),
        cmocka_unit_test_setup(draws_have_the_probability_of_the_net, stage_reset),
        cmocka_unit_test_setup(broken_files_are_refused, stage_reset),
        cmocka_unit_test_setup(a_lost_device_says_so, stage_reset),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, open_net, stage_close);
}
