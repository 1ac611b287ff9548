// SPDX-License-Identifier: MIT
// What net.h promises of lanes, seeds, priming and draws of a notes net, on random weights.
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
#include "notes_weights.h"
#include "stage.h"

#define LANES 16
#define RUN (NET_RUN_NOTES * NET_NOTE_FIELDS)
#define LOGITS 319

static uint8_t notes[LANES][RUN];

static int open_net(void **state)
{
    struct notes_weights weights = {
        .width = 256, .hidden = 256, .composers = 3, .kinds = 2, .layers = 2, .windows = {16, 32}};
    notes_weights_init(&weights, 3);
    notes_weights_write(&weights, driver_scratch("net.safetensors"), NULL);
    notes_weights_finish(&weights);
    return stage_open(driver_scratch("net.safetensors"), LANES);
}

static void run(const struct net_lane lanes[LANES])
{
    assert_int_equal(net_run(net, lanes, notes[0]), 0);
}

/** The plain form takes its time on a CPU, where each lane is computed by itself. */
static bool slow(void)
{
    return strcmp(net_debug_form(net), "plain") == 0;
}

static void the_file_is_described(void **state)
{
    static const int8_t unknown[NET_CONTROLS] = {-1, -1, -1, -1, -1, -1};
    static const int8_t typical[NET_CONTROLS] = {0, 1, 7, 4, -1, -1};
    const struct net_info *info = net_info(net);
    assert_string_equal(info->name, "transformer");
    assert_int_equal(info->vocabulary, NET_NOTES);
    assert_int_equal(info->steps, NET_RUN_NOTES);
    assert_int_equal(info->token_bytes, 4);
    assert_int_equal(info->kind_count, 2);
    assert_string_equal(info->kinds[1], "k1");
    assert_int_equal(info->buckets[NET_DENSITY], 10);
    assert_int_equal(info->buckets[NET_REGISTER], 8);
    assert_int_equal(info->buckets[NET_LOUDNESS], 8);
    assert_int_equal(info->buckets[NET_POLYPHONY], 9);
    assert_int_equal(info->buckets[NET_KEY], 24);
    assert_int_equal(info->buckets[NET_CHROMA], 8);
    assert_memory_equal(info->habits[0].control, unknown, sizeof unknown);
    assert_memory_equal(info->habits[1].control, typical, sizeof typical);
    assert_null(info->habits[0].plan);
    assert_int_equal(info->habits[1].plan_count, 3);
    assert_int_equal(info->habits[1].plan[0][NET_LOUDNESS], 3);
    assert_int_equal(info->habits[1].plan[2][NET_KEY], 23);
    assert_int_equal(info->habits[1].plan[1][NET_DENSITY], NET_PLAN_GAP);
    assert_true(isnan(info->validation_loss));
    assert_true(info->temperature > 0.799 && info->temperature < 0.801);
}

static void attributes_are_found_by_name(void **state)
{
    // As many rows as the file has; one that nobody knows comes first, polyphony is missing.
    static const struct notes_flaw other = {
        .key = "control_buckets",
        .value = "{\\\"mood\\\": [1, 2, 3, 4, 5, 6, 7, 8, 9], "
                 "\\\"register\\\": [48, 54, 58, 62, 66, 70, 75], "
                 "\\\"loudness\\\": [35, 45, 55, 62, 70, 78, 88], "
                 "\\\"density\\\": [1.3, 2, 3, 4.5, 6, 8, 10.5, 14], "
                 "\\\"chroma\\\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, "
                 "19, 20, 21, 22, 23], "
                 "\\\"key\\\": [1, 2, 3, 4, 5, 6, 7]}"};
    static const uint32_t buckets[NET_CONTROLS] = {9, 8, 8, 0, 8, 24};
    static const uint8_t first[NET_CONTROLS] = {4, 2, 3, NET_PLAN_GAP, 7, 13};
    static const int8_t typical[NET_CONTROLS] = {4, 1, 7, -1, -1, -1};
    struct notes_weights weights = {
        .width = 256, .hidden = 256, .composers = 2, .kinds = 1, .layers = 1, .windows = {16}};
    struct net *named = NULL;
    notes_weights_init(&weights, 3);
    notes_weights_write(&weights, driver_scratch("named.safetensors"), &other);
    notes_weights_finish(&weights);
    assert_int_equal(net_new(device, driver_scratch("named.safetensors"), 1, &named), 0);
    const struct net_info *info = net_info(named);
    assert_memory_equal(info->buckets, buckets, sizeof buckets);
    assert_memory_equal(info->habits[1].plan[0], first, sizeof first);
    assert_memory_equal(info->habits[1].control, typical, sizeof typical);
    assert_int_equal(info->control_count, NOTES_CONTROL_ROWS);
    assert_int_equal(info->control_rows[NET_REGISTER], 10);
    assert_int_equal(info->control_rows[NET_DENSITY], 26);
    assert_int_equal(info->control_rows[NET_KEY], 59);
    net_free(named);
}

