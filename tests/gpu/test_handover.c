// SPDX-License-Identifier: MIT
// A lane of one net goes on where a lane of another one has got to, to the last bit, though the
// other net is of another width.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "driver.h"
#include "stage.h"

#define MOST_LANES 9
#define MOST_LOGITS 384

struct player {
    struct net *net;
    uint32_t lanes, watched;
};

/** Run number `run` of the watched lane, while the others do something else. */
static void play(const struct player *player, uint32_t run, uint8_t *ret_tokens, float *ret_logits)
{
    static uint8_t tokens[MOST_LANES * NET_MAX_RUN_BYTES];
    struct net_lane lanes[MOST_LANES];
    const struct net_info *info = net_info(player->net);
    size_t room = (size_t)info->steps * info->token_bytes;
    for (uint32_t i = 0; i < player->lanes; i++) {
        lanes[i] = lane(i == player->watched ? 77 : i, (uint64_t)run * info->steps);
        lanes[i].composer = i == player->watched ? 0 : 1;
        lanes[i].threshold = 0.4f;
    }
    assert_int_equal(net_run(player->net, lanes, tokens), 0);
    memcpy(ret_tokens, tokens + player->watched * room, room);
    assert_true(net_debug_peek(player->net, player->watched, "logits", ret_logits, MOST_LOGITS) >
                0);
}

/** Both go on, and play the same. */
static void compare(const struct player *a, const struct player *b, uint32_t run)
{
    static uint8_t tokens[2][NET_MAX_RUN_BYTES];
    static float logits[2][MOST_LOGITS];
    for (uint32_t i = 0; i < 2; i++) {
        play(a, run + i, tokens[0], logits[0]);
        play(b, run + i, tokens[1], logits[1]);
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        assert_memory_equal(tokens[0], tokens[1], sizeof tokens[0]);
    }
}

static void hand_over(const char *name, uint32_t runs)
{
    static uint8_t tokens[NET_MAX_RUN_BYTES];
    static float logits[MOST_LOGITS];
    char path[512];
    snprintf(path, sizeof path, "%s/%s", FERMATA_WEIGHTS_FOLDER, name);
    if (access(path, R_OK) < 0) {
        printf("no weights %s\n", path);
        skip();
    }
    struct device *its = driver_open();
    struct player one = {.lanes = 2, .watched = 1}, many = {.lanes = MOST_LANES, .watched = 6};
    assert_int_equal(net_new(its, path, one.lanes, &one.net), 0);
    assert_int_equal(net_new(its, path, many.lanes, &many.net), 0);
    assert_true(net_is_kin(one.net, many.net));
    uint32_t run = 0;
    for (; run < runs; run++)
        play(&one, run, tokens, logits);
    play(&many, 0, tokens, logits);

    assert_int_equal(net_adopt(many.net, many.watched, one.net, one.watched), 0);
    compare(&one, &many, run);
    run += 2;

    // And back, from a wide net to a narrow one, after it has gone on alone; to another lane.
    play(&many, run++, tokens, logits);
    one.watched = 0;
    assert_int_equal(net_adopt(one.net, one.watched, many.net, many.watched), 0);
    compare(&many, &one, run);
    run += 2;

    // A reset that was asked for before is forgotten, one that is asked for afterwards is not.
    net_reset(one.net, 1);
    one.watched = 1;
    assert_int_equal(net_adopt(one.net, one.watched, many.net, many.watched), 0);
    compare(&many, &one, run);
    net_free(one.net);
    net_free(many.net);
    driver_close(its);
}

static void a_transformer(void **state)
{
    hand_over("transformer-open.safetensors", 3);
}

static void an_lstm(void **state)
{
    hand_over("lstm-open.safetensors", 1);
}

static void a_convolution(void **state)
{
    hand_over("conv1d-open.safetensors", 3);
}

static void a_wavenet(void **state)
{
    hand_over("wavenet-open.safetensors", 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transformer),
        cmocka_unit_test(an_lstm),
        cmocka_unit_test(a_convolution),
        cmocka_unit_test(a_wavenet),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
