// SPDX-License-Identifier: MIT
// The curator's taste: loops, copies, registers and drift, which are music and yet refused.
#include "music/curator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "music/echo.h"
#include "music/quotes.h"

#define MS (NOTE_SECOND / 1000)
#define DRAFT (4 * NOTE_SECOND)
#define NOTES 40

static const struct curator_bounds bounds = {
    .notes_per_minute = {156, 216, 588, 1122, 1236},
    .sounding = {2.8, 3.5, 5.7, 9.2, 10.7},
    .register_ = {45, 64, 80},
};

/** Ten notes a second for a draft, around `middle`; no other seed plays the same. */
static void melody(struct note *notes, int64_t from, unsigned seed, int middle)
{
    srand(seed);
    for (size_t i = 0; i < NOTES; i++)
        notes[i] = (struct note){from + (int64_t)i * 100 * MS, 90 * MS,
                                 (uint8_t)(middle - 12 + rand() % 25), 64};
}

static enum curator_verdict judge(const struct curator *curator, const struct note *notes,
                                  int64_t from)
{
    double badness = -1;
    enum curator_verdict verdict =
        curator_judge(curator, notes, NOTES, from, from + DRAFT, &badness);
    if (verdict == CURATOR_KEEP)
        assert_true(badness == 0);
    else // It is music for all that.
        assert_true(badness > 0 && badness < CURATOR_TOLERABLE);
    return verdict;
}

static void keep(struct curator *curator, const struct note *notes, int64_t from)
{
    curator_keep(curator, notes, NOTES, from, from + DRAFT);
}

static void begin(struct curator *curator, struct echo **ret_echo)
{
    curator_init(curator, &bounds, 0);
    assert_int_equal(echo_new(ret_echo), 0);
    curator_set_echo(curator, *ret_echo);
}

/** Plays a phrase of three drafts again and again until it is refused; returns how long it took. */
static int64_t loop_until_refused(struct curator *curator, int64_t at)
{
    struct note notes[NOTES];
    int64_t from = at;
    for (unsigned i = 0; i < 600; i++, at += DRAFT) {
        melody(notes, at, 100 + i % 3, 64);
        enum curator_verdict verdict = judge(curator, notes, at);
        if (verdict == CURATOR_LOOP)
            return at - from;
        assert_int_equal(verdict, CURATOR_KEEP);
        keep(curator, notes, at);
    }
    return INT64_MAX;
}

static void refuses_a_loop_and_keeps_what_is_new(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct note notes[NOTES];
    begin(&curator, &echo);
    curator.reference.repeated_share = 0.6;
    curator.reference.repeated_times = 2.5;
    int64_t at = 0;
    for (unsigned i = 0; i < 60; i++, at += DRAFT) {
        melody(notes, at, 1000 + i, 64);
        assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);
        keep(&curator, notes, at);
    }
    int64_t took = loop_until_refused(&curator, at);
    // After the fourth or fifth time; a phrase that comes back once is no loop.
    assert_in_range(took, 30 * NOTE_SECOND, 90 * NOTE_SECOND);
    at += took;
    melody(notes, at, 5000, 64);
    assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);

    // Music that repeats itself as much is let pass where the composer does.
    struct curator tolerant = curator;
    tolerant.reference.repeated_share = 1;
    tolerant.reference.repeated_times = 8;
    melody(notes, at, 100 + (unsigned)(took / DRAFT) % 3, 64);
    assert_int_equal(judge(&curator, notes, at), CURATOR_LOOP);
    assert_int_equal(judge(&tolerant, notes, at), CURATOR_KEEP);
    // But not for ever, whoever it is.
    assert_in_range(loop_until_refused(&tolerant, at), DRAFT, 120 * NOTE_SECOND);

    // Without an echo nobody knows.
    tolerant = curator;
    curator_set_echo(&tolerant, NULL);
    assert_int_equal(judge(&tolerant, notes, at), CURATOR_KEEP);
    echo_free(echo);
}

static void a_long_loop_is_one_too(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct note notes[NOTES];
    begin(&curator, &echo);
    curator.reference.repeated_share = 0.7;
    curator.reference.repeated_times = 7;
    // Two minutes, and again.
    int64_t at = 0, refused = 0;
    for (unsigned i = 0; i < 90; i++, at += DRAFT) {
        melody(notes, at, i % 30, 64);
        enum curator_verdict verdict = judge(&curator, notes, at);
        if (verdict == CURATOR_LOOP && !refused)
            refused = at;
        keep(&curator, notes, at);
    }
    // Seven tenths of three minutes, and a fifth more.
    assert_in_range(refused, 264 * NOTE_SECOND, 280 * NOTE_SECOND);
    echo_free(echo);
}