static void the_same_seed_plays_the_same(void **state)
{
    uint8_t first[2][RUN];
    struct net_lane lanes[LANES] = {lane(1, 0), lane(2, 0)};
    run(lanes);
    memcpy(first, notes, sizeof first);
    assert_memory_not_equal(first[0], first[1], RUN);
    stage_reset(NULL);
    run(lanes);
    assert_memory_equal(notes, first, sizeof first);

    // High halves of seed and step count; so does the step.
    struct net_lane others[LANES] = {lane(1 | UINT64_C(1) << 32, 0), lane(1, 1),
                                     lane(1, UINT64_C(1) << 32)};
    stage_reset(NULL);
    run(others);
    for (int i = 0; i < 3; i++)
        assert_memory_not_equal(notes[i], first[0], RUN);
}

static void runs_join_without_a_seam(void **state)
{
    uint8_t whole[4][RUN], part[LANES][RUN];
    struct net_lane lanes[LANES] = {lane(5, 100)};
    for (uint64_t i = 0; i < 4; i++) {
        lanes[0].step = 100 + i * NET_RUN_NOTES;
        run(lanes);
        memcpy(whole[i], notes[0], RUN);
    }
    stage_reset(NULL);
    static const uint32_t steps[] = {7, 2, 16, 16, 11, 12};
    for (size_t i = 0, done = 0; i < 6; i++) {
        lanes[0].step = 100 + done;
        assert_int_equal(net_debug_run(net, lanes, steps[i], part[0]), 0);
        assert_memory_equal(part[0], whole[0] + done * 4, steps[i] * 4);
        done += steps[i];
    }
}

static void a_lane_does_not_hear_the_others(void **state)
{
    uint8_t alone[3][RUN];
    struct net_lane lanes[LANES] = {[3] = lane(77, 40)};
    for (int i = 0; i < 3; i++) {
        run(lanes);
        memcpy(alone[i], notes[3], RUN);
    }
    stage_reset(NULL);
    struct net_lane crowd[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        crowd[i] = lane(i, i);
        crowd[i].composer = i % 3;
        crowd[i].kind = i % 2;
        crowd[i].control[i % 4] = (int8_t)(i % 8);
        crowd[i].threshold = 0.3f;
        crowd[i].active = !slow() || i > 11;
    }
    crowd[13] = lane(77, 40);
    for (int i = 0; i < 3; i++) {
        run(crowd);
        assert_memory_equal(notes[13], alone[i], RUN);
        assert_memory_not_equal(notes[12], alone[i], RUN);
    }
}

static void what_is_told_colours_the_music(void **state)
{
    struct net_lane lanes[LANES] = {{0}};
    const int kinds = 3 + NET_CONTROLS;
    for (int i = 0; i <= kinds; i++)
        lanes[i] = lane(4, 0);
    lanes[1].composer = 1;
    lanes[2].kind = 1;
    for (int k = 0; k < NET_CONTROLS; k++)
        lanes[3 + k].control[k] = 2;
    run(lanes);
    for (int i = 0; i < kinds; i++)
        for (int j = i + 1; j < kinds; j++)
            assert_memory_not_equal(notes[i], notes[j], RUN);
    assert_memory_equal(notes[0], notes[kinds], RUN);
}

static void inactive_lanes_stand_still(void **state)
{
    uint8_t straight[2][RUN];
    static const uint8_t nothing[RUN];
    struct net_lane lanes[LANES] = {lane(9, 0)};
    run(lanes);
    run(lanes);
    memcpy(straight[0], notes[0], RUN);
    run(lanes);
    memcpy(straight[1], notes[0], RUN);

    stage_reset(NULL);
    run(lanes);
    // Others play, some of them of the same tile, then those of another tile only, some odd number
    // of steps.
    struct net_lane others[LANES] = {[1] = lane(1, 0), [5] = lane(2, 0)};
    run(others);
    assert_memory_equal(notes[0], nothing, RUN);
    struct net_lane far[LANES] = {[12] = lane(3, 0)};
    uint8_t some[LANES][RUN];
    assert_int_equal(net_debug_run(net, far, 3, some[0]), 0);
    run(lanes);
    assert_memory_equal(notes[0], straight[0], RUN);
    run(others);
    run(lanes);
    assert_memory_equal(notes[0], straight[1], RUN);
}

