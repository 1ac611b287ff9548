// SPDX-License-Identifier: MIT
// A few keys that go round and round.
#include "music/ostinato.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "music/curator.h"

#define DRAFT 28

/** A draft of `count` notes that goes round `keys` keys from `lowest` on. */
static void round_and_round(struct note *notes, size_t count, int lowest, int keys)
{
    for (size_t i = 0; i < count; i++)
        notes[i] =
            (struct note){(int64_t)i * 140000, 100000, (uint8_t)(lowest + (int)i % keys), 64};
}

/** Drafts of such a figure until one is refused. */
static int drafts_let_pass(int keys)
{
    struct ostinato ostinato = {.count = 0};
    struct note notes[DRAFT];
    for (int draft = 0; draft < 20; draft++) {
        round_and_round(notes, DRAFT, 60, keys);
        if (ostinato_judge(&ostinato, notes, DRAFT) > 0)
            return draft;
        ostinato_keep(&ostinato, notes, DRAFT);
    }
    return 20;
}

static void test_a_figure_may_not_go_on_for_ever(void **state)
{
    assert_int_equal(drafts_let_pass(3), 0); // a tremolo
    assert_int_equal(drafts_let_pass(4), 1); // 56 notes are two drafts
    assert_int_equal(drafts_let_pass(5), 2);
    assert_int_equal(drafts_let_pass(6), 2);
    assert_int_equal(drafts_let_pass(7), 20);
}

static void test_what_turns_to_other_keys_is_the_cure(void **state)
{
    struct ostinato ostinato = {.count = 0};
    struct note notes[DRAFT];
    for (int draft = 0; draft < 4; draft++) {
        round_and_round(notes, DRAFT, 60, 4);
        ostinato_keep(&ostinato, notes, DRAFT);
    }
    double goes_on = ostinato_judge(&ostinato, notes, DRAFT);
    assert_true(goes_on >= 0.8 && goes_on < CURATOR_TOLERABLE); // it is music
    round_and_round(notes + DRAFT / 3, DRAFT - DRAFT / 3, 30, 8);
    assert_true(ostinato_judge(&ostinato, notes, DRAFT) == 0);
    ostinato_forget(&ostinato);
    round_and_round(notes, DRAFT, 60, 4);
    assert_true(ostinato_judge(&ostinato, notes, DRAFT) == 0);
}

static void test_it_remembers_the_latest(void **state)
{
    struct ostinato ostinato = {.count = 0};
    struct note notes[2 * OSTINATO_NOTES];
    round_and_round(notes, 30, 20, 30);
    ostinato_keep(&ostinato, notes, 30);
    ostinato_keep(&ostinato, notes, 0);
    assert_int_equal(ostinato.count, 30);
    round_and_round(notes, 70, 60, 60);
    ostinato_keep(&ostinato, notes, 70);
    assert_int_equal(ostinato.count, OSTINATO_NOTES);
    assert_int_equal(ostinato.recent[0], 40); // 10 of the first 30 are left
    assert_int_equal(ostinato.recent[10], 60);
    assert_int_equal(ostinato.recent[OSTINATO_NOTES - 1], 69);
    round_and_round(notes, 2 * OSTINATO_NOTES, 0, 100);
    ostinato_keep(&ostinato, notes, 2 * OSTINATO_NOTES);
    assert_int_equal(ostinato.recent[0], 80);
    assert_int_equal(ostinato.recent[OSTINATO_NOTES - 1], 59);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_figure_may_not_go_on_for_ever),
        cmocka_unit_test(test_what_turns_to_other_keys_is_the_cure),
        cmocka_unit_test(test_it_remembers_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