static void what_was_cut_away_is_no_loop(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct note notes[NOTES];
    begin(&curator, &echo);
    curator.reference.repeated_share = 0.25;
    int64_t at = 0;
    for (unsigned i = 0; i < 30; i++, at += DRAFT) {
        melody(notes, at, 1000 + i, 64);
        keep(&curator, notes, at);
    }
    int64_t cut = at - 20 * DRAFT;
    // All that is to be replaced is played again: nobody will have heard it.
    struct curator copy = curator;
    curator_cut(&copy, cut, cut - 100 * MS);
    for (unsigned i = 0; i < 20; i++) {
        melody(notes, cut + i * DRAFT, 1010 + i, 64);
        assert_int_equal(judge(&copy, notes, cut + i * DRAFT), CURATOR_KEEP);
        keep(&copy, notes, cut + i * DRAFT);
    }
    // And now somebody has.
    for (unsigned i = 0; i < 20; i++) {
        melody(notes, at + i * DRAFT, 1010 + i, 64);
        if (i == 19)
            assert_int_equal(judge(&copy, notes, at + i * DRAFT), CURATOR_LOOP);
        keep(&copy, notes, at + i * DRAFT);
    }
    echo_free(echo);
}

static void a_copy_that_is_only_judged_changes_nothing(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct note notes[NOTES];
    begin(&curator, &echo);
    curator.reference.repeated_times = 0.5;
    int64_t at = 0;
    for (unsigned i = 0; i < 30; i++, at += DRAFT) {
        melody(notes, at, i % 15, 64);
        keep(&curator, notes, at);
    }
    struct curator copy = curator;
    curator_cut(&copy, 0, 0);
    melody(notes, at, 0, 64);
    judge(&copy, notes, at);
    assert_int_equal(judge(&curator, notes, at), CURATOR_LOOP);
    echo_free(echo);
}

#define REFERENCE "{\"any\": {\"quoted_notes\": [40]}, \"bach\": {\"quoted_notes\": [24]}}"

static void refuses_a_copy_longer_than_the_bound(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct quotes *all;
    struct note notes[NOTES];
    uint8_t full[64];
    memset(full, 255, sizeof full); // holds every run there is
    begin(&curator, &echo);
    assert_int_equal(quotes_new(full, sizeof full, 4, REFERENCE, &all), 0);
    melody(notes, 0, 1, 64);
    assert_int_equal(judge(&curator, notes, 0), CURATOR_KEEP);
    curator_set_quotes(&curator, all, "chopin");
    assert_true(curator.reference.quoted_notes == 40);
    assert_true(curator.reference.repeated_share == curator_any_reference.repeated_share);
    assert_int_equal(judge(&curator, notes, 0), CURATOR_COPY);
    // Of forty notes thirty are let pass, thirty-one are not; also where they began in the draft
    // before.
    assert_int_equal(curator_judge(&curator, notes, 30, 0, DRAFT, NULL), CURATOR_KEEP);
    assert_int_equal(curator_judge(&curator, notes, 31, 0, DRAFT, NULL), CURATOR_COPY);
    curator_keep(&curator, notes, 20, 0, 2 * NOTE_SECOND);
    assert_int_equal(curator_judge(&curator, notes + 20, 10, 2 * NOTE_SECOND, DRAFT, NULL),
                     CURATOR_KEEP);
    assert_int_equal(curator_judge(&curator, notes + 20, 11, 2 * NOTE_SECOND, DRAFT, NULL),
                     CURATOR_COPY);
    // Another composer's bound; no quotes at all.
    curator_set_quotes(&curator, all, "bach");
    assert_int_equal(curator_judge(&curator, notes + 20, 1, 2 * NOTE_SECOND, DRAFT, NULL),
                     CURATOR_COPY);
    // Nobody is held to less than sixteen notes.
    curator.reference.quoted_notes = 0;
    assert_int_equal(curator_judge(&curator, notes, 16, 0, DRAFT, NULL), CURATOR_KEEP);
    assert_int_equal(curator_judge(&curator, notes, 17, 0, DRAFT, NULL), CURATOR_COPY);
    curator_set_quotes(&curator, NULL, "bach");
    assert_int_equal(judge(&curator, notes, 0), CURATOR_KEEP);
    assert_true(curator.reference.quoted_notes == curator_any_reference.quoted_notes);
    quotes_free(all);
    echo_free(echo);
}

