// SPDX-License-Identifier: MIT
// Tuning: every layout of the kernels gives the same values to the last bit, so that the golden
// tests of one are those of all; the choice is kept and heeded, and a file that is none of ours is
// not.
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "compute/device.h"
#include "nets/net.h"
#include "nets/net_debug.h"
#include "nets/tune.h"
#include "nets/tuning.h"
#include "driver.h"
#include "notes_weights.h"

#define MOST_LANES 9
#define LOGITS 384
#define ROLL_CAPACITY 8 // an LSTM whose tiles of eight read images

static struct device *device;
static char notes_path[128];

/** What a net answers in one layout. */
struct answer {
    uint8_t tokens[3][MOST_LANES * NET_MAX_RUN_BYTES];
    float logits[MOST_LANES][LOGITS];
};

static bool alike(struct tuning_layout a, struct tuning_layout b)
{
    return a.tile == b.tile && a.rows == b.rows;
}

static void ask(const char *path, uint32_t count, struct tuning_layout layout,
                struct answer *ret_answer)
{
    struct net *net = NULL;
    assert_int_equal(net_new_laid(device, path, count, layout, &net), 0);
    assert_true(alike(net_layout(net).layout, layout));
    struct net_lane lanes[MOST_LANES];
    for (uint32_t i = 0; i < count; i++)
        lanes[i] = (struct net_lane){
            .active = true, .control = {-1, -1, -1, -1}, .threshold = 0.5f, .seed = i};
    memset(ret_answer, 0, sizeof *ret_answer);
    for (int run = 0; run < 3; run++) {
        assert_int_equal(net_run(net, lanes, ret_answer->tokens[run]), 0);
        for (uint32_t i = 0; i < count; i++)
            lanes[i].step += net_info(net)->steps;
    }
    for (uint32_t i = 0; i < count; i++)
        assert_true(net_debug_peek(net, i, "logits", ret_answer->logits[i], LOGITS) > 0);
    net_free(net);
}

/** The usual layout beside those with another tile, or with `rows_too` another number of rows. */
static void compare(const char *path, uint32_t count, bool rows_too)
{
    static struct answer first, other;
    struct net *net = NULL;
    assert_int_equal(net_new_laid(device, path, count, (struct tuning_layout){0, 0}, &net), 0);
    const struct net_layout usual = net_layout(net);
    bool takes[17][33];
    for (uint32_t tile = 0; tile <= 16; tile++)
        for (uint32_t rows = 0; rows <= 32; rows++)
            takes[tile][rows] = net_takes_layout(net, (struct tuning_layout){tile, rows});
    net_free(net);
    assert_true(takes[usual.layout.tile][usual.layout.rows] && takes[usual.most][1]);
    assert_false(takes[0][1] || takes[16][1] || takes[usual.most][0] || takes[usual.most][3] ||
                 takes[usual.most][32] || takes[3][1]);
    if (!usual.texel)
        return; // there is one
    ask(path, count, usual.layout, &first);
    int seen = 0;
    for (uint32_t tile = 1; tile <= 8; tile *= 2)
        for (uint32_t rows = 1; rows <= 16; rows *= 2) {
            struct tuning_layout layout = {tile, rows};
            const bool other_tile = tile != usual.layout.tile,
                       other_rows = rows != usual.layout.rows;
            if (!takes[tile][rows] || other_tile == other_rows || (other_rows && !rows_too))
                continue;
            ask(path, count, layout, &other);
            assert_memory_equal(&first, &other, sizeof first);
            seen++;
        }
    printf("%s, %u lanes: %d more layouts, all the same\n", path, count, seen);
    assert_true(seen > 0);
}

static void no_layout_changes_a_bit(void **state)
{
    compare(notes_path, 1, true);
    compare(notes_path, MOST_LANES, true);
    if (access(FERMATA_WEIGHTS, R_OK) == 0)
        compare(FERMATA_WEIGHTS, ROLL_CAPACITY, false);
    static const char bytes[] = FERMATA_WEIGHTS_FOLDER "/transformer-open.safetensors";
    if (access(bytes, R_OK) == 0)
        compare(bytes, ROLL_CAPACITY, false);
}

static int tune(uint32_t lanes, struct tune_report *ret_report)
{
    struct tune *tune = NULL;
    int r, turns = 0;
    assert_int_equal(tune_new(device, notes_path, lanes, &tune), 0);
    while ((r = tune_next(tune)) == 1)
        turns++;
    *ret_report = *tune_report(tune);
    tune_free(tune);
    assert_int_equal(turns + 1, ret_report->count ? ret_report->count + ret_report->doubted : 1);
    assert_true(ret_report->chosen == 0 || ret_report->doubted);
    return r;
}

static struct tuning_layout layout_of_new_net(uint32_t lanes)
{
    struct net *net = NULL;
    assert_int_equal(net_new(device, notes_path, lanes, &net), 0);
    struct tuning_layout layout = net_layout(net).layout;
    net_free(net);
    return layout;
}

