// SPDX-License-Identifier: MIT
// The file in which the layouts of the kernels are kept: what is taken, and what is not.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "nets/tuning.h"

#define KEY "0123456789abcdef driver 1.2 (x)"
#define FIRST "fermata-tuning-2 " KEY "\n"

static struct tuning tuning;

static int parse(const char *text)
{
    memset(&tuning, 0xff, sizeof tuning);
    return tuning_parse(&tuning, text, strlen(text), KEY);
}

static void good_files_are_read(void **state)
{
    assert_int_equal(parse(FIRST), 0);
    assert_int_equal(tuning.count, 0);
    assert_int_equal(parse(FIRST "1 1 8 lstm-maestro\n8 4 16 my own net\n"), 0);
    assert_int_equal(tuning.count, 2);
    assert_string_equal(tuning.entries[0].net, "lstm-maestro");
    assert_int_equal(tuning.entries[0].most, 1);
    assert_int_equal(tuning.entries[0].layout.tile, 1);
    assert_int_equal(tuning.entries[0].layout.rows, 8);
    assert_string_equal(tuning.entries[1].net, "my own net");
    assert_int_equal(tuning.entries[1].most, 8);
    assert_int_equal(tuning.entries[1].layout.tile, 4);
    assert_int_equal(tuning.entries[1].layout.rows, 16);
}

static void others_files_are_foreign(void **state)
{
    static const char *const foreign[] = {
        "fermata-tuning-3 " KEY "\n8 4 1 a\n",
        "fermata-tuning-2 1123456789abcdef driver 1.2 (x)\n8 4 1 a\n",
        "fermata-tuning-2 0123456789abcdef driver 1.3 (x)\n8 4 1 a\n",
        "fermata-tuning-2 0123456789abcdef driver 1.2\n8 4 1 a\n",
        "fermata-tuning-2 " KEY " and more\n8 4 1 a\n",
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (parse(foreign[i]) != -EBADMSG)
            fail_msg("accepted: %s", foreign[i]);
        assert_int_equal(tuning.count, 0);
    }
}

static void broken_files_count_as_none(void **state)
{
    static const char *const broken[] = {
        "8 4 1 a",
        "8 4 1 \n",
        "8 4 1\n",
        "8 4 a\n",
        "8 4\n",
        "8\n",
        "\n",
        "x 4 1 a\n",
        "8 x 1 a\n",
        "8 4 x a\n",
        "0 4 1 a\n",
        "8 0 1 a\n",
        "8 4 0 a\n",
        "-8 4 1 a\n",
        "8  4 1 a\n",
        " 8 4 1 a\n",
        "99999999999999999999 4 1 a\n",
        "8 1025 1 a\n",
        "4294967304 4 1 a\n",
        "8 4 1 0123456789012345678901234567890123456789012345678901234567890123\n",
        "8 4 1 a\n8 4 1 b",
    };
    char text[512];
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        snprintf(text, sizeof text, "%s%s", FIRST, broken[i]);
        if (parse(text) != -EBADMSG)
            fail_msg("accepted: %s", text);
        assert_int_equal(tuning.count, 0);
    }
    // Every file that stops too early, but where a line ends.
    static const char whole[] = FIRST "8 4 1 a\n";
    for (size_t size = 0; size < strlen(whole); size++)
        if (size != strlen(FIRST))
            assert_int_equal(tuning_parse(&tuning, whole, size, KEY), -EBADMSG);
    static const char zero[] = FIRST "8 4 1 a\0b\n";
    assert_int_equal(tuning_parse(&tuning, zero, sizeof zero - 1, KEY), -EBADMSG);

    // More lines than there is room for.
    static char many[2048];
    size_t used = (size_t)snprintf(many, sizeof many, "%s", FIRST);
    for (int i = 0; i <= TUNING_ENTRIES; i++) {
        assert_int_equal(parse(many), 0);
        assert_int_equal(tuning.count, i);
        used += (size_t)snprintf(many + used, sizeof many - used, "8 4 1 net%d\n", i);
    }
    assert_int_equal(parse(many), -EBADMSG);
}

static void what_is_printed_is_read(void **state)
{
    char text[4096];
    memset(&tuning, 0, sizeof tuning);
    tuning_put(&tuning, "a", 1, (struct tuning_layout){1, 8});
    tuning_put(&tuning, "b b", 1, (struct tuning_layout){1, 16});
    tuning_put(&tuning, "a", 8, (struct tuning_layout){4, 2});
    tuning_put(&tuning, "a", 1, (struct tuning_layout){1, 2}); // in place of the first
    tuning_put(&tuning, "", 1, (struct tuning_layout){1, 2});
    tuning_put(&tuning, "two\nlines", 1, (struct tuning_layout){1, 2});
    size_t size = tuning_print(&tuning, KEY, text, sizeof text);
    assert_string_equal(text, FIRST "1 1 2 a\n1 1 16 b b\n8 4 2 a\n");
    assert_int_equal(size, strlen(text));
    assert_int_equal(parse(text), 0);
    assert_int_equal(tuning.count, 3);
    assert_int_equal(tuning_print(&tuning, KEY, text, size), 0);
    assert_int_equal(tuning_print(&tuning, KEY, text, size + 1), size);

    // The oldest makes room.
    for (uint32_t i = 0; i < TUNING_ENTRIES; i++) {
        char name[16];
        snprintf(name, sizeof name, "net%u", i);
        tuning_put(&tuning, name, 1, (struct tuning_layout){1, 1});
    }
    assert_int_equal(tuning.count, TUNING_ENTRIES);
    assert_string_equal(tuning.entries[0].net, "net0");
    assert_string_equal(tuning.entries[TUNING_ENTRIES - 1].net, "net63");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(others_files_are_foreign),
        cmocka_unit_test(broken_files_count_as_none),
        cmocka_unit_test(what_is_printed_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
