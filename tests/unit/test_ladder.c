// SPDX-License-Identifier: MIT
// Whatever fails, the music goes on, it is told how, and it recovers by itself: each rung, over
// nets and a device that fail as the test says.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "studio.h"

static const char *const notes_net[] = {"notes-open", NULL};
static const char *const roll_net[] = {"roll-open", NULL};
static const char *const notes_first[] = {"notes-open", "roll-open", NULL};
static const char *const roll_first[] = {"roll-open", "notes-open", NULL};

/** The net that fails (all where the text is empty), how, and from which step on. */
static char failing[32];
static enum fake_mood how;
static uint64_t from_step;

static enum fake_mood fails(const char *net, const struct net_lane *input)
{
    bool it = !strncmp(net, failing, strlen(failing)) && input->step >= from_step;
    return it ? how : FAKE_WELL;
}

static void let_fail(const char *net, enum fake_mood mood, uint64_t step)
{
    snprintf(failing, sizeof failing, "%s", net);
    how = mood;
    from_step = step;
    fake.mood = fails;
}

static int begin(void **state)
{
    fake_reset();
    return 0;
}

static void another_net_plays(const char *const *nets, enum fake_mood mood)
{
    let_fail(nets[0], mood, 400);
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 120);
    assert_string_equal(studio_rung(studio, 0), "net");
    assert_string_equal(fake.last, nets[1]);
    assert_true(studio_decision(studio, 0, "set_aside") >= 1);
    assert_non_null(strstr(studio->channels[0].marks, "rung, "));

    // While it still fails it is tried again, now and then, and nothing is heard of it.
    studio_play(studio, 240);
    uint64_t tried = studio_decision(studio, 0, "set_aside");
    assert_true(tried >= 2 && tried <= 6);
    assert_string_equal(studio_rung(studio, 0), "net");

    fake.mood = NULL;
    studio_play(studio, 600);
    assert_string_equal(studio_rung(studio, 0), "");
    assert_string_equal(fake.last, nets[0]);
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

static void test_another_net_plays_where_one_fails(void **state)
{
    another_net_plays(notes_first, FAKE_NONSENSE);
    another_net_plays(roll_first, FAKE_SILENT);
    another_net_plays(notes_first, FAKE_SILENT);
    another_net_plays(roll_first, FAKE_STUCK);
}

static void test_who_asks_for_the_net_has_it_tried_at_once(void **state)
{
    let_fail("notes", FAKE_NONSENSE, 0);
    struct studio *studio = studio_new(notes_first, true, 1, 7);
    studio_play(studio, 8);
    assert_string_equal(fake.last, "roll-open");
    // What is no music at all is not even judged.
    assert_int_equal(studio_decision(studio, 0, "refused"), 0);
    fake.mood = NULL;
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    snprintf(style.net, sizeof style.net, "roll-open");
    lane_ask(studio->channels[0].lane, &style, LANE_CHANGE);
    studio_play(studio, 2);
    assert_string_equal(studio_rung(studio, 0), "");
    snprintf(style.net, sizeof style.net, "notes-open");
    lane_ask(studio->channels[0].lane, &style, LANE_CHANGE);
    studio_play(studio, 2);
    assert_string_equal(fake.last, "notes-open");
    assert_string_equal(studio_rung(studio, 0), "");
    studio_free(studio);
}

static bool is_human(const struct note *note)
{
    return note->pitch >= FAKE_HUMAN_LOWEST - 1;
}

static void what_was_played_comes_again(const char *const *nets, enum fake_mood mood)
{
    let_fail("", mood, 1000);
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 400);
    assert_string_equal(studio_rung(studio, 0), "replay");
    assert_true(studio_decision(studio, 0, "replays") > 30);
    assert_int_equal(studio_decision(studio, 0, "phrases"), 0);
    size_t count = studio_notes(studio, 0, 0, 400);
    assert_true(count > 400 * 3);
    for (size_t i = 0; i < count; i++)
        assert_false(is_human(&studio->notes[i]));

    fake.mood = NULL;
    uint64_t replays = studio_decision(studio, 0, "replays");
    studio_play(studio, 1000); // where both nets have failed, each has to be tried again
    assert_string_equal(studio_rung(studio, 0), "");
    assert_int_equal(studio_decision(studio, 0, "replays"), replays);
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

static void test_what_was_played_comes_again_where_no_net_is_left(void **state)
{
    what_was_played_comes_again(notes_net, FAKE_NONSENSE);
    what_was_played_comes_again(roll_net, FAKE_SILENT);
    what_was_played_comes_again(notes_net, FAKE_SILENT);
    what_was_played_comes_again(roll_first, FAKE_NONSENSE);
}

static void new_music_comes_again(const char *const *nets)
{
    let_fail("", FAKE_NONSENSE, 1000);
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 240);
    assert_string_equal(studio_rung(studio, 0), "replay");
    let_fail("", FAKE_HIGH, 0);
    studio_play(studio, 240);
    assert_string_equal(studio_rung(studio, 0), "");
    let_fail("", FAKE_NONSENSE, 0);
    studio_play(studio, 120);
    assert_string_equal(studio_rung(studio, 0), "replay");
    size_t count = studio_notes(studio, 0, 540, 600);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += studio->notes[i].pitch;
    assert_true(sum / (double)count > 85 - 12); // 65 and 89, were all of them of one kind
    studio_free(studio);
}

