// SPDX-License-Identifier: MIT
#include "client/roll.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/feedline.h"

static struct feedline parsed(const char *text)
{
    struct feedline line;
    assert_int_equal(feedline_parse(text, &line), 0);
    return line;
}

static void test_parse(void **state)
{
    struct feedline line = parsed("{\"event\":\"on\",\"time\":12.35,\"frame\":592800,\"heard\":"
                                  "900000.123456,\"pitch\":60,\"velocity\":72,\"duration\":0.4}\n");
    assert_int_equal(line.kind, FEEDLINE_ON);
    assert_float_equal(line.time, 12.35, 0);
    assert_true(line.heard == 900000.123456); // a float would be 0.06 s off
    assert_float_equal(line.duration, 0.4, 0);
    assert_int_equal(line.pitch, 60);
    assert_int_equal(line.velocity, 72);

    line = parsed("{\"event\":\"off\",\"new\":[1,{\"a\":2}],\"heard\":1,\"pitch\":127}");
    assert_int_equal(line.kind, FEEDLINE_OFF);
    assert_int_equal(line.pitch, 127);

    line = parsed("{\"event\":\"reseed\",\"heard\":1.5,\"text\":\"a\\\"b\\\\c\"}");
    assert_int_equal(line.kind, FEEDLINE_MARK);
    assert_string_equal(line.event, "reseed");
    assert_string_equal(line.text, "a\"b\\c");
}

static void test_parse_cuts_at_characters(void **state)
{
    char text[2048] = "{\"event\":\"state\",\"text\":\"";
    for (int i = 0; i < 300; i++)
        strcat(text, "é");
    strcat(text, "\"}");
    struct feedline line = parsed(text);
    assert_int_equal(strlen(line.text), sizeof(line.text) - 2); // an odd room, two bytes each
    assert_int_equal((unsigned char)line.text[strlen(line.text) - 1], 0xa9);
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"event\":\"on\"}",
        "{\"event\":\"on\",\"pitch\":128,\"velocity\":1}",
        "{\"event\":\"on\",\"pitch\":-1,\"velocity\":1}",
        "{\"event\":\"on\",\"pitch\":60,\"velocity\":0}",
        "{\"event\":\"on\",\"pitch\":60,\"velocity\":128}",
        "{\"event\":\"on\",\"pitch\":\"x\",\"velocity\":1}",
        "{\"event\":\"on\",\"pitch\":nan,\"velocity\":1}",
        "{\"event\":\"off\"}",
        "{\"event\":\"reseed\",\"heard\":inf}",
        "{\"event\":7,\"heard\":1}",
        "{\"event\"",
        "{\"time\":1}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct feedline line = {.time = 42};
        if (feedline_parse(bad[i], &line) != -EBADMSG)
            fail_msg("taken: %s", bad[i]);
        assert_float_equal(line.time, 42, 0);
    }
}

static void test_names(void **state)
{
    char name[FEEDLINE_NAME_ROOM];
    assert_string_equal(feedline_pitch_name(60, name), "C4");
    assert_string_equal(feedline_pitch_name(0, name), "C-1");
    assert_string_equal(feedline_pitch_name(127, name), "G9");
    assert_string_equal(feedline_pitch_name(70, name), "A#4");
}

static void add(struct roll *roll, const char *event, unsigned pitch, double heard, double duration)
{
    struct feedline line = {
        .heard = heard, .duration = duration, .pitch = (uint8_t)pitch, .velocity = 64};
    snprintf(line.event, sizeof(line.event), "%s", event);
    line.kind = !strcmp(event, "on")    ? FEEDLINE_ON
                : !strcmp(event, "off") ? FEEDLINE_OFF
                                        : FEEDLINE_MARK;
    assert_int_equal(roll_add(roll, &line), 0);
}

static void test_ends(void **state)
{
    struct roll roll = {0};
    add(&roll, "on", 60, 1, 0.5);
    assert_float_equal(roll.notes[0].end, 1.5, 1e-12);
    add(&roll, "off", 60, 1.2, 0); // earlier than announced: a cut
    assert_float_equal(roll.notes[0].end, 1.2, 1e-12);
    add(&roll, "off", 60, 1.4, 0); // nothing sounds
    assert_float_equal(roll.notes[0].end, 1.2, 1e-12);
    add(&roll, "off", 61, 1.4, 0); // never struck

    add(&roll, "on", 60, 2, 0);
    assert_true(roll.notes[1].end == ROLL_OPEN);
    add(&roll, "on", 60, 3, 0); // struck again: the first one ends
    assert_float_equal(roll.notes[1].end, 3, 1e-12);
    roll_end(&roll, 4);
    assert_float_equal(roll.notes[2].end, 4, 1e-12);

    add(&roll, "on", 60, 9, 0);
    roll_end(&roll, 8); // told, not yet heard
    assert_float_equal(roll.notes[3].end, 9, 1e-12);
    roll_finish(&roll);
    assert_null(roll.notes);
}

static void test_forget(void **state)
{
    struct roll roll = {0};
    for (unsigned i = 0; i < 1000; i++) {
        add(&roll, "on", 40 + i % 3, i, 0.5);
        add(&roll, "reseed", 0, i, 0);
    }
    add(&roll, "hello", 0, 0, 0); // no mark to show
    assert_int_equal(roll.mark_count, 1000);
    add(&roll, "on", 50, 1000, 0);
    roll_forget(&roll, 990);
    assert_int_equal(roll.note_count, 11);
    assert_int_equal(roll.mark_count, 10);
    assert_float_equal(roll.notes[0].start, 990, 0);
    // What is still open is found where it now is; what is gone is not.
    add(&roll, "off", 50, 1001, 0);
    assert_float_equal(roll.notes[10].end, 1001, 0);
    roll_forget(&roll, 2000);
    assert_int_equal(roll.note_count, 0);
    add(&roll, "off", 40, 2001, 0);
    add(&roll, "on", 40, 2002, 0);
    assert_int_equal(roll.note_count, 1);
    roll_finish(&roll);
}

static void test_marks_are_in_order(void **state)
{
    static const double told[] = {3, 1, 2, 5, 4, 4};
    struct roll roll = {0};
    for (size_t i = 0; i < 6; i++)
        add(&roll, "reseed", 0, told[i], 0);
    for (size_t i = 0; i < 5; i++)
        assert_true(roll.marks[i].at <= roll.marks[i + 1].at);
    roll_forget(&roll, 2.5);
    assert_int_equal(roll.mark_count, 4);
    roll_finish(&roll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_cuts_at_characters),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_marks_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
