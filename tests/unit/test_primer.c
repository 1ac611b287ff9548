// SPDX-License-Identifier: MIT
// Which phrase a net is primed with, and how the channel's own is varied.
#include "control/primer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "music/score.h"
#include "music/seedbook.h"

#define S NOTE_SECOND

static struct score *score;
static struct primer *primer;
static struct curator curator;

static int begin(void **state)
{
    primer = malloc(sizeof *primer);
    assert_non_null(primer);
    assert_int_equal(score_new(&score), 0);
    primer_init(primer, score, 3);
    curator_init(&curator, &curator_any_bounds, 0);
    return 0;
}

static int end(void **state)
{
    score_free(score);
    free(primer);
    return 0;
}

/** A minute of five notes a second around `middle`; the steps never come twice within it. */
static void compose(int middle)
{
    for (int i = 0; i < 300; i++) {
        struct note note = {i * S / 5, S / 4, (uint8_t)(middle - 6 + i * i % 13),
                            (uint8_t)(30 + i % 90)};
        assert_int_equal(score_add(score, &note), 0);
    }
    score_extend(score, 60 * S);
}

static enum primer_source choose(enum primer_source source)
{
    return primer_choose(primer, source, 60 * S, PRIMER_US, "bach", &curator);
}

/** By how many semitones the phrase was moved; it is found again by its velocities. */
static int moved(int middle)
{
    for (int first = 0; first < 300; first++) {
        bool same = true;
        int by = primer->notes[0].pitch - (middle - 6 + first * first % 13);
        for (size_t i = 0; same && i < primer->count; i++) {
            int number = first + (int)i;
            same = number < 300 && primer->notes[i].velocity == 30 + number % 90 &&
                   primer->notes[i].pitch == middle - 6 + number * number % 13 + by;
        }
        if (same)
            return by;
    }
    fail_msg("the phrase was never played");
    return 0;
}

static void test_the_best_is_varied(void **state)
{
    int seen[7] = {0}, paces = 0;
    int64_t earliest = INT64_MAX, latest = 0;
    compose(62);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(choose(PRIMER_BEST), PRIMER_BEST);
        assert_true(primer->count >= 45 && primer->count <= 55);
        assert_int_equal(primer->to - primer->from, PRIMER_US);
        int by = moved(62);
        assert_true(by >= -3 && by <= 3 && by != 0);
        seen[by + 3]++;
        // Its end stays, all of it becomes longer or shorter.
        int64_t step = primer->notes[20].onset - primer->notes[10].onset;
        assert_true(step >= 2 * S * 96 / 100 && step <= 2 * S * 104 / 100);
        paces += step < 2 * S * 99 / 100 || step > 2 * S * 101 / 100;
        earliest = primer->from < earliest ? primer->from : earliest;
        latest = primer->from > latest ? primer->from : latest;
        assert_true(primer->notes[primer->count - 1].onset < primer->to);
    }
    for (int by = -3; by <= 3; by++)
        assert_true(by == 0 || seen[by + 3] > 2);
    assert_true(paces > 10);
    assert_true(latest > earliest && latest - earliest <= S && latest <= 50 * S);
}

static void test_it_stays_within_the_register(void **state)
{
    compose((int)curator_any_bounds.register_[2] - 1);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(choose(PRIMER_BEST), PRIMER_BEST);
        assert_true(moved((int)curator_any_bounds.register_[2] - 1) <= 1);
    }
}

static void test_the_latest_is_as_it_was(void **state)
{
    compose(62);
    assert_int_equal(choose(PRIMER_LATEST), PRIMER_LATEST);
    assert_int_equal(moved(62), 0);
    assert_int_equal(primer->notes[0].onset % (S / 5), 0);
    assert_int_equal(primer->to, 60 * S);
}

static void test_the_seed_decides(void **state)
{
    int by[3][8];
    compose(62);
    for (int i = 0; i < 3; i++) {
        primer_init(primer, score, i == 1 ? 4 : 3);
        for (int k = 0; k < 8; k++) {
            choose(PRIMER_BEST);
            by[i][k] = moved(62);
        }
    }
    assert_memory_equal(by[0], by[2], sizeof by[0]);
    assert_memory_not_equal(by[0], by[1], sizeof by[0]);
}

/** A book of so many phrases of Bach's, told by their pitch, and one of somebody else's. */
static struct seedbook *make_book(int phrases)
{
    char path[] = "/tmp/fermata-primer.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "# Licence: CC0\nphrase satie S\n0 100 20 64\n");
    for (int i = 0; i < phrases; i++)
        dprintf(fd, "\nphrase bach B%d\n0 100 %d 64\n", i, 30 + i);
    close(fd);
    struct seedbook *book = NULL;
    assert_int_equal(seedbook_new(path, &book), 0);
    unlink(path);
    return book;
}

static void test_human_phrases_come_in_rounds(void **state)
{
    for (int phrases = 1; phrases <= 16; phrases += 5) {
        struct seedbook *book = make_book(phrases);
        primer_init(primer, score, 3);
        primer->book = book;
        int order[50][16], changes = 0;
        for (int round = 0; round < 50; round++) {
            unsigned seen = 0;
            for (int i = 0; i < phrases; i++) {
                assert_int_equal(choose(PRIMER_HUMAN), PRIMER_HUMAN);
                assert_int_equal(primer->count, 1);
                order[round][i] = primer->notes[0].pitch - 30;
                assert_in_range(order[round][i], 0, phrases - 1);
                seen |= 1U << order[round][i];
            }
            assert_int_equal(seen, (1U << phrases) - 1);
            changes += round > 0 &&
                       memcmp(order[round], order[round - 1], (size_t)phrases * sizeof(int)) != 0;
        }
        assert_true(phrases == 1 ? changes == 0 : changes > 40);
        seedbook_free(book);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_best_is_varied, begin, end),
        cmocka_unit_test_setup_teardown(test_it_stays_within_the_register, begin, end),
        cmocka_unit_test_setup_teardown(test_the_latest_is_as_it_was, begin, end),
        cmocka_unit_test_setup_teardown(test_the_seed_decides, begin, end),
        cmocka_unit_test_setup_teardown(test_human_phrases_come_in_rounds, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
