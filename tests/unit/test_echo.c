// SPDX-License-Identifier: MIT
// The echo: what was heard before is counted as a plain list would count it, whatever is cut away.
#include "music/echo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS (NOTE_SECOND / 1000)
#define ROOM 60000

static struct note notes[ROOM];

/** The line of notes in order of onset, told in the plainest way; returns its length. */
static size_t plain_line(const struct note *from, size_t count, struct note *line)
{
    size_t start = 0;
    memcpy(line, from, count * sizeof *line);
    for (size_t i = 1; i <= count; i++) {
        if (i < count && line[i].onset - line[i - 1].onset <= LINE_CHORD_US)
            continue;
        line_sort(line + start, i - start);
        start = i;
    }
    return count;
}

/** How often the run that ends with note `last` is among those that end before it. */
static unsigned plain_times(const struct note *line, size_t last, int64_t earliest)
{
    unsigned times = 0;
    for (size_t i = LINE_RUN - 1; i < last && times < ECHO_TIMES; i++) {
        bool same = line[i].onset >= earliest;
        for (size_t k = 1; same && k < LINE_RUN; k++)
            same = line[i - LINE_RUN + 1 + k].pitch - line[i - LINE_RUN + k].pitch ==
                   line[last - LINE_RUN + 1 + k].pitch - line[last - LINE_RUN + k].pitch;
        times += same;
    }
    return times;
}

/** `count` notes from `from` on, on few keys so that runs come again, some of them as chords. */
static size_t draw(struct note *to, size_t count, int64_t from)
{
    static const int64_t steps[] = {0, 10 * MS, 30 * MS, 31 * MS, 120 * MS, 250 * MS};
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct note){from, 100 * MS, (uint8_t)(60 + rand() % 2), 64};
        from += steps[rand() % 6];
    }
    return count;
}

static void check_line(const struct echo *echo, int64_t from, const struct note *kept, size_t known,
                       const struct note *draft, size_t count)
{
    static struct note all[ROOM], line[ROOM];
    struct echo_line found;
    memcpy(all, kept, known * sizeof *all);
    if (count)
        memcpy(all + known, draft, count * sizeof *all);
    size_t length = plain_line(all, known + count, line);
    echo_follow(echo, from, draft, count, &found);
    assert_in_range(found.count, length < ECHO_BEFORE ? length : ECHO_BEFORE, length);
    for (size_t i = 0; i < found.count; i++)
        assert_int_equal(found.pitch[i], line[length - found.count + i].pitch);

    int64_t to = (count ? draft[count - 1].onset : kept[known - 1].onset) + NOTE_SECOND;
    size_t fresh = length - found.count + found.fresh;
    double runs = 0, repeated = 0, times = 0;
    for (size_t i = LINE_RUN - 1; i < length; i++) {
        unsigned n = plain_times(line, i, (i < fresh ? line[i].onset : to) - ECHO_MEMORY);
        if (i < fresh && line[i].onset < to - ECHO_SHORT)
            continue;
        runs++;
        repeated += n > 0;
        times += n;
    }
    struct echo_figures figures;
    echo_measure(echo, &found, to, &figures);
    double age = found.fresh ? (double)(to - kept[0].onset) : 0;
    double expected = times / fmax(runs, 60) * fmin(age / (double)ECHO_SHORT, 1);
    assert_true(fabs(figures.times - expected) < 1e-9);
    // A minute at most has been heard by then, which is within the three as well.
    if (age < (double)ECHO_SHORT)
        assert_true(fabs(figures.share - repeated / fmax(runs, 180) * age / (double)ECHO_LONG) <
                    1e-9);
}

static void agrees_with_a_plain_list_whatever_is_cut(void **state)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        srand(seed);
        struct echo *echo;
        assert_int_equal(echo_new(&echo), 0);
        size_t count = 0;
        for (int round = 0; round < 40; round++) {
            int64_t end = count ? notes[count - 1].onset : 0;
            int64_t from = end + rand() % 3 * 15 * MS;
            if (count && rand() % 3 == 0) {
                // Cut back by up to half of it, anywhere: also in the middle of a chord.
                from = notes[count - 1 - (size_t)rand() % (count < 40 ? count : 40)].onset +
                       rand() % 3 * 5 * MS;
            }
            while (count && notes[count - 1].onset >= from)
                count--;
            struct note draft[40];
            size_t some = draw(draft, 1 + (size_t)rand() % 40, from);
            check_line(echo, from, notes, count, draft, some);
            echo_cut(echo, from);
            check_line(echo, from, notes, count, draft, some);
            echo_keep(echo, draft, some);
            memcpy(notes + count, draft, some * sizeof *notes);
            count += some;
            check_line(echo, INT64_MAX, notes, count, NULL, 0);
        }
        echo_free(echo);
    }
}

/** A melody that no other seed plays, a note every 100 ms. */
static size_t melody(struct note *to, size_t count, int64_t from, unsigned seed, int shift)
{
    srand(seed);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct note){from + (int64_t)i * 100 * MS, 90 * MS,
                              (uint8_t)(40 + rand() % 40 + shift), 64};
    return count;
}

static struct echo_figures measure(const struct echo *echo, const struct note *draft, size_t count)
{
    struct echo_line line;
    struct echo_figures figures;
    echo_follow(echo, draft[0].onset, draft, count, &line);
    echo_measure(echo, &line, draft[count - 1].onset + 100 * MS, &figures);
    return figures;
}

