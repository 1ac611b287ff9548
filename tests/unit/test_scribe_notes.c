// SPDX-License-Identifier: MIT
// How a net of notes is fed, and how what it plays becomes drafts; the net is played by hand.
#include "control/scribe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "music/score.h"

#define MS 1000

struct scene {
    struct score *score;
    struct primer primer;
    struct scribe scribe;
    struct draft draft;
    struct curator curator;
};

static struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    assert_int_equal(score_new(&scene->score), 0);
    primer_init(&scene->primer, scene->score, 1);
    scribe_init(&scene->scribe, &scene->primer, NET_NOTES, 0);
    curator_init(&scene->curator, &curator_any_bounds, 0);
    return scene;
}

static void scene_free(struct scene *scene)
{
    score_free(scene->score);
    free(scene);
}

static enum primer_source prime(struct scene *scene, enum primer_source source, int64_t start,
                                int64_t piece_start)
{
    return scene->scribe.kind->prime(&scene->scribe, source, start, piece_start, "bach",
                                     &scene->curator);
}

/** One run: what is fed comes back, the rest are notes `ticks` apart. Returns whether the draft
 * from `start` on is whole. */
static bool run(struct scene *scene, int64_t ticks, int64_t start)
{
    struct net_lane input = {.forced_count = 0};
    struct tuple tuples[NET_RUN_NOTES];
    scene->scribe.kind->feed(&scene->scribe, &input);
    if (input.forced_count)
        memcpy(tuples, input.forced, input.forced_count * sizeof *tuples);
    for (size_t i = input.forced_count; i < NET_RUN_NOTES; i++)
        tuples[i] = (struct tuple){tuple_delta_bin(ticks), (uint8_t)(40 + i), 20, 15};
    return scene->scribe.kind->take(&scene->scribe, (const uint8_t *)tuples, start, &scene->draft);
}

static void keep(struct scene *scene, int64_t breath)
{
    draft_shift(&scene->draft, breath);
    draft_commit(&scene->draft, scene->score);
    scene->scribe.kind->keep(&scene->scribe, &scene->draft, breath);
}

static size_t fed(struct scene *scene)
{
    struct net_lane input = {.forced_count = 0};
    scene->scribe.kind->feed(&scene->scribe, &input);
    return input.forced_count;
}

static void test_a_draft_is_four_seconds_and_the_rest_waits(void **state)
{
    struct scene *scene = scene_new();
    assert_int_equal(prime(scene, PRIMER_NOTHING, 0, 0), PRIMER_NOTHING);
    assert_int_equal(fed(scene), 0);
    assert_false(run(scene, 20, 0)); // up to 3.2 s
    assert_true(run(scene, 20, 0));
    // Onsets at 0.2, 0.4, ... 3.8; that at 4.0 and all behind it wait.
    assert_int_equal(scene->draft.onset_count, 19);
    assert_int_equal(scene->draft.onsets[18].onset, 3800 * MS);
    assert_int_equal(scene->draft.event_count, 19);
    keep(scene, 0);
    assert_int_equal(score_horizon(scene->score), DRAFT_US);
    assert_int_equal(scene->scribe.notes.waiting_count, 13);
    assert_int_equal(scene->scribe.notes.waiting[0].onset, 4000 * MS);

    // The next draft begins with what waited.
    assert_false(scene->scribe.kind->go_on(&scene->scribe, DRAFT_US, &scene->draft));
    assert_true(run(scene, 20, DRAFT_US));
    assert_int_equal(scene->draft.onset_count, 20);
    assert_int_equal(scene->draft.onsets[0].onset, 4000 * MS);
    scene_free(scene);
}

