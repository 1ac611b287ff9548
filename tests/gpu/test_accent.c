// SPDX-License-Identifier: MIT
// The accents of a notes net: what is added to the pitches' logits, told from the notes alone.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nets/net.h"
#include "nets/net_debug.h"
#include "draws.h"
#include "driver.h"
#include "notes_weights.h"
#include "stage.h"

#define LANES 3
#define LOGITS 319
#define STEPS 96
#define CHORD 3 // ticks, and bins

/** What a lane has heard since it began. */
struct music {
    uint8_t notes[STEPS][4];
    uint32_t count;
};

static struct notes_weights weights;

static int open_net(void **state)
{
    weights = (struct notes_weights){.width = 256,
                                     .hidden = 256,
                                     .composers = 3,
                                     .kinds = 2,
                                     .layers = 1,
                                     .windows = {16},
                                     .accented = NOTES_TURN | NOTES_STRIDE | NOTES_COMPASS};
    notes_weights_init(&weights, 3);
    weights.head[0].bias[2] += 1.5f; // so that chords are drawn, too
    notes_weights_write(&weights, driver_scratch("accented.safetensors"), NULL);
    return stage_open(driver_scratch("accented.safetensors"), LANES);
}

static int close_net(void **state)
{
    notes_weights_finish(&weights);
    return stage_close(state);
}

static uint32_t turn_of(const struct music *music)
{
    uint32_t turn = 0;
    for (uint32_t i = music->count - 3; i < music->count; i++)
        turn = turn * 12 + (uint32_t)(music->notes[i][1] - music->notes[i - 1][1] + 132) % 12;
    return turn;
}

/** Writes the lowest note of each chord, the first one first; returns how many there are. */
static uint32_t chords_of(const struct music *music, int ret_lows[STEPS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < music->count; i++) {
        int pitch = music->notes[i][1];
        if (i == 0 || music->notes[i][0] > CHORD)
            ret_lows[count++] = pitch;
        else if (pitch < ret_lows[count - 1])
            ret_lows[count - 1] = pitch;
    }
    return count;
}

static uint32_t sort_of(int stride)
{
    static const int most[] = {-8, -3, -1, 0, 2, 7};
    uint32_t sort = 0;
    while (sort < 6 && stride > most[sort])
        sort++;
    return sort;
}

/** The last two. The first note stands for a chord before the first, whose own are of sort 0. */
static uint32_t strides_of(const struct music *music, const int *lows, uint32_t count)
{
    const int first = music->notes[0][1];
    uint32_t last = sort_of(lows[count - 1] - (count > 1 ? lows[count - 2] : first));
    if (count == 1)
        return last;
    return sort_of(lows[count - 2] - (count > 2 ? lows[count - 3] : first)) * 7 + last;
}

/** What is to be added to each pitch of a note that comes so late. */
static void accents(const struct music *music, int delta, float ret_accents[128])
{
    memset(ret_accents, 0, 128 * sizeof *ret_accents);
    if (music->count <= 3)
        return;
    int lows[STEPS];
    uint32_t count = chords_of(music, lows);
    for (int pitch = 0; pitch < 128; pitch++) {
        int from = music->notes[music->count - 1][1];
        ret_accents[pitch] = weights.accent[turn_of(music) * 12 + (pitch - from + 132) % 12];
        int stride = pitch - lows[count - 1];
        stride = stride < -13 ? -13 : stride > 13 ? 13 : stride;
        if (delta > CHORD)
            ret_accents[pitch] += weights.stride[strides_of(music, lows, count) * NOTES_WIDTHS +
                                                 (uint32_t)(stride + 13)];
        ret_accents[pitch] += weights.compass[pitch];
    }
}

/** The pitch that the net's own logits and the accents together make the likeliest. */
static int likeliest(const float logits[LOGITS], const float added[128])
{
    int best = 21;
    for (int pitch = 22; pitch <= 108; pitch++)
        if (logits[95 + pitch] + added[pitch] > logits[95 + best] + added[best])
            best = pitch;
    return best;
}