static void overwrite(const char *text)
{
    glob_t found;
    char pattern[160];
    snprintf(pattern, sizeof pattern, "%s/fermata/tuning-*", getenv("XDG_CACHE_HOME"));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    FILE *stream = fopen(found.gl_pathv[0], "wbe");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
    globfree(&found);
}

static void choices_are_kept_and_heeded(void **state)
{
    struct tune_report report;
    struct tuning_layout kept;
    assert_false(tuning_find(device, notes_path, 1, &kept));
    const struct tuning_layout usual = layout_of_new_net(1), wide = layout_of_new_net(MOST_LANES);
    assert_int_equal(tune(1, &report), 0);
    if (report.count == 0) { // plain
        assert_false(tuning_find(device, notes_path, 1, &kept));
        return;
    }
    assert_true(alike(report.trials[0].layout, usual));
    assert_true(report.chosen < report.count);
    for (uint32_t i = 0; i < report.count; i++)
        assert_true(report.trials[i].step_us > 0);
    assert_true(tuning_find(device, notes_path, report.most, &kept));
    assert_true(alike(kept, report.trials[report.chosen].layout));
    assert_true(alike(layout_of_new_net(1), kept));
    assert_true(alike(layout_of_new_net(MOST_LANES), wide)); // that is another choice

    // Not what was measured, so that heeding it can be told from measuring alike.
    const struct tuning_layout another = {usual.tile, usual.rows == 1 ? 2 : 1};
    assert_int_equal(tuning_keep(device, notes_path, report.most, another), 0);
    assert_true(alike(layout_of_new_net(1), another));
    assert_false(tuning_find(device, notes_path, 64, &kept));
    assert_false(tuning_find(device, "/else/where", report.most, &kept));

    // What does not fit, what is broken, what is foreign: as usual; then it is made anew.
    const struct tuning_layout unfit[] = {{usual.tile, 1000}, {3, usual.rows}, {512, usual.rows}};
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        assert_int_equal(tuning_keep(device, notes_path, report.most, unfit[i]), 0);
        assert_true(alike(layout_of_new_net(1), usual));
    }
    overwrite("fermata-tuning-2 nonsense\n1 1 1 notes\n");
    assert_true(alike(layout_of_new_net(1), usual));
    overwrite("");
    assert_true(alike(layout_of_new_net(1), usual));
    assert_int_equal(tuning_keep(device, notes_path, report.most, another), 0);
    assert_true(alike(layout_of_new_net(1), another));
}

/** Many lanes can be computed together in more than one way. */
static void tiles_are_tuned_too(void **state)
{
    struct tune_report report;
    assert_int_equal(tune(MOST_LANES, &report), 0);
    if (report.count < 2)
        skip();
    assert_int_equal(report.most, 8 < device_info(device)->subgroup_size
                                      ? 8
                                      : device_info(device)->subgroup_size);
    assert_true(report.trials[1].layout.tile != report.trials[0].layout.tile);
    assert_int_equal(report.trials[1].layout.rows, report.trials[0].layout.rows);
    const struct tuning_layout smaller = {report.most / 2, report.trials[0].layout.rows};
    for (uint32_t tile = report.most; tile >= report.most / 2; tile /= 2) {
        const struct tuning_layout wanted = {tile, smaller.rows};
        assert_int_equal(tuning_keep(device, notes_path, report.most, wanted), 0);
        assert_true(alike(layout_of_new_net(MOST_LANES), wanted));
    }
}

static int open_device(void **state)
{
    struct notes_weights weights = {
        .width = 256, .hidden = 256, .composers = 3, .kinds = 2, .layers = 2, .windows = {16, 32}};
    snprintf(notes_path, sizeof notes_path, "%s", driver_scratch("notes.safetensors"));
    notes_weights_init(&weights, 3);
    notes_weights_write(&weights, notes_path, NULL);
    notes_weights_finish(&weights);
    mkdir(driver_scratch("cache"), 0700);
    setenv("XDG_CACHE_HOME", driver_scratch("cache"), 1);
    device = driver_open();
    return 0;
}

static int close_device(void **state)
{
    driver_close(device);
    // driver.c removes files, not folders.
    glob_t found;
    char pattern[160];
    snprintf(pattern, sizeof pattern, "%s/fermata/*", getenv("XDG_CACHE_HOME"));
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            unlink(found.gl_pathv[i]);
        globfree(&found);
    }
    snprintf(pattern, sizeof pattern, "%s/fermata", getenv("XDG_CACHE_HOME"));
    rmdir(pattern);
    const char *home = getenv("XDG_CACHE_HOME");
    if (home)
        rmdir(home);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_layout_changes_a_bit),
        cmocka_unit_test(choices_are_kept_and_heeded),
        cmocka_unit_test(tiles_are_tuned_too),
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
