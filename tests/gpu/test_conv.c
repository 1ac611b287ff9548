// SPDX-License-Identifier: MIT
// conv1d and wavenet: the kernels beside plain C loops over all that was heard, on random weights;
// lanes, runs, resets and priming; files that do not fit. Where FERMATA_TEST_WEIGHTS and
// FERMATA_TEST_GOLDEN name a net and PyTorch's vectors of it (golden_conv.sh), these instead.
#include <errno.h>
#include <fcntl.h>
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
#include "conv_reference.h"
#include "conv_weights.h"
#include "draws.h"
#include "driver.h"
#include "reference.h"
#include "stage.h"

#define COMPOSERS 3
#define RUN (NET_RUN_STEPS * NET_FRAME_CELLS)

// Relative to values above 1. Measured on lavapipe and SwiftShader: 2e-6, and 2e-5 to what PyTorch
// makes in float32; a wrong frame of the past, gate or sum makes more than 0.3.
#define TOLERANCE 2e-4

static const char *const nets[] = {"conv1d", "wavenet"};

static const char *file(const char *name)
{
    char path[40];
    snprintf(path, sizeof path, "%s.safetensors", name);
    return driver_scratch(path);
}

static int write_files(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct conv_weights weights;
        conv_weights_init(&weights, nets[i], 3, COMPOSERS);
        conv_weights_write(&weights, file(nets[i]), NULL);
        conv_weights_finish(&weights);
    }
    return 0;
}

static void some_frames(uint32_t *seed, uint32_t count, uint8_t *ret_cells)
{
    for (uint32_t i = 0; i < count * NET_FRAME_CELLS; i++) {
        uint32_t draw = draws_below(seed, 32);
        ret_cells[i] = draw == 0  ? (uint8_t)(1 + draws_below(seed, 127))
                       : draw < 4 ? NET_CELL_HOLD
                                  : 0;
    }
}

/** The plain form takes its time on a CPU, where each lane is computed by itself. */
static bool slow(void)
{
    return strcmp(net_debug_form(net), "plain") == 0;
}

/** Largest difference of a lane's logits. */
static double difference(uint32_t at, const float expected[384])
{
    float logits[384];
    double most = 0;
    assert_int_equal(net_debug_peek(net, at, "logits", logits, 384), 384);
    for (int i = 0; i < 384; i++) {
        double d =
            fabs((double)logits[i] - (double)expected[i]) / fmax(1, fabs((double)expected[i]));
        assert_false(isnan(d));
        most = d > most ? d : most;
    }
    return most;
}

/** A lane that the reference follows. */
struct witness {
    uint32_t lane;
    struct conv_reference *reference;
    float x[256], logits[384];
};

static void hear(struct witness *witness, uint32_t composer, const uint8_t *cells, uint32_t steps)
{
    for (uint32_t step = 0; step < steps; step++) {
        conv_reference_step(witness->reference, composer, witness->x, witness->logits);
        reference_encode(cells + (size_t)step * NET_FRAME_CELLS, witness->x);
    }
}

/** Lanes that are told frames, pausing and being reset now and then, so that each is somewhere else
 * in its past; the first, the last and one between are compared. */
