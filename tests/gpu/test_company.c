// SPDX-License-Identifier: MIT
// A lane computes the same, to the last bit, however many play beside it: nets of other sizes are
// computed in other tiles, and must not add up anything in another order.
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
#include "driver.h"
#include "notes_weights.h"
#include "stage.h"

#define MOST_LANES 16
#define MOST_LOGITS 384
#define RUNS 3

/** What one lane has played, and believed at the end of each run. */
struct diary {
    uint8_t tokens[RUNS][NET_MAX_RUN_BYTES];
    float logits[RUNS][MOST_LOGITS];
};

/** The lane that is watched is the last one; the others do something else. */
static void play(const char *path, uint32_t count, struct diary *ret_diary)
{
    static uint8_t tokens[MOST_LANES * NET_MAX_RUN_BYTES];
    struct net_lane lanes[MOST_LANES];
    struct device *its = driver_open();
    struct net *its_net = NULL;
    memset(ret_diary, 0, sizeof *ret_diary);
    assert_int_equal(net_new(its, path, count, &its_net), 0);
    const struct net_info *info = net_info(its_net);
    const size_t room = (size_t)info->steps * info->token_bytes;
    for (uint32_t run = 0; run < RUNS; run++) {
        for (uint32_t i = 0; i < count; i++) {
            bool watched = i == count - 1;
            lanes[i] = lane(watched ? 77 : i, (uint64_t)run * info->steps);
            lanes[i].composer = watched ? 0 : i % info->composer_count;
            lanes[i].threshold = watched ? 0.4f : 0.5f;
            lanes[i].active = watched || (i + run) % 5 > 0;
        }
        assert_int_equal(net_run(its_net, lanes, tokens), 0);
        memcpy(ret_diary->tokens[run], tokens + (count - 1) * room, room);
        assert_true(
            net_debug_peek(its_net, count - 1, "logits", ret_diary->logits[run], MOST_LOGITS) > 0);
    }
    printf("%s, %u lanes, %s form\n", path, count, net_debug_form(its_net));
    net_free(its_net);
    driver_close(its);
}

/** `counts` ends with 0. */
static void compare(const char *path, const uint32_t *counts)
{
    static struct diary alone, beside;
    play(path, 1, &alone);
    assert_memory_not_equal(alone.tokens[1], alone.tokens[0], sizeof alone.tokens[0]);
    for (size_t i = 0; counts[i]; i++) {
        play(path, counts[i], &beside);
        assert_memory_equal(beside.logits, alone.logits, sizeof alone.logits);
        assert_memory_equal(beside.tokens, alone.tokens, sizeof alone.tokens);
    }
}

static void shipped(const char *name, const uint32_t *counts)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", FERMATA_WEIGHTS_FOLDER, name);
    if (access(path, R_OK) < 0) {
        printf("no weights %s\n", path);
        skip();
    }
    compare(path, counts);
}

static void a_transformer_of_bytes(void **state)
{
    shipped("transformer-open.safetensors", (uint32_t[]){2, MOST_LANES, 0});
}

static void a_transformer_of_halves(void **state)
{
    struct notes_weights weights = {
        .width = 256, .hidden = 512, .composers = 3, .kinds = 2, .layers = 2, .windows = {16, 32}};
    notes_weights_init(&weights, 3);
    notes_weights_write(&weights, driver_scratch("halves.safetensors"), NULL);
    notes_weights_finish(&weights);
    compare(driver_scratch("halves.safetensors"), (uint32_t[]){8, 0});
}

static void lstm(void **state)
{
    shipped("lstm-maestro.safetensors", (uint32_t[]){3, 0});
}

static void wavenet(void **state)
{
    shipped("wavenet-maestro.safetensors", (uint32_t[]){8, 0});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transformer_of_bytes),
        cmocka_unit_test(a_transformer_of_halves),
        cmocka_unit_test(lstm),
        cmocka_unit_test(wavenet),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
