// SPDX-License-Identifier: MIT
#include "control/settings.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"

static void test_every_key_can_be_set(void **state)
{
    (void)state;
    struct settings settings;
    const char *why = NULL;
    settings_init(&settings);
    for (const struct settings_key *key = settings_keys; key->key; key++) {
        int r = settings_set(&settings, key->key, "0", &why);
        bool word = !strcmp(key->key, "sampling") || !strcmp(key->key, "licence") ||
                    !strcmp(key->key, "profile") || !strcmp(key->key, "output") ||
                    !strcmp(key->key, "rtp");
        assert_int_equal(r, word ? -EINVAL : 0);
    }
    assert_string_equal(settings.licence, "commercial");
    assert_string_equal(settings.profile, "room");
    assert_int_equal(settings_set(&settings, "profile", "telephone", &why), 0);
    assert_string_equal(settings.profile, "telephone");
    assert_string_equal(settings.output, "stream");
    assert_int_equal(settings_set(&settings, "output", "source", &why), 0);
    assert_string_equal(settings.output, "source");
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
        {"rtp-ttl", "256"},
        {"rtp", "239.1.2.3"},
        {"rtp", "239.1.2.3:"},
        {"rtp", "239.1.2.3:0"},
        {"rtp", "239.1.2.3:65535"},
        {"rtp", "239.1.2.3:18446744073709556620"},
        {"rtp", "239.1.2.3:5004/gsm"},
        {"rtp", "239.1.2.300:5004"},
        {"rtp", "224.0.0.1:5004"},
        {"rtp", "255.255.255.255:5004"},
        {"rtp", "0.0.0.0:5004"},
        {"rtp", "pbx.example:5004"},
        {"rtp", ":5004"},
        {"sampling", "Hard"},
        {"piece-length", "5-2"},
        {"piece-length", "0.1"},
        {"piece-length", ""},
        {"licence", "mine"},
        {"licence", ""},
        {"composer", "a name far longer than any composer ever had"},
        {"target", " a"},
        {"target", "a "},
        {"target", "a\nvolume = 1"},
        {"target", ";a"},
        {"target", "a ;b"},
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

static void test_every_value_can_be_written_and_read(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        {"composer", "bach"},      {"threshold", "0.375"},  {"sampling", "hard"},
        {"licence", "any"},        {"volume", "0.1"},       {"reseed-interval", "45"},
        {"curator", "no"},         {"seed", "12345678901"}, {"autostart", "yes"},
        {"piece-length", "2.5-4"}, {"target", "a b;c"},     {"rtp", "239.1.2.3:5004/alaw"},
        {"rtp-ttl", "16"},
    };
    struct settings settings, copy;
    const char *why;
    settings_init(&settings);
    settings_init(&copy);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[SETTINGS_ROOM];
        assert_int_equal(settings_set(&settings, values[i][0], values[i][1], &why), 0);
        int key = settings_find_key(values[i][0]);
        settings_write(&settings, key, text);
        assert_string_equal(text, values[i][1]);
        assert_true(settings.given & UINT64_C(1) << key);
    }
    settings_lay_over(&copy, &settings);
    assert_memory_equal(&copy, &settings, sizeof settings);
}

static void test_a_drawn_seed_is_another_each_time(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    uint64_t first = settings_draw_seed(&settings), second = settings_draw_seed(&settings);
    assert_true(first != second);
    assert_in_range(first, 1, UINT64_C(1) << 53);
    assert_in_range(second, 1, UINT64_C(1) << 53);
    settings.seed = UINT64_MAX;
    assert_true(settings_draw_seed(&settings) == UINT64_MAX);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "main", "queue-1", "1st_floor",
                                       "abcdefghijklmnopqrstuvwxyz01234"};
    static const char *const bad[] = {
        "", "-a", "_a", "A", "a b", "a/b", "a.b", "\xc3\xa9", "abcdefghijklmnopqrstuvwxyz012345",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(settings_check_name(good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(settings_check_name(bad[i]), -EINVAL);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_can_be_set),
        cmocka_unit_test(test_bad_values_change_nothing_and_say_why),
        cmocka_unit_test(test_the_environment),
        cmocka_unit_test(test_every_value_can_be_written_and_read),
        cmocka_unit_test(test_a_drawn_seed_is_another_each_time),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