static void compare(const char *kind, uint32_t count, int runs)
{
    static uint8_t forced[64][RUN], out[64 * RUN];
    struct conv_weights weights;
    struct net_lane lanes[64];
    struct witness witnesses[3] = {{.lane = 0}, {.lane = count / 2}, {.lane = count - 1}};
    conv_weights_init(&weights, kind, 3, COMPOSERS);
    assert_int_equal(stage_open(file(kind), count), 0);
    for (int w = 0; w < 3; w++)
        witnesses[w].reference = conv_reference_new(&weights);
    if (slow()) // still longer than any ring, and ending at odd steps
        runs = count == 1 ? 15 : count == 3 ? 4 : 0;
    uint32_t seed = 7 + count;
    double most = 0;
    for (int run = 0; run < runs; run++) {
        // Whole runs for speed, broken ones so that they also end at odd steps.
        uint32_t steps = run % 4 == 3 ? 1 + draws_below(&seed, NET_RUN_STEPS) : NET_RUN_STEPS;
        for (uint32_t i = 0; i < count; i++) {
            some_frames(&seed, steps, forced[i]);
            lanes[i] = (struct net_lane){.active = run == 0 || draws_below(&seed, 6) > 0,
                                         .composer = draws_below(&seed, COMPOSERS),
                                         .threshold = 0.5f,
                                         .forced = forced[i],
                                         .forced_count = steps};
            bool reset = i > 0 && draws_below(&seed, 12) == 0;
            if (reset)
                net_reset(net, i);
            for (int w = 0; w < 3; w++)
                if (reset && witnesses[w].lane == i) {
                    conv_reference_reset(witnesses[w].reference);
                    memset(witnesses[w].x, 0, sizeof witnesses[w].x);
                }
        }
        assert_int_equal(net_debug_run(net, lanes, steps, out), 0);
        for (int w = 0; w < 3; w++) {
            uint32_t i = witnesses[w].lane;
            if (!lanes[i].active)
                continue;
            assert_memory_equal(out + (size_t)i * steps * NET_FRAME_CELLS, forced[i],
                                (size_t)steps * NET_FRAME_CELLS);
            hear(&witnesses[w], lanes[i].composer, forced[i], steps);
            double d = difference(i, witnesses[w].logits);
            most = d > most ? d : most;
        }
    }
    printf("%s, %u lanes, %s form: largest difference of the logits %.2g\n", kind, count,
           net_debug_form(net), most);
    for (int w = 0; w < 3; w++)
        conv_reference_free(witnesses[w].reference);
    stage_close(NULL);
    conv_weights_finish(&weights);
    assert_true(most < TOLERANCE);
}

static void plain_loops(void **state)
{
    static const uint32_t counts[] = {2, 3, 64};
    for (int i = 0; i < 2; i++) {
        compare(nets[i], 1, 24); // longer than any ring
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
            compare(nets[i], counts[k], 4);
    }
}

#define LANES 16

static uint8_t frames[LANES][RUN];

static int onsets(const uint8_t *cells)
{
    int found = 0;
    for (int i = 0; i < RUN; i++)
        found += cells[i] > 0 && cells[i] < NET_CELL_HOLD;
    return found;
}

/** Lane 3 by itself, `runs` runs; the last one's frames. */
static void play_alone(int runs, uint8_t ret_frames[RUN])
{
    struct net_lane lanes[LANES] = {{0}};
    net_reset(net, 3);
    for (int run = 0; run < runs; run++) {
        lanes[3] = lane(77, (uint64_t)run * NET_RUN_STEPS);
        assert_int_equal(net_run(net, lanes, frames[0]), 0);
    }
    memcpy(ret_frames, frames[3], RUN);
}

static void lanes_are_alone(const char *kind)
{
    static uint8_t alone[RUN], again[RUN], fresh[RUN];
    struct net_lane lanes[LANES] = {{0}};
    assert_int_equal(stage_open(file(kind), LANES), 0);
    assert_string_equal(net_info(net)->name, kind);
    play_alone(1, fresh);
    play_alone(3, alone);
    assert_true(onsets(alone) > 20);
    assert_memory_not_equal(alone, fresh, RUN);

    // A reset makes new: as often as one likes the same.
    play_alone(1, again);
    assert_memory_equal(again, fresh, RUN);

    // The others play as well, from elsewhere in their pasts, in another place, with pauses.
    for (int run = 0; run < 5; run++) {
        bool mine = run != 1 && run != 3;
        uint64_t at = (uint64_t)(run / 2) * NET_RUN_STEPS;
        for (uint32_t i = 0; i < LANES; i++) {
            lanes[i] = lane(i, 100);
            lanes[i].composer = i % COMPOSERS;
        }
        lanes[13] = lane(77, at);
        lanes[13].active = mine;
        lanes[2].active = run % 2;
        for (uint32_t i = 3; slow() && i < 12; i++)
            lanes[i].active = false;
        if (run == 2)
            net_reset(net, 12);
        assert_int_equal(net_run(net, lanes, frames[0]), 0);
    }
    assert_memory_equal(frames[13], alone, RUN);
    assert_memory_not_equal(frames[12], alone, RUN);
    assert_memory_not_equal(frames[14], alone, RUN);
    stage_close(NULL);
}