/** Each quotation is short, but there are too many. */
static void refuses_what_is_borrowed_again_and_again(void **state)
{
    struct curator curator;
    struct echo *echo;
    struct quotes *all;
    struct note notes[NOTES];
    uint8_t full[64];
    memset(full, 255, sizeof full);
    begin(&curator, &echo);
    assert_int_equal(quotes_new(full, sizeof full, 4,
                                "{\"any\": {\"quoted_notes\": [4000], \"quoted_share\": [0.1]}}",
                                &all),
                     0);
    curator_set_quotes(&curator, all, "bach");
    int64_t at = 0;
    melody(notes, at, 1, 64);
    while (judge(&curator, notes, at) == CURATOR_KEEP && at < 100 * NOTE_SECOND) {
        keep(&curator, notes, at);
        at += DRAFT;
        melody(notes, at, (unsigned)(at / DRAFT) + 1, 64);
    }
    assert_in_range(at / DRAFT, 2, 6);
    assert_int_equal(judge(&curator, notes, at), CURATOR_COPY);
    curator_set_bounds(&curator, &bounds); // another composer's music has borrowed nothing yet
    assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);
    quotes_free(all);
    echo_free(echo);
}

static void refuses_a_register_that_is_not_the_composers(void **state)
{
    struct curator curator;
    struct note notes[NOTES];
    curator_init(&curator, &bounds, 0);
    melody(notes, 0, 1, 66);
    assert_int_equal(judge(&curator, notes, 0), CURATOR_KEEP);
    // One high phrase after others is music, a whole page is not.
    keep(&curator, notes, 0);
    melody(notes, DRAFT, 2, 86);
    assert_int_equal(judge(&curator, notes, DRAFT), CURATOR_KEEP);
    int64_t at = DRAFT;
    while (judge(&curator, notes, at) == CURATOR_KEEP && at < 100 * NOTE_SECOND) {
        keep(&curator, notes, at);
        at += DRAFT;
        melody(notes, at, 2, 86);
    }
    assert_in_range(at, 5 * NOTE_SECOND, 60 * NOTE_SECOND);
    assert_int_equal(judge(&curator, notes, at), CURATOR_REGISTER);
    for (int i = 0; i < 8; i++, at += DRAFT) {
        melody(notes, at, 2, 86);
        keep(&curator, notes, at);
    }
    // What comes down again is the cure; what falls through the floor is not.
    melody(notes, at, 3, 64);
    assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);
    curator_init(&curator, &bounds, 0);
    melody(notes, 0, 4, 34);
    assert_int_equal(judge(&curator, notes, 0), CURATOR_REGISTER);
}

static void refuses_what_drifts_away(void **state)
{
    struct curator curator;
    struct note notes[NOTES];
    curator_init(&curator, &bounds, 0);
    const double band[2] = {62, 66};
    memcpy(curator.reference.drift.band[DRIFT_REGISTER][DRIFT_MINUTES], band, sizeof band);
    int64_t at = 0;
    for (unsigned i = 0; i < 200; i++, at += DRAFT) {
        melody(notes, at, i, 73);
        keep(&curator, notes, at);
    }
    melody(notes, at, 500, 76);
    assert_int_equal(judge(&curator, notes, at), CURATOR_DRIFT);
    melody(notes, at, 501, 64);
    assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);
    // With a new composer it begins anew.
    curator_set_bounds(&curator, &bounds);
    melody(notes, at, 500, 76);
    assert_int_equal(judge(&curator, notes, at), CURATOR_KEEP);
}

static void names_its_verdicts(void **state)
{
    static const char *const names[] = {
        [CURATOR_KEEP] = "keep",         [CURATOR_THIN] = "thin",   [CURATOR_CROWDED] = "crowded",
        [CURATOR_STUCK] = "stuck",       [CURATOR_COPY] = "copy",   [CURATOR_LOOP] = "loop",
        [CURATOR_REGISTER] = "register", [CURATOR_DRIFT] = "drift",
    };
    assert_int_equal(sizeof names / sizeof names[0], CURATOR_VERDICTS);
    for (int verdict = 0; verdict < CURATOR_VERDICTS; verdict++)
        assert_string_equal(curator_verdict_name(verdict), names[verdict]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_loop_and_keeps_what_is_new),
        cmocka_unit_test(a_long_loop_is_one_too),
        cmocka_unit_test(what_was_cut_away_is_no_loop),
        cmocka_unit_test(a_copy_that_is_only_judged_changes_nothing),
        cmocka_unit_test(refuses_a_copy_longer_than_the_bound),
        cmocka_unit_test(refuses_what_is_borrowed_again_and_again),
        cmocka_unit_test(refuses_a_register_that_is_not_the_composers),
        cmocka_unit_test(refuses_what_drifts_away),
        cmocka_unit_test(names_its_verdicts),
    };
    return cmocka_run_group_tests_name("curator taste", tests, NULL, NULL);
}
