// SPDX-License-Identifier: MIT
#include "control/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char folder[] = "/tmp/fermata-settings.XXXXXX";

static const char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void test_every_key_can_be_set(void **state)
{
    (void)state;
    struct settings settings;
    const char *why = NULL;
    settings_init(&settings);
    for (const struct settings_key *key = settings_keys; key->key; key++) {
        int r = settings_set(&settings, key->key, "0", &why);
        if (strcmp(key->key, "sampling") && strcmp(key->key, "licence"))
            assert_int_equal(r, 0);
    }
    assert_string_equal(settings.licence, "commercial");
    assert_int_equal(settings_set(&settings, "licence", "any", &why), 0);
    assert_string_equal(settings.licence, "any");
    assert_int_equal(settings_set(&settings, "sampling", "hard", &why), 0);
    assert_string_equal(settings.sampling, "hard");
    assert_int_equal(settings_set(&settings, "reseed_interval", "45", &why), 0);
    assert_int_equal(settings.reseed_interval, 45);
    assert_int_equal(settings_set(&settings, "piece-length", "2.5-4", &why), 0);
    assert_true(settings.piece_length.least == 2.5 && settings.piece_length.most == 4);
    assert_int_equal(settings_set(&settings, "piece-number", "1234", &why), 0);
    assert_int_equal(settings.piece_number, 1234);
}

static void test_bad_values_change_nothing_and_say_why(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"threshold", "1.01"},
        {"threshold", "-0.1"},
        {"threshold", "nan"},
        {"threshold", ""},
        {"threshold", "0.5x"},
        {"volume", "inf"},
        {"curator", "maybe"},
        {"seed", "-1"},
        {"seed", "99999999999999999999"},
        {"reseed-interval", "4"},
        {"reseed-interval", "3601"},
        {"reseed-interval", " 30"},
        {"sampling", "Hard"},
        {"piece-length", "5-2"},
        {"piece-length", "0.1"},
        {"piece-length", ""},
        {"licence", "mine"},
        {"licence", ""},
        {"composer", "a name far longer than any composer ever had"},
    };
    struct settings settings, before;
    settings_init(&settings);
    before = settings;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = NULL;
        assert_int_equal(settings_set(&settings, bad[i][0], bad[i][1], &why), -EINVAL);
        assert_non_null(why);
        assert_memory_equal(&settings, &before, sizeof settings);
    }
    const char *why = NULL;
    assert_int_equal(settings_set(&settings, "tempo", "1", &why), -ENOENT);
    assert_non_null(why);
}

static void test_a_slip_in_a_file_loses_only_its_line(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    const char *path = write_file("[fermata]\n# a comment\ncomposer = bach\nvolume = loud\n"
                                  "what is this\nthreshold = 0.25\n[other]\nnet = x\n");
    assert_int_equal(settings_read_file(&settings, path), 0);
    assert_string_equal(settings.composer, "bach");
    assert_true(fabs(settings.volume - 0.8) < 1e-9);
    assert_true(fabs(settings.threshold - 0.25) < 1e-9);
    assert_string_equal(settings.net, "");
}

static void test_a_file_that_is_none(void **state)
{
    (void)state;
    struct settings settings, before;
    settings_init(&settings);
    before = settings;
    assert_int_equal(settings_read_file(&settings, "/nonexistent/fermata.conf"), -ENOENT);
    assert_int_equal(settings_read_file(&settings, "/tmp"), -EINVAL);
    assert_memory_equal(&settings, &before, sizeof settings);
}

static void test_the_environment(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    setenv("FERMATA_COMPOSER", "debussy", 1);
    setenv("FERMATA_RESEED_INTERVAL", "60", 1);
    setenv("FERMATA_VOLUME", "very", 1);
    settings_read_environment(&settings);
    unsetenv("FERMATA_COMPOSER");
    unsetenv("FERMATA_RESEED_INTERVAL");
    unsetenv("FERMATA_VOLUME");
    assert_string_equal(settings.composer, "debussy");
    assert_int_equal(settings.reseed_interval, 60);
    assert_true(fabs(settings.volume - 0.8) < 1e-9);
}

static void test_what_is_remembered_comes_back(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    snprintf(settings.state_file, sizeof settings.state_file, "%s/a/b/state.conf", folder);
    assert_int_equal(settings_remember(&settings, "composer", "bach"), 0);
    assert_int_equal(settings_remember(&settings, "threshold", "0.4"), 0);
    assert_int_equal(settings_remember(&settings, "composer", "debussy"), 0);

    struct settings later;
    settings_init(&later);
    assert_int_equal(settings_read_file(&later, settings.state_file), 0);
    assert_string_equal(later.composer, "debussy");
    assert_true(fabs(later.threshold - 0.4) < 1e-9);
}

static void test_what_cannot_be_remembered_is_an_error(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    snprintf(settings.state_file, sizeof settings.state_file, "/proc/fermata/state.conf");
    assert_true(settings_remember(&settings, "composer", "bach") < 0);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_can_be_set),
        cmocka_unit_test(test_bad_values_change_nothing_and_say_why),
        cmocka_unit_test(test_a_slip_in_a_file_loses_only_its_line),
        cmocka_unit_test(test_a_file_that_is_none),
        cmocka_unit_test(test_the_environment),
        cmocka_unit_test(test_what_is_remembered_comes_back),
        cmocka_unit_test(test_what_cannot_be_remembered_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