static void runs_join(const char *kind)
{
    static uint8_t whole[RUN], part[LANES * RUN];
    static const uint32_t steps[] = {7, 2, 11};
    struct net_lane lanes[LANES] = {lane(5, 100)};
    assert_int_equal(stage_open(file(kind), LANES), 0);
    assert_int_equal(net_run(net, lanes, frames[0]), 0);
    memcpy(whole, frames[0], RUN);
    net_reset(net, 0);
    for (size_t i = 0, done = 0; i < 3; i++) {
        lanes[0].step = 100 + done;
        assert_int_equal(net_debug_run(net, lanes, steps[i], part), 0);
        assert_memory_equal(part, whole + done * NET_FRAME_CELLS, steps[i] * NET_FRAME_CELLS);
        done += steps[i];
        // Others play on meanwhile, odd numbers of steps.
        struct net_lane others[LANES] = {[1] = lane(9, 0), [12] = lane(8, 0)};
        assert_int_equal(net_debug_run(net, others, 3, part), 0);
    }
    stage_close(NULL);
}

static void primed(const char *kind)
{
    static uint8_t phrase[RUN], whole[RUN], part[LANES * RUN];
    uint32_t seed = 3;
    some_frames(&seed, NET_RUN_STEPS, phrase);
    struct net_lane lanes[LANES] = {lane(30, 0), lane(30, 0)};
    assert_int_equal(stage_open(file(kind), LANES), 0);
    lanes[0].forced = phrase;
    lanes[0].forced_count = 7;
    assert_int_equal(net_run(net, lanes, frames[0]), 0);
    memcpy(whole, frames[0], RUN);
    assert_memory_equal(whole, phrase, 7 * NET_FRAME_CELLS);
    assert_memory_not_equal(frames[1], whole, RUN);
    // What is primed partly is what is primed wholly and goes on.
    net_reset(net, 0);
    assert_int_equal(net_debug_run(net, lanes, 7, part), 0);
    assert_memory_equal(part, phrase, 7 * NET_FRAME_CELLS);
    lanes[0] = lane(30, 7);
    assert_int_equal(net_debug_run(net, lanes, 13, part), 0);
    assert_memory_equal(part, whole + 7 * NET_FRAME_CELLS, 13 * NET_FRAME_CELLS);
    stage_close(NULL);
}

static void lanes_do_not_hear_each_other(void **state)
{
    for (int i = 0; i < 2; i++)
        lanes_are_alone(nets[i]);
}

static void runs_join_without_a_seam(void **state)
{
    for (int i = 0; i < 2; i++)
        runs_join(nets[i]);
}

static void some_of_a_run_may_be_given(void **state)
{
    for (int i = 0; i < 2; i++)
        primed(nets[i]);
}

/** net_new() on a file with this flaw; what it logs. */
static void refuse(const char *kind, const char *broken, char *ret_log, size_t room)
{
    struct conv_weights weights;
    struct net *refused = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s", driver_scratch("broken.safetensors"));
    conv_weights_init(&weights, kind, 3, COMPOSERS);
    conv_weights_write(&weights, path, broken);
    conv_weights_finish(&weights);

    const char *log = driver_scratch("log");
    int saved = dup(STDERR_FILENO), to = open(log, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && to >= 0);
    dup2(to, STDERR_FILENO);
    int r = net_new(device, path, 1, &refused);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t length = pread(to, ret_log, room - 1, 0);
    close(to);
    assert_true(length >= 0);
    ret_log[length] = '\0';
    assert_int_equal(r, -EBADMSG);
    assert_null(refused);
}

static void broken_files_are_refused_by_name(void **state)
{
    static const char *const broken[2][5] = {
        {"conv1.weight", "-conv3.weight", "conv2.bias", "conv1.composer", "-dense2.bias"},
        {"-front.weight", "block4.weight", "out2.weight", "block1.composer", "-dense1.weight"},
    };
    device = driver_open();
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 5; k++) {
            char log[4096];
            const char *name = broken[i][k] + (broken[i][k][0] == '-');
            refuse(nets[i], broken[i][k], log, sizeof log);
            if (!strstr(log, name))
                fail_msg("refused without naming %s: %s", name, log);
        }
    driver_close(device);
}

