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
#define ROLL_CAPACITY 3

static struct device *device;
static char notes_path[128];

/** What a net answers in one layout. */
struct answer {
    uint8_t tokens[3][MOST_LANES * NET_MAX_RUN_BYTES];
    float logits[MOST_LANES][LOGITS];
};

static void ask(const char *path, uint32_t count, uint32_t rows, struct answer *ret_answer)
{
    struct net *net = NULL;
    assert_int_equal(net_new_in_rows(device, path, count, rows, &net), 0);
    assert_int_equal(net_layout(net).rows, rows);
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

static void compare(const char *path, uint32_t count)
{
    static struct answer first, other;
    struct net *net = NULL;
    assert_int_equal(net_new_in_rows(device, path, count, 0, &net), 0);
    const uint32_t usual = net_layout(net).rows;
    bool takes[33];
    for (uint32_t rows = 0; rows <= 32; rows++)
        takes[rows] = net_takes_rows(net, rows);
    net_free(net);
    assert_true(takes[usual] && takes[1]);
    assert_false(takes[0] || takes[3] || takes[32]);
    ask(path, count, usual, &first);
    int seen = 0;
    for (uint32_t rows = 1; rows <= 16; rows *= 2) {
        if (!takes[rows] || rows == usual)
            continue;
        ask(path, count, rows, &other);
        assert_memory_equal(&first, &other, sizeof first);
        seen++;
    }
    printf("%s, %u lanes: %d more layouts, all the same\n", path, count, seen);
}

static void no_layout_changes_a_bit(void **state)
{
    compare(notes_path, 1);
    compare(notes_path, MOST_LANES);
    if (access(FERMATA_WEIGHTS, R_OK) == 0)
        compare(FERMATA_WEIGHTS, ROLL_CAPACITY);
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
    assert_int_equal(turns + 1, ret_report->count ? ret_report->count : 1);
    return r;
}

static uint32_t rows_of_new_net(void)
{
    struct net *net = NULL;
    assert_int_equal(net_new(device, notes_path, 1, &net), 0);
    uint32_t rows = net_layout(net).rows;
    net_free(net);
    return rows;
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
    assert_int_equal(tuning_rows(device, notes_path, 1), 0);
    const uint32_t usual = rows_of_new_net();
    assert_int_equal(tune(1, &report), 0);
    if (report.count == 0) { // plain
        assert_int_equal(tuning_rows(device, notes_path, 1), 0);
        return;
    }
    assert_int_equal(report.trials[0].rows, usual);
    assert_true(report.chosen < report.count);
    for (uint32_t i = 0; i < report.count; i++)
        assert_true(report.trials[i].step_us > 0);
    const uint32_t rows = report.trials[report.chosen].rows;
    assert_int_equal(tuning_rows(device, notes_path, report.tile), rows);
    assert_int_equal(rows_of_new_net(), rows);

    // Not what was measured, so that heeding it can be told from measuring alike.
    const uint32_t another = usual == 1 ? 2 : 1;
    assert_int_equal(tuning_keep(device, notes_path, report.tile, another), 0);
    assert_int_equal(rows_of_new_net(), another);
    assert_int_equal(tuning_rows(device, notes_path, 64), 0);
    assert_int_equal(tuning_rows(device, "/else/where", report.tile), 0);

    // What does not fit, what is broken, what is foreign: as usual; then it is made anew.
    assert_int_equal(tuning_keep(device, notes_path, report.tile, 1000), 0);
    assert_int_equal(rows_of_new_net(), usual);
    overwrite("fermata-tuning-1 nonsense\n1 1 notes\n");
    assert_int_equal(rows_of_new_net(), usual);
    overwrite("");
    assert_int_equal(rows_of_new_net(), usual);
    assert_int_equal(tuning_keep(device, notes_path, report.tile, another), 0);
    assert_int_equal(rows_of_new_net(), another);
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
    };
    driver_choose(argc, argv);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
