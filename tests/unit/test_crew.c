// SPDX-License-Identifier: MIT
// What is composed for files by several generators side by side, over nets whose play the test
// chooses.
#include "control/crew.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/interrupt.h"
#include "studio.h"

#define LANES 7
#define LENGTH (40 * NOTE_SECOND)
#define BEHIND (13 * NOTE_SECOND)

static const char *const nets[] = {"notes-open", NULL};

/** A run of a crew: what its lanes play, and how it is told of. */
struct band {
    struct repertoire *repertoire;
    struct crew *crew;
    struct score *scores[LANES];
    struct lane *lanes[LANES];
    struct score_event events[LANES][1024];
    size_t counts[LANES];
    int64_t least, whole; ///< told last
    int fails;            ///< what the taking of lane 3 fails with; 0: it does not
    int signals;          ///< raised when lane 3 is taken
};

static enum fake_mood stuck_at_times(const char *net, const struct net_lane *input)
{
    (void)net;
    return input->seed % 3 == 0 && input->step % 320 > 160 ? FAKE_STUCK : FAKE_WELL;
}

static int begin(void **state)
{
    (void)state;
    fake_reset();
    fake.mood = stuck_at_times;
    interrupt_watch();
    return 0;
}

static void band_form(struct band *band, size_t seats)
{
    *band = (struct band){.repertoire = fake_repertoire(nets, true)};
    struct generator_config config = {
        .repertoire = band->repertoire, .net = nets[0], .lanes = LANES};
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    snprintf(style.net, sizeof style.net, "%s", nets[0]);
    assert_int_equal(crew_new(&config, seats, &band->crew), 0);
    for (size_t i = 0; i < LANES; i++) {
        assert_int_equal(score_new(&band->scores[i]), 0);
        assert_int_equal(lane_new(band->scores[i], 7 + i, &style, &band->lanes[i]), 0);
        assert_int_equal(crew_add(band->crew, band->lanes[i]), 0);
    }
    assert_int_equal(crew_add(band->crew, band->lanes[0]), -ENOSPC);
}

static void band_part(struct band *band)
{
    crew_free(band->crew);
    for (size_t i = 0; i < LANES; i++) {
        lane_free(band->lanes[i]);
        score_free(band->scores[i]);
    }
    repertoire_free(band->repertoire);
}

static int64_t take(void *user, size_t index)
{
    struct band *band = user;
    if (index == 3 && band->signals)
        raise(band->signals);
    if (index == 3 && band->fails)
        return band->fails;
    struct score *score = band->scores[index];
    int64_t until = score_horizon(score) - BEHIND;
    struct score_event *events = band->events[index];
    while (score_take(score, until < LENGTH ? until : LENGTH, &events[band->counts[index]]))
        assert_true(++band->counts[index] < 1024);
    return score_position(score);
}

static void tell(void *user, int64_t least, int64_t whole)
{
    struct band *band = user;
    assert_true(whole >= band->whole);
    assert_true(least <= LENGTH);
    band->least = least;
    band->whole = whole;
}

static int band_play(struct band *band)
{
    struct crew_work work = {.length = LENGTH, .take = take, .tell = tell, .user = band};
    return crew_run(band->crew, &work);
}

static struct band one, other; // not on the stack

static void assert_same(const struct band *a, const struct band *b)
{
    for (size_t i = 0; i < LANES; i++) {
        assert_true(a->counts[i] > 40);
        assert_int_equal(a->counts[i], b->counts[i]);
        for (size_t k = 0; k < a->counts[i]; k++) {
            assert_int_equal(a->events[i][k].time, b->events[i][k].time);
            assert_int_equal(a->events[i][k].pitch, b->events[i][k].pitch);
            assert_int_equal(a->events[i][k].velocity, b->events[i][k].velocity);
        }
    }
}

static void test_the_music_is_the_same_however_it_is_shared_out(void **state)
{
    (void)state;
    // All in one net; then on each core, a few at a time, and one at a time.
    band_form(&one, LANES);
    assert_int_equal(band_play(&one), 0);
    assert_int_equal(one.whole, LANES * LENGTH);
    assert_int_equal(one.least, LENGTH);
    assert_int_equal(fake.widest, LANES);
    for (size_t seats = 1; seats <= 3; seats++) {
        fake.on_cpu = true;
        fake.widest = 0;
        band_form(&other, seats);
        assert_int_equal(band_play(&other), 0);
        assert_int_equal(other.whole, LANES * LENGTH);
        assert_true(fake.widest <= 4); // those of sketches
        assert_same(&one, &other);
        band_part(&other);
    }
    band_part(&one);
}

static void test_who_fails_ends_it(void **state)
{
    (void)state;
    fake.on_cpu = true;
    band_form(&one, 2);
    one.fails = -EIO;
    assert_int_equal(band_play(&one), -EIO);
    assert_true(one.whole < LANES * LENGTH);
    band_part(&one);

    band_form(&one, 2);
    fake.lost = true;
    assert_int_equal(band_play(&one), -ENODEV);
    band_part(&one);
}

static void test_an_interrupt_ends_it_where_it_is(void **state)
{
    (void)state;
    fake.on_cpu = true;
    band_form(&one, 2);
    one.signals = SIGINT;
    assert_int_equal(band_play(&one), 0);
    assert_true(interrupt_came());
    assert_true(one.whole < LANES * LENGTH);
    band_part(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_music_is_the_same_however_it_is_shared_out, begin),
        cmocka_unit_test_setup(test_who_fails_ends_it, begin),
        cmocka_unit_test_setup(test_an_interrupt_ends_it_where_it_is, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
