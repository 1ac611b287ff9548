// SPDX-License-Identifier: MIT
#include "control/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/** Reads one line, without its newline. */
static const char *read_line(int fd)
{
    static char line[2 * PIPE_BUF];
    size_t at = 0;
    while (at < sizeof(line) - 1 && read(fd, line + at, 1) == 1 && line[at] != '\n')
        at++;
    line[at] = '\0';
    return line;
}

static int open_and_skip_hello(struct feed *feed)
{
    int fd = -1;
    assert_int_equal(feed_open(feed, &fd), 0);
    assert_non_null(strstr(read_line(fd), "\"event\":\"hello\""));
    return fd;
}

static double number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static void test_lines(void **state)
{
    struct feed *feed;
    assert_int_equal(feed_new("main", &feed), 0);
    int fd;
    assert_int_equal(feed_open(feed, &fd), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
    const char *line = read_line(fd);
    assert_non_null(strstr(line, "{\"event\":\"hello\",\"time\":0.0,\"heard\":"));
    assert_non_null(strstr(line, ",\"text\":\"main\"}"));

    double before = now();
    struct score_event on = {12350000, 400000, 60, 72};
    feed_event(feed, &on, 592800, 24000);
    double after = now();
    line = read_line(fd);
    assert_non_null(strstr(line, "{\"event\":\"on\",\"time\":12.35,\"frame\":592800,\"heard\":"));
    assert_non_null(strstr(line, ",\"pitch\":60,\"velocity\":72,\"duration\":0.4}"));
    double heard = number_after(line, "\"heard\":");
    assert_true(heard >= before + 0.5 - 1e-5 && heard <= after + 0.5 + 1e-5);

    struct score_event open = {12350000, NOTE_OPEN, 61, 1};
    feed_event(feed, &open, 592800, 0);
    assert_null(strstr(read_line(fd), "duration"));

    struct score_event off = {12750001, 0, 60, 0};
    feed_event(feed, &off, 612000, 0);
    line = read_line(fd);
    assert_non_null(strstr(line, "{\"event\":\"off\",\"time\":12.750001,"));
    assert_null(strstr(line, "velocity"));
    close(fd);
    feed_free(feed);
}

static void test_mark_is_placed_by_the_music(void **state)
{
    struct feed *feed;
    assert_int_equal(feed_new("main", &feed), 0);
    int fd = open_and_skip_hello(feed);
    struct score_event on = {5000000, 100000, 60, 72};
    feed_event(feed, &on, 0, 48000);
    double heard = number_after(read_line(fd), "\"heard\":");
    feed_mark(feed, "reseed", 7000000, "thin");
    const char *line = read_line(fd);
    assert_float_equal(number_after(line, "\"heard\":"), heard + 2, 1e-5);
    assert_non_null(strstr(line, "{\"event\":\"reseed\",\"time\":7.0,"));

    // A place in the past is told as now: nothing is heard before it is told.
    double before = now();
    feed_mark(feed, "state", 0, NULL);
    line = read_line(fd);
    assert_true(number_after(line, "\"heard\":") >= before - 1e-5);
    assert_null(strstr(line, "text"));
    close(fd);
    feed_free(feed);
}

static void test_text_is_escaped_and_cut(void **state)
{
    struct feed *feed;
    assert_int_equal(feed_new("a\"b\\c\n", &feed), 0);
    int fd;
    assert_int_equal(feed_open(feed, &fd), 0);
    assert_non_null(strstr(read_line(fd), ",\"text\":\"a\\\"b\\\\c\\u000a\"}"));

    char text[3 * PIPE_BUF + 1];
    for (int shift = 0; shift < 2; shift++) {
        size_t at = 0;
        if (shift)
            text[at++] = 'x';
        while (at + 2 < sizeof(text))
            at += (size_t)sprintf(text + at, "é");
        feed_mark(feed, "state", 0, text);
        const char *line = read_line(fd);
        assert_true(strlen(line) < PIPE_BUF);
        assert_non_null(strstr(line, "é\"}")); // a whole character before the end
    }
    close(fd);
    feed_free(feed);
}

static void test_a_lazy_watcher_loses_whole_lines(void **state)
{
    struct feed *feed;
    assert_int_equal(feed_new("main", &feed), 0);
    int lazy = open_and_skip_hello(feed);
    int keen = open_and_skip_hello(feed);
    fcntl(lazy, F_SETPIPE_SZ, PIPE_BUF);
    for (int i = 0; i < 1000; i++) {
        struct score_event on = {i, 100000, 60, 72};
        feed_event(feed, &on, (uint64_t)i, 0); // blocks for ever if the writing end does
        assert_float_equal(number_after(read_line(keen), "\"frame\":"), i, 0);
    }
    close(keen);

    int lines = 0;
    double last = -1;
    const char *line;
    fcntl(lazy, F_SETFL, O_NONBLOCK); // until it is empty
    for (line = read_line(lazy); *line; line = read_line(lazy)) {
        // A shorter line may fit where a longer one did not: in order, but with holes.
        assert_true(number_after(line, "\"frame\":") > last);
        last = number_after(line, "\"frame\":");
        assert_int_equal(line[strlen(line) - 1], '}');
        lines++;
    }
    assert_in_range(lines, 10, 500);

    // It has lost lines, not its place.
    struct score_event off = {1000, 0, 60, 0};
    feed_event(feed, &off, 77, 0);
    assert_non_null(strstr(read_line(lazy), "\"frame\":77"));
    close(lazy);
    feed_free(feed);
}

static void test_places_are_given_back(void **state)
{
    struct feed *feed;
    assert_int_equal(feed_new("main", &feed), 0);
    int fds[FEED_WATCHERS], fd = -7;
    for (int i = 0; i < FEED_WATCHERS; i++)
        fds[i] = open_and_skip_hello(feed);
    assert_int_equal(feed_open(feed, &fd), -EMFILE);
    assert_int_equal(fd, -7);

    // Closed while nothing is told: noticed at the next open.
    close(fds[3]);
    fds[3] = open_and_skip_hello(feed);
    assert_int_equal(feed_open(feed, &fd), -EMFILE);

    // Closed and noticed when an event is told; the others get it.
    close(fds[0]);
    struct score_event on = {0, 100000, 60, 72};
    feed_event(feed, &on, 0, 0);
    fds[0] = open_and_skip_hello(feed);
    for (int i = 1; i < FEED_WATCHERS; i++)
        assert_non_null(strstr(read_line(fds[i]), "\"on\""));
    for (int i = 0; i < FEED_WATCHERS; i++)
        close(fds[i]);
    feed_free(feed);
    feed_free(NULL);
}

static void *play(void *user)
{
    for (int i = 0; i < 2000; i++) {
        struct score_event on = {i, 100000, 60, 72};
        feed_event(user, &on, (uint64_t)i, 0);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct feed *feed;
    pthread_t performer;
    assert_int_equal(feed_new("main", &feed), 0);
    assert_int_equal(pthread_create(&performer, NULL, play, feed), 0);
    for (int i = 0; i < 100; i++) {
        close(open_and_skip_hello(feed));
        feed_mark(feed, "reseed", i, "interval");
    }
    pthread_join(performer, NULL);
    feed_free(feed);
}

static void test_what_is_planned_is_told_when_the_music_gets_there(void **state)
{
    (void)state;
    struct feed *feed;
    assert_int_equal(feed_new("main", &feed), 0);
    int fd = open_and_skip_hello(feed);
    feed_plan(feed, "reseed", 4000000, "interval", NULL);
    feed_plan(feed, "piece", 2000000, "skip", "a \"title\"");
    feed_plan(feed, "reseed", 6000000, "thin", NULL);
    feed_cut(feed, 5000000);
    static const int64_t times[] = {1000000, 2000000, 5000000, 7000000};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct score_event on = {times[i], 1000, 60, 72};
        feed_event(feed, &on, 0, 0);
    }
    static const char *const expected[] = {
        "\"time\":1.0,", "\"text\":\"skip\",\"title\":\"a \\\"title\\\"\"}",
        "\"time\":2.0,", "\"reseed\",\"time\":4.0,",
        "\"time\":5.0,", "\"time\":7.0,"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_non_null(strstr(read_line(fd), expected[i]));

    // Too many: the earliest is told early, none is lost.
    for (int i = 0; i <= FEED_PLANNED; i++)
        feed_plan(feed, "reseed", (20 + i) * NOTE_SECOND, "interval", NULL);
    assert_non_null(strstr(read_line(fd), "\"time\":20.0,"));
    close(fd);
    feed_free(feed);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_planned_is_told_when_the_music_gets_there),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_mark_is_placed_by_the_music),
        cmocka_unit_test(test_text_is_escaped_and_cut),
        cmocka_unit_test(test_a_lazy_watcher_loses_whole_lines),
        cmocka_unit_test(test_places_are_given_back),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