static void a_reset_forgets_one_lane(void **state)
{
    uint8_t fresh[RUN], second[RUN];
    struct net_lane lanes[LANES] = {[3] = lane(21, 0), [6] = lane(22, 0)};
    run(lanes);
    memcpy(fresh, notes[3], RUN);
    run(lanes);
    memcpy(second, notes[6], RUN);
    assert_memory_not_equal(notes[3], fresh, RUN); // same draws, but it remembers

    stage_reset(NULL);
    run(lanes);
    net_reset(net, 3);
    run(lanes);
    assert_memory_equal(notes[3], fresh, RUN);
    assert_memory_equal(notes[6], second, RUN);

    // Also where the lane is not active in the run that follows.
    net_reset(net, 3);
    lanes[3].active = false;
    run(lanes);
    lanes[3].active = true;
    run(lanes);
    assert_memory_equal(notes[3], fresh, RUN);
}

static void forced_notes_come_out_and_are_heard(void **state)
{
    uint8_t phrase[RUN], free_run[RUN], after[RUN], rest[LANES][RUN];
    uint32_t seed = 1;
    for (int i = 0; i < NET_RUN_NOTES; i++)
        notes_weights_note(&seed, phrase + 4 * i);
    struct net_lane lanes[LANES] = {lane(30, 0), lane(30, 0), lane(30, 0)};
    run(lanes);
    memcpy(free_run, notes[1], RUN);
    assert_memory_equal(notes[0], notes[1], RUN);

    // All, none, and the first five of them.
    stage_reset(NULL);
    lanes[0].forced = lanes[2].forced = phrase;
    lanes[0].forced_count = NET_RUN_NOTES;
    lanes[2].forced_count = 5;
    run(lanes);
    assert_memory_equal(notes[0], phrase, RUN);
    assert_memory_equal(notes[1], free_run, RUN);
    assert_memory_equal(notes[2], phrase, 5 * 4);
    assert_memory_not_equal(notes[2] + 5 * 4, phrase + 5 * 4, 11 * 4);
    assert_memory_not_equal(notes[2] + 5 * 4, free_run + 5 * 4, 11 * 4);
    memcpy(after, notes[2] + 5 * 4, 11 * 4);
    lanes[0] = lanes[1] = lane(30, NET_RUN_NOTES);
    run(lanes);
    assert_memory_not_equal(notes[0], notes[1], RUN);

    // Composing begins in the middle of a run as it does at the beginning of one.
    stage_reset(NULL);
    struct net_lane split[LANES] = {lane(1, 0)};
    split[0].forced = phrase;
    split[0].forced_count = 5;
    assert_int_equal(net_debug_run(net, split, 5, rest[0]), 0);
    split[0] = lane(30, 5);
    assert_int_equal(net_debug_run(net, split, 11, rest[0]), 0);
    assert_memory_equal(rest[0], after, 11 * 4);
}

static bool allowed(int field, int row)
{
    return field == 0 ? row <= 80 : field == 1 ? row >= 21 && row <= 108 : true;
}

/** What the rules of net.h make of a field's logits: probabilities of each row. */
static void expect(const float *logits, int field, const struct net_lane *l, double *ret_p)
{
    int size = (int)notes_sizes[field];
    double best = -1e30, total = 0, off = 2 * (double)l->threshold - 1;
    double scale = (off < 0 ? 1 / (1 - 0.4 * off) : 1) / net_info(net)->temperature;
    for (int i = 0; i < size; i++)
        if (allowed(field, i) && logits[i] > best)
            best = logits[i];
    for (int i = 0; i < size; i++) {
        ret_p[i] = allowed(field, i) ? exp((logits[i] - best) * scale) : 0;
        if (off > 0 && ret_p[i] < 0.2 * off * off)
            ret_p[i] = 0;
        if (l->sampling == NET_HARD)
            ret_p[i] = ret_p[i] == 1;
        total += ret_p[i];
    }
    for (int i = 0; i < size; i++)
        ret_p[i] /= total;
}

/**
 * Draws are looked at through the distribution that their own logits say they have: the place of
 * each draw in it, likeliest first, with a random number where it falls on a step, is uniform,
 * whatever the logits are.
 */