/** The cells of which golden x is the encoding. */
static void decode(const struct safetensors_tensor *x, uint64_t at, uint8_t *ret_cells)
{
    for (uint64_t pitch = 0; pitch < NET_FRAME_CELLS; pitch++) {
        float struck = safetensors_float(x, at + 128 + pitch);
        ret_cells[pitch] = struck > 0 ? (uint8_t)lrintf((struck - 0.5f) * 254.0f)
                           : safetensors_float(x, at + pitch) > 0 ? NET_CELL_HOLD
                                                                  : NET_CELL_OFF;
    }
}

/** Whether it was in the plain form. */
static bool golden(uint32_t capacity)
{
    struct safetensors *vectors = NULL;
    struct net_lane lanes[64] = {{0}};
    static uint8_t forced[2][NET_FRAME_CELLS], out[64 * NET_FRAME_CELLS];
    const uint32_t places[2] = {0, capacity - 1};
    assert_int_equal(safetensors_new(getenv("FERMATA_TEST_GOLDEN"), &vectors), 0);
    const struct safetensors_tensor *x = safetensors_find(vectors, "x");
    const struct safetensors_tensor *logits = safetensors_find(vectors, "logits");
    const struct safetensors_tensor *composer = safetensors_find(vectors, "composer");
    assert_true(x && logits && composer && composer->size == 8 && logits->shape[0] >= 200);
    const uint8_t *rows = composer->data;
    assert_int_equal(stage_open(getenv("FERMATA_TEST_WEIGHTS"), capacity), 0);
    for (int i = 0; i < 2; i++) {
        lanes[places[i]] = lane(0, 0);
        lanes[places[i]].composer = rows[4 * i];
        lanes[places[i]].forced = forced[i];
        lanes[places[i]].forced_count = 1;
        decode(x, (uint64_t)i * 256, forced[i]);
    }
    // The first frame goes in as the last one played; the state before it is zero.
    assert_int_equal(net_debug_run(net, lanes, 1, out), 0);
    net_debug_forget(net, places[0]);
    net_debug_forget(net, places[1]);
    double most = 0;
    for (uint64_t step = 0; step < logits->shape[0]; step++) {
        for (uint64_t i = 0; i < 2 && step + 1 < x->shape[0]; i++)
            decode(x, ((step + 1) * 2 + i) * 256, forced[i]);
        assert_int_equal(net_debug_run(net, lanes, 1, out), 0);
        for (uint64_t i = 0; i < 2; i++) {
            float expected[384];
            for (uint64_t k = 0; k < 384; k++)
                expected[k] = safetensors_float(logits, (step * 2 + i) * 384 + k);
            double d = difference(places[i], expected);
            most = d > most ? d : most;
        }
    }
    printf("PyTorch's %s, %u lanes, %s form: largest difference of the logits %.2g\n",
           net_info(net)->name, capacity, net_debug_form(net), most);
    bool plain = slow();
    stage_close(NULL);
    safetensors_free(vectors);
    assert_true(most < TOLERANCE);
    return plain;
}

static void golden_vectors_of_pytorch(void **state)
{
    if (!golden(9))
        golden(2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loops),
        cmocka_unit_test(lanes_do_not_hear_each_other),
        cmocka_unit_test(runs_join_without_a_seam),
        cmocka_unit_test(some_of_a_run_may_be_given),
        cmocka_unit_test(broken_files_are_refused_by_name),
    };
    const struct CMUnitTest given[] = {cmocka_unit_test(golden_vectors_of_pytorch)};
    driver_choose(argc, argv);
    if (getenv("FERMATA_TEST_WEIGHTS") && getenv("FERMATA_TEST_GOLDEN"))
        return cmocka_run_group_tests(given, NULL, NULL);
    return cmocka_run_group_tests(tests, write_files, NULL);
}