static void test_new_music_comes_again(void **state)
{
    new_music_comes_again(notes_net);
    new_music_comes_again(roll_net);
}

static void human_phrases_are_played(const char *const *nets)
{
    let_fail("", FAKE_NONSENSE, 0);
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 6);
    assert_string_equal(studio_rung(studio, 0), "phrases");
    assert_true(studio_decision(studio, 0, "phrases") >= 1);
    size_t count = studio_notes(studio, 0, 0, 4);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++)
        assert_true(is_human(&studio->notes[i]));
    fake.mood = NULL;
    studio_play(studio, 60);
    assert_string_equal(studio_rung(studio, 0), "");
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

static void test_human_phrases_where_nothing_was_played(void **state)
{
    human_phrases_are_played(notes_net);
    human_phrases_are_played(roll_net);
}

static void every_draft_is_refused(const char *const *nets)
{
    let_fail("", FAKE_STUCK, 400);
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 120);
    assert_string_equal(studio_rung(studio, 0), "least-bad");
    assert_true(studio_decision(studio, 0, "least_bad") > 10);
    fake.mood = NULL;
    studio_play(studio, 1200);
    assert_string_equal(studio_rung(studio, 0), "");
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

static void test_the_least_bad_where_every_draft_is_refused(void **state)
{
    every_draft_is_refused(notes_net);
    every_draft_is_refused(roll_net);
    every_draft_is_refused(roll_first); // the other one is no better
}

static void test_weights_that_cannot_be_read(void **state)
{
    fake.unread = "notes";
    struct studio *studio = studio_new(notes_first, true, 1, 7);
    studio_play(studio, 20);
    assert_string_equal(studio_rung(studio, 0), "net");
    assert_string_equal(fake.last, "roll-open");
    fake.unread = NULL;
    nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL); // beyond the studio's retry_seconds
    studio_play(studio, 20);
    assert_string_equal(studio_rung(studio, 0), "");
    assert_string_equal(fake.last, "notes-open");
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

/** The device does not answer in any run; what is there already is played for hours. */
static void test_relief_goes_on_for_hours(void **state)
{
    struct studio *studio = studio_new(roll_net, true, 2, 7);
    studio_play(studio, 120);
    // A note whose end the net would have told.
    struct score *score = studio->channels[0].score;
    int64_t horizon = score_horizon(score);
    struct note open = {horizon - NOTE_SECOND / 2, NOTE_OPEN, 30, 64}, found[64];
    assert_int_equal(score_add(score, &open), 0);
    fake.lost = true;
    studio_listen(studio, 0, LANE_HIGH_SECONDS);
    // Who is not played needs nothing.
    assert_int_equal(generator_relieve(studio->generator), 0);
    for (size_t i = 0; i < 2; i++)
        generator_set_playing(studio->generator, studio->channels[i].lane, true);
    assert_int_equal(generator_relieve(studio->generator), 1);
    size_t count = score_copy(score, horizon - NOTE_SECOND, horizon, found, 64);
    for (size_t i = 0; i < count; i++)
        assert_true(found[i].duration <= NOTE_SECOND / 2 || found[i].pitch != 30);
    for (int second = 0; second < 7200; second++) {
        generator_relieve(studio->generator);
        for (size_t i = 0; i < 2; i++)
            assert_true(studio_listen(studio, i, 1) == 1);
    }
    assert_true(generator_step(studio->generator) < 0);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(studio_rung(studio, i), "replay");
        assert_true(studio_longest_gap(studio, i) < 3);
        assert_true(studio_notes(studio, i, 7000, 7240) > 120 * 3);
    }
    studio_free(studio);
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/** Listens to channel 0 for `seconds`, as fast as there is music. */
static void listen_on(struct studio *studio, double seconds)
{
    while (seconds > 0.001) {
        double heard = studio_listen(studio, 0, seconds);
        seconds -= heard;
        if (heard == 0)
            rest();
        generator_wake(studio->generator);
    }
}

static void wait_for_trouble(struct studio *studio, const char *word)
{
    for (;;) {
        const char *trouble = generator_trouble(studio->generator);
        if (word ? trouble && !strncmp(trouble, word, strlen(word)) : !trouble)
            return;
        rest();
    }
}

static struct studio *start(const char *const *nets)
{
    struct studio *studio = studio_new(nets, true, 1, 7);
    assert_int_equal(generator_start(studio->generator), 0);
    generator_set_playing(studio->generator, studio->channels[0].lane, true);
    listen_on(studio, 120);
    return studio;
}