static void hears_a_phrase_again_in_any_key(void **state)
{
    struct echo *echo;
    assert_int_equal(echo_new(&echo), 0);
    int64_t at = 0;
    for (unsigned i = 0; i < 8; i++, at += 30 * NOTE_SECOND) {
        melody(notes, 300, at, 100 + i, 0);
        echo_keep(echo, notes, 300);
    }
    melody(notes, 40, at, 200, 0);
    struct echo_figures figures = measure(echo, notes, 40);
    assert_true(figures.draft_share == 0 && figures.share == 0 && figures.times == 0);
    melody(notes, 40, at, 103, 5);
    figures = measure(echo, notes, 40);
    // Eleven runs begin in what went before, and one is that of the last chord before the draft.
    assert_true(fabs(figures.draft_share - 29.0 / 41) < 1e-9);
    assert_true(fabs(figures.share - 29.0 / 1800) < 2e-4);
    // Once more: each of them for the second time.
    echo_keep(echo, notes, 40);
    melody(notes, 40, at + 4 * NOTE_SECOND, 103, -3);
    figures = measure(echo, notes, 40);
    assert_true(figures.draft_times > 1.3 && figures.draft_times < 1.5);
    echo_free(echo);
}

static void forgets_after_half_an_hour(void **state)
{
    struct echo *echo;
    struct note again[40];
    assert_int_equal(echo_new(&echo), 0);
    melody(notes, 40, 0, 1, 0);
    echo_keep(echo, notes, 40);
    melody(again, 40, ECHO_MEMORY - 10 * NOTE_SECOND, 1, 0);
    assert_true(measure(echo, again, 40).draft_share > 0.6);
    melody(again, 40, ECHO_MEMORY + 10 * NOTE_SECOND, 1, 0);
    // But for the run that ends with the last chord, which nobody knows to be complete.
    assert_true(measure(echo, again, 40).draft_share < 1.5 / 41);
    echo_free(echo);
}

static void a_flood_pushes_out_the_oldest(void **state)
{
    struct echo *echo;
    struct note again[40];
    assert_int_equal(echo_new(&echo), 0);
    melody(notes, 40, 0, 1, 0);
    echo_keep(echo, notes, 40);
    // 50,000 notes in 25 minutes, of which only the last 32,768 are remembered.
    for (size_t i = 0; i < 50000; i += 1000) {
        melody(notes, 1000, 0, (unsigned)(1000 + i), 0);
        for (size_t k = 0; k < 1000; k++)
            notes[k].onset = 10 * NOTE_SECOND + (int64_t)(i + k) * 31 * MS;
        echo_keep(echo, notes, 1000);
    }
    int64_t end = 10 * NOTE_SECOND + 50000 * 31 * MS;
    melody(again, 40, end, 1, 0);
    assert_true(measure(echo, again, 40).draft_share == 0);
    melody(again, 40, end, 1000 + 5000, 0);
    assert_true(measure(echo, again, 40).draft_share == 0);
    melody(again, 40, end, 1000 + 40000, 0);
    assert_true(measure(echo, again, 40).draft_share > 0.6);
    echo_free(echo);
}

static void what_was_cut_away_was_not_heard(void **state)
{
    struct echo *echo;
    struct note again[40];
    assert_int_equal(echo_new(&echo), 0);
    melody(notes, 100, 0, 1, 0);
    echo_keep(echo, notes, 100);
    echo_cut(echo, 5 * NOTE_SECOND);
    for (size_t i = 0; i < 40; i++) {
        again[i] = notes[60 + i];
        again[i].onset = (200 + (int64_t)i) * 100 * MS;
    }
    assert_true(measure(echo, again, 40).draft_share == 0);
    for (size_t i = 0; i < 40; i++)
        again[i].pitch = notes[10 + i].pitch;
    assert_true(measure(echo, again, 40).draft_share > 0.6);
    // All of it.
    echo_cut(echo, 0);
    assert_true(measure(echo, again, 40).draft_share == 0);
    echo_free(echo);
}

static void the_first_minutes_do_not_count_in_full(void **state)
{
    struct echo *echo;
    assert_int_equal(echo_new(&echo), 0);
    double share = 0;
    for (int64_t at = 0; at < 180 * NOTE_SECOND; at += 10 * NOTE_SECOND) {
        melody(notes, 100, at, 1, 0);
        struct echo_figures figures = measure(echo, notes, 100);
        if (at == 60 * NOTE_SECOND) {
            assert_true(figures.draft_share > 0.85);
            assert_true(figures.share > 0.2 && figures.share < 0.36);
        }
        share = figures.share;
        echo_keep(echo, notes, 100);
    }
    assert_true(share > 0.9);
    echo_free(echo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_list_whatever_is_cut),
        cmocka_unit_test(hears_a_phrase_again_in_any_key),
        cmocka_unit_test(forgets_after_half_an_hour),
        cmocka_unit_test(a_flood_pushes_out_the_oldest),
        cmocka_unit_test(what_was_cut_away_was_not_heard),
        cmocka_unit_test(the_first_minutes_do_not_count_in_full),
    };
    return cmocka_run_group_tests_name("echo", tests, NULL, NULL);
}