static void test_a_key_is_struck_once_at_a_time(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    struct net_lane input = {.forced_count = 0};
    scene->scribe.kind->feed(&scene->scribe, &input);
    struct tuple tuples[NET_RUN_NOTES];
    for (size_t i = 0; i < NET_RUN_NOTES; i++) // four chords of 60, 64, 60 and 64
        tuples[i] = (struct tuple){tuple_delta_bin(i % 4 ? 0 : 120), i % 2 ? 64 : 60, 20, 15};
    assert_true(
        scene->scribe.kind->take(&scene->scribe, (const uint8_t *)tuples, 0, &scene->draft));
    assert_int_equal(scene->draft.onset_count, 2 * 3); // the fourth begins behind its end
    for (size_t i = 0; i < scene->draft.onset_count; i++)
        assert_int_equal(scene->draft.onsets[i].pitch, i % 2 ? 64 : 60);
    keep(scene, 0);
    assert_int_equal(score_copy(scene->score, 0, 4000 * MS, scene->primer.notes, PRIMER_NOTES), 6);
    scene_free(scene);
}

static void test_sparse_notes_are_enough_for_several_drafts(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    assert_true(run(scene, 103, 0)); // 16 notes, 1.03 s apart
    keep(scene, 0);
    int64_t last = 0;
    for (int i = 1; i < 4; i++) {
        assert_true(scene->scribe.kind->go_on(&scene->scribe, i * DRAFT_US, &scene->draft));
        assert_true(scene->draft.onset_count >= 3);
        last = scene->draft.onsets[scene->draft.onset_count - 1].onset;
        keep(scene, 0);
    }
    assert_int_equal(last, 15 * 1030 * MS);
    assert_false(scene->scribe.kind->go_on(&scene->scribe, 4 * DRAFT_US, &scene->draft));
    scene_free(scene);
}

static void test_a_refused_draft_is_forgotten(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    run(scene, 30, 0);
    prime(scene, PRIMER_NOTHING, 0, 0);
    assert_int_equal(scene->scribe.notes.waiting_count, 0);
    assert_true(run(scene, 50, 0));
    assert_int_equal(scene->draft.onset_count, 7);
    assert_int_equal(scene->draft.onsets[0].onset, 500 * MS);
    scene_free(scene);
}

