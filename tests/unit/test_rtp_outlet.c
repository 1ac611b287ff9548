// SPDX-License-Identifier: MIT
// What a busy machine does to RTP: threads that come a fifth of a second late are not heard.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/fan.h"
#include "audio/pace.h"
#include "audio/ring.h"
#include "audio/rtp_outlet.h"

#define MS 1000 // microseconds
#define HEADER 12

struct bench {
    struct fan *fan;
    struct rtp_outlet *outlet;
    struct tap *pipe; // beside it, or NULL
    int socket;
    int64_t now;
    int64_t renders_from; // the performer comes no sooner
    unsigned packets;
    unsigned silent;
    unsigned marked;
};

/** What the performer renders: a square wave, so that each packet of it is loud. */
static void on_room(void *user)
{
    struct bench *bench = user;
    uint32_t wait = UINT32_MAX;
    while (bench->now >= bench->renders_from &&
           fan_room(bench->fan, bench->now, false, &wait) >= 64) {
        float block[2 * 64];
        for (int i = 0; i < 64; i++)
            block[2 * i] = block[2 * i + 1] = i < 32 ? 0.5f : -0.5f;
        fan_push(bench->fan, block, 64);
    }
}

static void hear(struct bench *bench)
{
    uint8_t packet[HEADER + RTP_OUTLET_PACKET_BYTES];
    while (recv(bench->socket, packet, sizeof packet, MSG_DONTWAIT) == sizeof packet) {
        bool silent = true;
        for (int i = HEADER; i < (int)sizeof packet; i++)
            silent = silent && (packet[i] & 0x7f) == 0x7f; // zero, of either sign
        bench->packets++;
        bench->silent += silent;
        bench->marked += packet[1] >> 7;
    }
}

/** So much music, with the pump in time. */
static void run(struct bench *bench, int ms)
{
    for (int64_t end = bench->now + ms * MS; bench->now < end;) {
        int64_t wait = rtp_outlet_step(bench->outlet, bench->now);
        hear(bench);
        if (bench->pipe) {
            float heard[2 * 960];
            ring_settle(tap_ring(bench->pipe), 960);
            ring_read(tap_ring(bench->pipe), heard, 960);
            on_room(bench);
        }
        assert_in_range(wait, 1, RTP_OUTLET_PACKET_US);
        bench->now += wait;
    }
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    bench->socket = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(bench->socket >= 0);
    assert_int_equal(bind(bench->socket, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(bench->socket, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(fan_new(&bench->fan), 0);
    struct rtp_outlet_config config = {
        .fan = bench->fan,
        .address = {.host = "127.0.0.1", .port = ntohs(address.sin_port)},
        .channel = "test",
        .on_room = on_room,
        .user = bench,
    };
    assert_int_equal(rtp_outlet_new(&config, &bench->outlet), 0);
    // The tap's allowance began with the real clock.
    bench->now = (pace_now_us() / 1000000 + 2) * 1000000;
    rtp_outlet_set_playing(bench->outlet, true);
    run(bench, 1000);
    // It fades in.
    assert_in_range(bench->packets, 45, 50);
    assert_int_equal(bench->marked, 1);
    bench->packets = bench->silent = bench->marked = 0;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    rtp_outlet_free(bench->outlet);
    if (bench->pipe)
        fan_remove(bench->fan, bench->pipe);
    fan_free(bench->fan);
    close(bench->socket);
    free(bench);
    return 0;
}

static void is_whole(struct bench *bench, unsigned packets)
{
    assert_int_equal(rtp_outlet_underruns(bench->outlet), 0);
    assert_int_equal(bench->silent, 0);
    assert_int_equal(bench->marked, 0);
    assert_in_range(bench->packets, packets - 1, packets + 1);
}

static void the_pump_comes_late(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 10; i++) {
        bench->now += 180 * MS;
        run(bench, 320);
    }
    is_whole(bench, 250);
}

/** A pipe wants its music late, and RTP leaves the pace to it. */
static void beside_a_pipe_too(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(fan_add(bench->fan, 4096, NULL, NULL, &bench->pipe), 0);
    tap_want(bench->pipe, 2048);
    tap_set_active(bench->pipe, true);
    run(bench, 3000);
    bench->packets = 0;
    the_pump_comes_late(state);
}

static void the_performer_comes_late(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 10; i++) {
        bench->renders_from = bench->now + 180 * MS;
        run(bench, 500);
    }
    is_whole(bench, 250);
}

/** Longer, and packets are left out rather than sent in a burst; the next one is marked. */
static void the_machine_slept(void **state)
{
    struct bench *bench = *state;
    bench->now += 10000 * MS;
    run(bench, 1000);
    assert_in_range(bench->packets, 49, 51);
    assert_int_equal(bench->marked, 1);
    assert_int_equal(bench->silent, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_pump_comes_late),
        TEST(beside_a_pipe_too),
        TEST(the_performer_comes_late),
        TEST(the_machine_slept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