static void finish(struct studio *studio)
{
    wait_for_trouble(studio, NULL);
    uint64_t judged = studio_decision(studio, 0, "judged");
    listen_on(studio, 60);
    assert_true(studio_decision(studio, 0, "judged") > judged);
    assert_string_equal(studio_rung(studio, 0), "");
    assert_true(studio_longest_gap(studio, 0) < 3);
    // Nor do two musics sound at once: a net makes ten notes in two seconds, a chord seldom.
    for (double from = 0; from < 230; from += 0.5)
        assert_true(studio_notes(studio, 0, from, from + 2) <= 14);
    studio_free(studio);
}

static void stalls(const char *const *nets)
{
    struct studio *studio = start(nets);
    fake.stalled = true;
    listen_on(studio, 60); // much more than was composed
    wait_for_trouble(studio, "stalled");
    assert_string_equal(studio_rung(studio, 0), "replay");
    fake.stalled = false;
    finish(studio);
}

static void test_a_device_that_stalls(void **state)
{
    stalls(notes_net);
    stalls(roll_net);
}

/** One channel more takes a wider net, which takes its time: the other one is played meanwhile, and
 * nobody calls that a trouble. */
static void test_a_net_that_is_made_slowly(void **state)
{
    struct studio *studio = start(notes_net);
    struct studio_channel *channel = &studio->channels[studio->count++];
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    snprintf(style.net, sizeof style.net, "%s", notes_net[0]);
    assert_int_equal(score_new(&channel->score), 0);
    assert_int_equal(lane_new(channel->score, 100, &style, &channel->lane), 0);
    fake.slow = true;
    assert_int_equal(generator_add(studio->generator, channel->lane), 0);
    listen_on(studio, 60); // much more than was composed
    assert_null(generator_trouble(studio->generator));
    assert_string_equal(studio_rung(studio, 0), "replay");
    assert_string_equal(studio_rung(studio, 1), ""); // who is not played needs nothing
    fake.slow = false;
    finish(studio);
}

static void is_lost(const char *const *nets)
{
    struct studio *studio = start(nets);
    fake.lost = true;
    listen_on(studio, 60);
    wait_for_trouble(studio, "device");
    assert_string_equal(studio_rung(studio, 0), "replay");
    fake.lost = false;
    finish(studio);
}

static void test_a_device_that_is_lost(void **state)
{
    is_lost(notes_net);
    is_lost(roll_net);
}

/** Nothing was there from the beginning on. */
static void starts_without(const char *const *nets, const char *word)
{
    struct studio *studio = studio_new(nets, true, 1, 7);
    assert_int_equal(strncmp(generator_trouble(studio->generator), word, strlen(word)), 0);
    assert_string_equal(generator_device(studio->generator), "none");
    assert_true(generator_step(studio->generator) < 0);
    assert_int_equal(generator_start(studio->generator), 0);
    generator_set_playing(studio->generator, studio->channels[0].lane, true);
    listen_on(studio, 60);
    wait_for_trouble(studio, word);
    assert_string_equal(studio_rung(studio, 0), "phrases");
    size_t count = studio_notes(studio, 0, 0, 60);
    assert_true(count > 60 * 2);
    for (size_t i = 0; i < count; i++)
        assert_true(is_human(&studio->notes[i]));
    fake.lost = false;
    fake.unread = NULL;
    finish(studio);
}

static void test_a_start_without_a_device(void **state)
{
    fake.lost = true;
    starts_without(roll_first, "device");
}

static void test_a_start_without_weights(void **state)
{
    fake.unread = "";
    starts_without(notes_first, "weights");
}

static void test_who_is_not_patient_is_told(void **state)
{
    struct repertoire *repertoire = fake_repertoire(notes_net, true);
    struct generator_config config = {.repertoire = repertoire, .net = notes_net[0], .lanes = 1};
    struct generator *generator;
    fake.lost = true;
    assert_int_equal(generator_new(&config, &generator), -ENODEV);
    fake.lost = false;
    fake.unread = "";
    assert_int_equal(generator_new(&config, &generator), -EBADMSG);
    repertoire_free(repertoire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_another_net_plays_where_one_fails, begin),
        cmocka_unit_test_setup(test_who_asks_for_the_net_has_it_tried_at_once, begin),
        cmocka_unit_test_setup(test_what_was_played_comes_again_where_no_net_is_left, begin),
        cmocka_unit_test_setup(test_new_music_comes_again, begin),
        cmocka_unit_test_setup(test_human_phrases_where_nothing_was_played, begin),
        cmocka_unit_test_setup(test_the_least_bad_where_every_draft_is_refused, begin),
        cmocka_unit_test_setup(test_weights_that_cannot_be_read, begin),
        cmocka_unit_test_setup(test_relief_goes_on_for_hours, begin),
        cmocka_unit_test_setup(test_a_device_that_stalls, begin),
        cmocka_unit_test_setup(test_a_net_that_is_made_slowly, begin),
        cmocka_unit_test_setup(test_a_device_that_is_lost, begin),
        cmocka_unit_test_setup(test_a_start_without_a_device, begin),
        cmocka_unit_test_setup(test_a_start_without_weights, begin),
        cmocka_unit_test_setup(test_who_is_not_patient_is_told, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