static void they_follow_turns_strides_and_the_compass(void **state)
{
    static const float none[128];
    struct music music[LANES] = {0};
    uint32_t seed = 7, differ = 0, begun = 0, joined = 0;
    uint8_t given[LANES][4], drawn[LANES][4];
    // Every other note is given, or nothing but the likeliest would ever be heard.
    for (uint32_t step = 0; step < STEPS; step++) {
        struct net_lane lanes[LANES];
        for (uint32_t i = 0; i < LANES; i++) {
            lanes[i] = lane(1, step);
            lanes[i].composer = i;
            lanes[i].sampling = NET_HARD;
            notes_weights_note(&seed, given[i]);
            given[i][0] %= 7; // chords, and what is none
            lanes[i].forced = given[i];
            lanes[i].forced_count = step % 2 ? 0 : 1;
        }
        // The second lane, who has them, begins anew in the middle, and is counted from there.
        if (step == STEPS / 2) {
            net_reset(net, 1);
            music[1].count = 0;
        }
        assert_int_equal(net_debug_run(net, lanes, 1, drawn[0]), 0);
        for (uint32_t i = 0; i < LANES; i++) {
            float logits[LOGITS], added[128] = {0};
            assert_int_equal(net_debug_peek(net, i, "logits", logits, LOGITS), LOGITS);
            if (i == 1)
                accents(&music[i], drawn[i][0], added);
            int wanted = likeliest(logits, added);
            if (step % 2) {
                assert_int_equal(drawn[i][1], wanted);
                differ += wanted != likeliest(logits, none);
                begun += i == 1 && drawn[i][0] > CHORD;
                joined += i == 1 && drawn[i][0] <= CHORD;
            }
            memcpy(music[i].notes[music[i].count++], drawn[i], 4);
        }
    }
    print_message("%u notes moved; of those drawn %u begin a chord, %u join one\n", differ, begun,
                  joined);
    assert_true(differ > 20 && begun > 10 && joined > 3);
}

/** A file may have a compass and nothing else. */
static void the_compass_may_be_alone(void **state)
{
    struct notes_weights plain = weights;
    plain.accented = NOTES_COMPASS;
    notes_weights_init(&plain, 5);
    notes_weights_write(&plain, driver_scratch("alone.safetensors"), NULL);
    struct net *alone = NULL;
    assert_int_equal(net_new(device, driver_scratch("alone.safetensors"), 1, &alone), 0);
    uint32_t seed = 9, moved = 0;
    static const float none[128];
    for (uint32_t step = 0; step < 24; step++) {
        struct net_lane one = lane(1, step);
        uint8_t given[4], drawn[4];
        float logits[LOGITS];
        notes_weights_note(&seed, given);
        one.composer = 1;
        one.sampling = NET_HARD;
        one.forced = given;
        one.forced_count = step > 3 ? step % 2 : 1;
        assert_int_equal(net_debug_run(alone, &one, 1, drawn), 0);
        assert_int_equal(net_debug_peek(alone, 0, "logits", logits, LOGITS), LOGITS);
        if (one.forced_count)
            continue;
        assert_int_equal(drawn[1], likeliest(logits, plain.compass));
        moved += drawn[1] != likeliest(logits, none);
    }
    assert_true(moved > 3);
    net_free(alone);
    notes_weights_finish(&plain);
}

static void those_of_another_shape_are_refused(void **state)
{
    static const char *const tensors[] = {"accent.c1", "stride.c1", "compass.c1"};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        struct notes_flaw flaw = {.tensor = tensors[i]};
        struct net *broken = NULL;
        notes_weights_write(&weights, driver_scratch("broken.safetensors"), &flaw);
        assert_int_equal(net_new(device, driver_scratch("broken.safetensors"), 1, &broken),
                         -EBADMSG);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(they_follow_turns_strides_and_the_compass, stage_reset),
        cmocka_unit_test_setup(the_compass_may_be_alone, stage_reset),
        cmocka_unit_test_setup(those_of_another_shape_are_refused, stage_reset),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, open_net, close_net);
}