static void test_the_latest_notes_are_fed_and_go_on_seamlessly(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    run(scene, 20, 0);
    run(scene, 20, 0);
    keep(scene, 0);
    assert_int_equal(prime(scene, PRIMER_LATEST, DRAFT_US, 0), PRIMER_LATEST);
    // 19 of the score and 13 that wait: two runs, and then what follows on the last of them, 6.4 s.
    assert_int_equal(scene->scribe.notes.to_feed, 32);
    for (size_t i = 1; i < 32; i++)
        assert_int_equal(scene->scribe.notes.phrase[i].delta, 20);
    assert_int_equal(scene->scribe.notes.waiting_count, 13);
    assert_int_equal(fed(scene), 16);
    assert_false(run(scene, 20, DRAFT_US));
    assert_false(run(scene, 20, DRAFT_US));
    assert_int_equal(fed(scene), 0);
    assert_true(run(scene, 20, DRAFT_US));
    assert_int_equal(scene->draft.onset_count, 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(scene->draft.onsets[i].onset, (4000 + 200 * (int64_t)i) * MS);
    scene_free(scene);
}

static void test_no_more_is_fed_than_is_good(void **state)
{
    struct scene *scene = scene_new();
    for (int i = 0; i < 300; i++) {
        struct note note = {i * 100 * MS, 100 * MS, (uint8_t)(30 + i % 60), 64};
        score_add(scene->score, &note);
    }
    score_extend(scene->score, 30 * NOTE_SECOND);
    prime(scene, PRIMER_LATEST, 30 * NOTE_SECOND, 0);
    assert_int_equal(scene->scribe.notes.to_feed, SCRIBE_PRIME_NOTES);
    assert_int_equal(scene->scribe.notes.phrase[SCRIBE_PRIME_NOTES - 1].pitch, 30 + 299 % 60);
    scene->scribe.soon = true;
    prime(scene, PRIMER_LATEST, 30 * NOTE_SECOND, 0);
    assert_int_equal(scene->scribe.notes.to_feed, SCRIBE_PRIME_NOTES_SOON);
    assert_int_equal(scene->scribe.notes.phrase[SCRIBE_PRIME_NOTES_SOON - 1].pitch, 30 + 299 % 60);
    scene_free(scene);
}

static void test_a_phrase_that_ends_within_a_run(void **state)
{
    struct scene *scene = scene_new();
    struct note note = {3900 * MS, 100 * MS, 60, 64};
    score_add(scene->score, &note);
    score_extend(scene->score, DRAFT_US);
    assert_int_equal(prime(scene, PRIMER_LATEST, DRAFT_US, 0), PRIMER_LATEST);
    assert_int_equal(fed(scene), 1);
    assert_false(run(scene, 20, DRAFT_US));
    // The first new note follows 0.2 s on the one that was fed.
    assert_int_equal(scene->scribe.notes.waiting_count, 15);
    assert_int_equal(scene->scribe.notes.waiting[0].onset, 4100 * MS);
    scene_free(scene);
}

static void test_nothing_begins_before_the_cut(void **state)
{
    struct scene *scene = scene_new();
    struct note note = {1000 * MS, 100 * MS, 60, 64};
    score_add(scene->score, &note);
    score_extend(scene->score, DRAFT_US);
    scene->scribe.kind->cut(&scene->scribe, 2000 * MS);
    prime(scene, PRIMER_LATEST, 2000 * MS, 0);
    run(scene, 20, 2000 * MS);
    assert_int_equal(scene->scribe.notes.waiting[0].onset, 2000 * MS);
    assert_int_equal(scene->scribe.notes.waiting[1].onset, 2200 * MS);
    scene_free(scene);
}

static void test_another_piece_is_not_fed(void **state)
{
    struct scene *scene = scene_new();
    for (int i = 0; i < 8; i++) {
        struct note note = {i * 500 * MS, 100 * MS, 60, 64};
        score_add(scene->score, &note);
    }
    score_extend(scene->score, DRAFT_US);
    assert_int_equal(prime(scene, PRIMER_LATEST, DRAFT_US, 3000 * MS), PRIMER_LATEST);
    assert_int_equal(fed(scene), 2);
    // A piece that has only begun has nothing to go on from, and there is no human phrase either.
    assert_int_equal(prime(scene, PRIMER_LATEST, DRAFT_US, DRAFT_US), PRIMER_NOTHING);
    assert_int_equal(prime(scene, PRIMER_HUMAN, DRAFT_US, 0), PRIMER_NOTHING);
    assert_int_equal(fed(scene), 0);
    scene_free(scene);
}

static void test_a_breath_moves_what_waits_as_well(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    run(scene, 30, 0);
    keep(scene, 1000 * MS);
    struct note first;
    assert_int_equal(score_copy(scene->score, 0, NOTE_SECOND * 2, &first, 1), 1);
    assert_int_equal(first.onset, 1300 * MS);
    assert_int_equal(scene->scribe.notes.waiting[0].onset, 5200 * MS);
    run(scene, 30, 5000 * MS);
    assert_int_equal(scene->scribe.notes.waiting[3].onset, 6100 * MS);
    scene_free(scene);
}

static void test_a_storm_ends(void **state)
{
    struct scene *scene = scene_new();
    prime(scene, PRIMER_NOTHING, 0, 0);
    int runs = 1;
    while (!run(scene, 0, 0))
        runs++;
    assert_int_equal(runs, SCRIBE_WAITING / NET_RUN_NOTES);
    // All at one moment: each key once.
    assert_int_equal(scene->draft.onset_count, NET_RUN_NOTES);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_draft_is_four_seconds_and_the_rest_waits),
        cmocka_unit_test(test_a_key_is_struck_once_at_a_time),
        cmocka_unit_test(test_sparse_notes_are_enough_for_several_drafts),
        cmocka_unit_test(test_a_refused_draft_is_forgotten),
        cmocka_unit_test(test_the_latest_notes_are_fed_and_go_on_seamlessly),
        cmocka_unit_test(test_no_more_is_fed_than_is_good),
        cmocka_unit_test(test_a_phrase_that_ends_within_a_run),
        cmocka_unit_test(test_nothing_begins_before_the_cut),
        cmocka_unit_test(test_another_piece_is_not_fed),
        cmocka_unit_test(test_a_breath_moves_what_waits_as_well),
        cmocka_unit_test(test_a_storm_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