static void uniform(float threshold, enum net_sampling sampling)
{
    const int trials = slow() ? 16 : 100;
    int bins[4][10] = {{0}}, dropped = 0;
    double twice = 0, twice_expected = 0, twice_variance = 0;
    uint32_t random = 5;
    struct net_lane lanes[LANES];
    for (int trial = 0; trial < trials; trial++) {
        for (uint32_t i = 0; i < LANES; i++) {
            lanes[i] = lane(1000 + i, (uint64_t)trial);
            lanes[i].composer = i % 3;
            lanes[i].threshold = threshold;
            lanes[i].sampling = sampling;
        }
        assert_int_equal(net_debug_run(net, lanes, 1, notes[0]), 0);
        for (uint32_t i = 0; i < LANES; i++) {
            const uint8_t *note = notes[0] + 4 * i; // runs of one step lie closer
            float logits[LOGITS], *row = logits;
            double p[128];
            assert_int_equal(net_debug_peek(net, i, "logits", logits, LOGITS), LOGITS);
            for (int k = 0; k < 4; row += notes_sizes[k], k++) {
                double before = 0;
                expect(row, k, &lanes[i], p);
                assert_true(note[k] < notes_sizes[k] && allowed(k, note[k]));
                assert_true(p[note[k]] > 0);
                for (int j = 0; j < (int)notes_sizes[k]; j++) {
                    bool likelier = p[j] > p[note[k]] || (p[j] == p[note[k]] && j < note[k]);
                    before += likelier ? p[j] : 0;
                    dropped += p[j] == 0;
                }
                double u = before + p[note[k]] * (draws_below(&random, 65536) + 0.5) / 65536;
                bins[k][u >= 1 ? 9 : (int)(u * 10)]++;
                if (k > 0 && note[k - 1] < notes_sizes[k]) {
                    double again = p[note[k - 1]];
                    twice += note[k] == note[k - 1];
                    twice_expected += again;
                    twice_variance += again * (1 - again);
                }
            }
        }
    }
    for (int k = 0; k < 4; k++) {
        double n = trials * LANES / 10.0, chi = 0;
        for (int b = 0; b < 10; b++)
            chi += (bins[k][b] - n) * (bins[k][b] - n) / n;
        // With 9 degrees of freedom; once in 10^6 by chance, and the draws are always the same.
        printf("threshold %.2g, field %d: chi square %.1f\n", (double)threshold, k, chi);
        assert_true(sampling == NET_HARD || chi < 45);
    }
    // Fields that drew with the same random numbers would agree too often.
    double deviation = (twice - twice_expected) / sqrt(twice_variance + 1e-9);
    printf("the same row in two fields: %.0f times, expected %.1f\n", twice, twice_expected);
    assert_true(sampling == NET_HARD || fabs(deviation) < 4);
    printf("%d of %d rows could not be drawn\n", dropped, trials * LANES * LOGITS);
}

static void draws_have_the_probability_of_the_net(void **state)
{
    uniform(0.5f, NET_SAMPLE);
}

static void a_higher_threshold_drops_the_unlikely(void **state)
{
    uniform(0.95f, NET_SAMPLE);
}

static void a_lower_threshold_is_bolder(void **state)
{
    uniform(0.0f, NET_SAMPLE);
}

static void hard_mode_takes_the_likeliest(void **state)
{
    uniform(0.5f, NET_HARD);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_file_is_described, stage_reset),
        cmocka_unit_test_setup(attributes_are_found_by_name, stage_reset),
        cmocka_unit_test_setup(the_same_seed_plays_the_same, stage_reset),
        cmocka_unit_test_setup(runs_join_without_a_seam, stage_reset),
        cmocka_unit_test_setup(a_lane_does_not_hear_the_others, stage_reset),
        cmocka_unit_test_setup(what_is_told_colours_the_music, stage_reset),
        cmocka_unit_test_setup(inactive_lanes_stand_still, stage_reset),
        cmocka_unit_test_setup(a_reset_forgets_one_lane, stage_reset),
        cmocka_unit_test_setup(forced_notes_come_out_and_are_heard, stage_reset),
        cmocka_unit_test_setup(draws_have_the_probability_of_the_net, stage_reset),
        cmocka_unit_test_setup(a_higher_threshold_drops_the_unlikely, stage_reset),
        cmocka_unit_test_setup(a_lower_threshold_is_bolder, stage_reset),
        cmocka_unit_test_setup(hard_mode_takes_the_likeliest, stage_reset),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, open_net, stage_close);
}
