// SPDX-License-Identifier: MIT
// What a tuning measures in which order, and what it chooses: with nets that take as long as the
// test says, by a clock that they alone move on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/tune.h"

#define MOST_OPENED 32

struct net {
    struct tuning_layout layout;
    double step_us;
};

static const struct tuning_layout usual = {4, 8};
static struct net the_net;
static double clock_us, opening_us;
static double (*price)(struct tuning_layout layout, int times);
static struct tuning_layout opened[MOST_OPENED], kept;
static int opened_count;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    time->tv_sec = (time_t)(clock_us / 1e6);
    time->tv_nsec = (long)((clock_us - (double)time->tv_sec * 1e6) * 1e3);
    return 0;
}

const struct device_info *device_info(const struct device *device)
{
    static const struct device_info info = {.kind = DEVICE_CPU};
    (void)device;
    return &info;
}

/** How often it was opened in this layout. */
static int times_opened(struct tuning_layout layout)
{
    int times = 0;
    for (int i = 0; i < opened_count; i++)
        times += opened[i].tile == layout.tile && opened[i].rows == layout.rows;
    return times;
}

int net_new_laid(struct device *device, const char *path, uint32_t lanes,
                 struct tuning_layout layout, struct net **ret_net)
{
    (void)device, (void)path, (void)lanes;
    if (layout.tile == 0)
        layout = usual;
    assert_true(opened_count < MOST_OPENED);
    opened[opened_count++] = layout;
    clock_us += opening_us;
    the_net = (struct net){layout, price(layout, times_opened(layout))};
    *ret_net = &the_net;
    return 0;
}

void net_free(struct net *net)
{
    assert_ptr_equal(net, &the_net);
}

const struct net_info *net_info(const struct net *net)
{
    static const struct net_info info = {.lanes = 8, .steps = 10, .token_bytes = 4};
    (void)net;
    return &info;
}

struct net_layout net_layout(const struct net *net)
{
    return (struct net_layout){.layout = net->layout, .most = 8, .texel = true};
}

bool net_takes_layout(const struct net *net, struct tuning_layout layout)
{
    (void)net;
    return layout.tile >= 1 && layout.tile <= 8 && layout.rows >= 1 && layout.rows <= 16;
}

int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_tokens)
{
    (void)lanes, (void)ret_tokens;
    clock_us += net->step_us * net_info(net)->steps;
    return 0;
}

int tuning_keep(const struct device *device, const char *path, uint32_t most,
                struct tuning_layout layout)
{
    (void)device, (void)path;
    assert_int_equal(most, 8);
    kept = layout;
    return 0;
}

static struct tune_report tuned(double (*priced)(struct tuning_layout layout, int times))
{
    struct tune *tune = NULL;
    price = priced;
    opened_count = 0;
    kept = (struct tuning_layout){0, 0};
    assert_int_equal(tune_new(NULL, "net", 8, &tune), 0);
    int r, turns = 0;
    while ((r = tune_next(tune)) == 1)
        turns++;
    assert_int_equal(r, 0);
    struct tune_report report = *tune_report(tune);
    tune_free(tune);
    assert_int_equal(turns + 1, opened_count);
    assert_int_equal(opened_count, report.count + report.doubted);
    assert_int_equal(kept.tile, report.trials[report.chosen].layout.tile);
    assert_int_equal(kept.rows, report.trials[report.chosen].layout.rows);
    return report;
}

static bool is(struct tuning_layout layout, uint32_t tile, uint32_t rows)
{
    return layout.tile == tile && layout.rows == rows;
}

static double all_alike(struct tuning_layout layout, int times)
{
    (void)layout, (void)times;
    return 1000;
}

static void what_is_no_faster_changes_nothing(void **state)
{
    (void)state;
    struct tune_report report = tuned(all_alike);
    assert_false(report.doubted);
    assert_int_equal(report.chosen, 0);
    assert_int_equal(report.count, TUNE_MOST);
    assert_true(is(report.trials[1].layout, 8, 8) && is(report.trials[2].layout, 2, 8));
    assert_true(is(report.trials[3].layout, 4, 16) && is(report.trials[4].layout, 4, 4));
}

static double wide_is_faster(struct tuning_layout layout, int times)
{
    (void)times;
    return layout.tile == 8 ? layout.rows == 16 ? 700 : 800 : 1000;
}

static void the_fastest_is_chosen(void **state)
{
    (void)state;
    struct tune_report report = tuned(wide_is_faster);
    assert_true(report.doubted);
    assert_true(is(report.trials[report.chosen].layout, 8, 16));
    assert_true(is(opened[opened_count - 1], 4, 8));
    assert_true(report.trials[report.chosen].step_us > 699 &&
                report.trials[report.chosen].step_us < 701);
}

static double hardly_faster(struct tuning_layout layout, int times)
{
    (void)times;
    return layout.tile == 8 ? 960 : 1000;
}

static double slow_at_first(struct tuning_layout layout, int times)
{
    return is(layout, 4, 8) ? times == 1 ? 1500 : 980 : 1000;
}

static double slow_later(struct tuning_layout layout, int times)
{
    return is(layout, 4, 8) ? times == 1 ? 1000 : 1500 : is(layout, 8, 8) ? 900 : 1000;
}

static void a_slow_second_does_not_decide(void **state)
{
    (void)state;
    struct tune_report report = tuned(hardly_faster);
    assert_false(report.doubted);
    assert_int_equal(report.chosen, 0);
    report = tuned(slow_at_first);
    assert_true(report.doubted);
    assert_int_equal(report.chosen, 0);
    assert_true(report.trials[0].step_us < 981);
    report = tuned(slow_later);
    assert_true(is(report.trials[report.chosen].layout, 8, 8));
    assert_true(report.trials[0].step_us < 1001);
}

static void it_takes_seconds_at_most(void **state)
{
    (void)state;
    opening_us = 1.6e6; // nothing is compiled yet
    struct tune_report report = tuned(wide_is_faster);
    opening_us = 0;
    assert_int_equal(report.count, 3);
    assert_true(report.doubted);
    assert_true(is(report.trials[report.chosen].layout, 8, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_faster_changes_nothing),
        cmocka_unit_test(the_fastest_is_chosen),
        cmocka_unit_test(a_slow_second_does_not_decide),
        cmocka_unit_test(it_takes_seconds_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
