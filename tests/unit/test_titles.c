// SPDX-License-Identifier: MIT
// What pieces are called, and their numbers.
#include "control/titles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "music/note.h"

static void assert_heard(struct titles *titles, uint64_t number, const char *text)
{
    struct title heard = titles_heard(titles);
    assert_int_equal(heard.number, number);
    assert_string_equal(heard.text, text);
}

static void test_words(void **state)
{
    char text[TITLES_ROOM];
    titles_write("chopin", 1234, text);
    assert_string_equal(text, "Improvisation in the manner of Chopin, no. 1234");
    titles_write("bach", 7, text);
    assert_string_equal(text, "Improvisation in the manner of Bach, no. 7");
    titles_write("saint_saens", 1, text);
    assert_string_equal(text, "Improvisation in the manner of Saint Saens, no. 1");
    titles_write("de-la-guerre", UINT64_MAX, text);
    assert_string_equal(text,
                        "Improvisation in the manner of De-La-Guerre, no. 18446744073709551615");
    char endless[256];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    titles_write(endless, UINT64_MAX, text);
    assert_non_null(strstr(text, ", no. 18446744073709551615"));
}

static void test_a_title_is_heard_when_the_music_gets_there(void **state)
{
    struct titles titles;
    char text[TITLES_ROOM];
    titles_init(&titles, 41);
    assert_heard(&titles, 41, "");
    titles_plan(&titles, 0, "bach", text);
    assert_string_equal(text, "Improvisation in the manner of Bach, no. 42");
    // Composed, but nobody has begun to listen.
    assert_false(titles_are_due(&titles, 0) || titles_turn(&titles, 0));
    assert_heard(&titles, 41, "");
    titles_plan(&titles, 200 * NOTE_SECOND, "chopin", text);
    assert_true(titles_are_due(&titles, 1));
    assert_true(titles_turn(&titles, 1));
    assert_heard(&titles, 42, "Improvisation in the manner of Bach, no. 42");
    assert_false(titles_turn(&titles, 200 * NOTE_SECOND - 1));
    assert_true(titles_turn(&titles, 200 * NOTE_SECOND));
    assert_heard(&titles, 43, text);
    assert_false(titles_turn(&titles, 400 * NOTE_SECOND));
    titles_finish(&titles);
}

static void test_what_is_cut_away_gives_its_number_back(void **state)
{
    struct titles titles;
    char text[TITLES_ROOM];
    titles_init(&titles, 0);
    titles_plan(&titles, 0, "bach", text);
    titles_plan(&titles, 20 * NOTE_SECOND, "bach", text);
    titles_plan(&titles, 25 * NOTE_SECOND, "bach", text);
    titles_cut(&titles, 20 * NOTE_SECOND);
    titles_plan(&titles, 21 * NOTE_SECOND, "chopin", text);
    assert_string_equal(text, "Improvisation in the manner of Chopin, no. 2");
    assert_true(titles_turn(&titles, 30 * NOTE_SECOND));
    assert_heard(&titles, 2, text);
    titles_cut(&titles, 0); // what was heard was heard
    titles_plan(&titles, 31 * NOTE_SECOND, "chopin", text);
    assert_string_equal(text, "Improvisation in the manner of Chopin, no. 3");
    titles_finish(&titles);
}

static void test_too_many_are_heard_early(void **state)
{
    struct titles titles;
    char text[TITLES_ROOM];
    titles_init(&titles, 0);
    for (int i = 0; i <= TITLES_PLANNED; i++)
        titles_plan(&titles, (10 + i) * NOTE_SECOND, "bach", text);
    assert_heard(&titles, 1, "Improvisation in the manner of Bach, no. 1");
    assert_true(titles_turn(&titles, 60 * NOTE_SECOND));
    assert_heard(&titles, TITLES_PLANNED + 1, text);
    titles_finish(&titles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_a_title_is_heard_when_the_music_gets_there),
        cmocka_unit_test(test_what_is_cut_away_gives_its_number_back),
        cmocka_unit_test(test_too_many_are_heard_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
