// SPDX-License-Identifier: MIT
#include "control/roster.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/schedule.h"
#include "log.h"

static char folder[] = "/tmp/fermata-roster.XXXXXX";
static char state_path[64];

static const char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/** As the daemon makes it: a settings file, then the state file. */
static struct roster *begin(const char *conf)
{
    struct roster *roster;
    assert_int_equal(roster_new(&roster), 0);
    assert_int_equal(roster_read_file(roster, write_file(conf)), 0);
    int r = roster_read_state(roster, state_path);
    assert_true(r == 0 || r == -ENOENT);
    return roster;
}

static struct settings of_main(const struct roster *roster)
{
    struct settings settings = *roster_defaults(roster);
    roster_apply_state(roster, &settings);
    return settings;
}

static struct settings of(const struct roster *roster, const char *name)
{
    struct settings daemon = of_main(roster), settings;
    roster_settings(roster, name, &daemon, &settings);
    assert_string_equal(settings.channel, name);
    return settings;
}

static int add(struct roster *roster, const char *name, const char *key, const char *value)
{
    struct settings wish;
    const char *why;
    settings_init(&wish);
    snprintf(wish.channel, sizeof wish.channel, "%s", name);
    if (key)
        assert_int_equal(settings_set(&wish, key, value, &why), 0);
    return roster_add(roster, &wish);
}

static int forget(void **state)
{
    (void)state;
    unlink(state_path);
    return 0;
}

static void test_a_slip_in_a_file_loses_only_its_line(void **state)
{
    (void)state;
    struct roster *roster =
        begin("[fermata]\n# a comment\ncomposer = bach\nvolume = loud\nwhat is this\n"
              "threshold = 0.25\n[other]\nnet = x\n[channel Support]\nnet = x\n"
              "[channel b]\ndevice = cpu\nvolume = 2\nthreshold = 0.1\n");
    struct settings settings = of_main(roster);
    assert_string_equal(settings.composer, "bach");
    assert_true(fabs(settings.volume - 0.8) < 1e-9);
    assert_true(fabs(settings.threshold - 0.25) < 1e-9);
    assert_string_equal(settings.net, "");
    assert_int_equal(roster_count(roster), 1);
    settings = of(roster, "b");
    assert_string_equal(settings.device, "auto");
    assert_true(fabs(settings.volume - 0.8) < 1e-9);
    assert_true(fabs(settings.threshold - 0.1) < 1e-9);
    roster_free(roster);
}

/** What reading the text logs. */
static const char *logged(const char *text, struct roster *roster)
{
    static char said[4096];
    const char *path = write_file(text);
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_true(file && before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    log_set_level(LOG_LEVEL_WARNING);
    assert_int_equal(roster_read_file(roster, path), 0);
    log_set_level(LOG_LEVEL_ERROR);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return said;
}

static void test_each_slip_is_told_with_its_line(void **state)
{
    (void)state;
    struct roster *roster;
    assert_int_equal(roster_new(&roster), 0);
    char text[2048];
    snprintf(text, sizeof text,
             "\xef\xbb\xbf[fermata] # the head\n\n  composer = bach\n\tvolume = 0.5 ; half\n"
             "what\nnet = lstm;open #2 ; which\nthreshold = high\nwhat again\n# %0300d\n"
             "models = /%0250d\ntempo = 1\n[fermata\nvolume = 0.1\n[channel a\ndevice = cpu\n"
             "volume = 0.2\n[channel b] ; the other\nvolume = 0.3\nschedule = never\nschedule = "
             "2-30 start\n[odd]\nvolume = 0.4\n[channel c%200s]\nvolume = 0.1\n",
             1, 2, "");
    const char *said = logged(text, roster);
    struct settings settings = of_main(roster);
    assert_string_equal(settings.composer, "bach");
    assert_string_equal(settings.net, "lstm;open #2");
    assert_true(fabs(settings.volume - 0.5) < 1e-9);
    assert_string_equal(settings.device, "auto");
    assert_int_equal(roster_count(roster), 1);
    assert_true(fabs(of(roster, "b").volume - 0.3) < 1e-9);
    static const int lines[] = {5, 7, 8, 10, 11, 12, 14, 19, 20, 22, 23};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char place[16];
        snprintf(place, sizeof place, "file:%d: ", lines[i]);
        said = strstr(said, place);
        if (!said)
            fail_msg("nothing is said of line %d", lines[i]);
        said = strchr(said, '\n');
    }
    assert_string_equal(said, "\n");
    roster_free(roster);
}

/** What is changed through the link is kept in what it leads to; `there`: what reading that says.
 */
static void change_through(const char *link, int there, const char *composer)
{
    struct roster *roster;
    struct stat st;
    assert_int_equal(roster_new(&roster), 0);
    assert_int_equal(roster_read_state(roster, link), there);
    assert_int_equal(roster_remember(roster, "main", "composer", composer), 0);
    roster_free(roster);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    roster = begin("[fermata]\n");
    assert_string_equal(of_main(roster).composer, composer);
    roster_free(roster);
}

static void test_a_link_stays_one(void **state)
{
    (void)state;
    char link[128];
    struct roster *roster = begin("[fermata]\n");
    assert_int_equal(roster_remember(roster, "main", "composer", "bach"), 0);
    roster_free(roster);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(state_path, link), 0);
    change_through(link, 0, "debussy");
    unlink(state_path); // and one to a file that is not there yet
    change_through(link, -ENOENT, "bach");

    // What is no file is left as it is.
    struct stat st;
    unlink(link);
    assert_int_equal(mkfifo(link, 0600), 0);
    assert_int_equal(roster_new(&roster), 0);
    assert_int_equal(roster_read_state(roster, link), -EINVAL);
    roster_remember(roster, "main", "composer", "bach");
    roster_free(roster);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    unlink(link);
}

static void test_a_file_that_is_none(void **state)
{
    (void)state;
    struct roster *roster;
    struct settings before;
    assert_int_equal(roster_new(&roster), 0);
    settings_init(&before);
    assert_int_equal(roster_read_file(roster, "/nonexistent/fermata.conf"), -ENOENT);
    assert_int_equal(roster_read_file(roster, "/tmp"), -EINVAL);
    assert_memory_equal(roster_defaults(roster), &before, sizeof before);
    assert_int_equal(roster_count(roster), 0);
    roster_free(roster);
}

static void test_what_is_remembered_comes_back(void **state)
{
    (void)state;
    struct roster *roster = begin("[fermata]\n");
    assert_int_equal(roster_remember(roster, "main", "composer", "bach"), 0);
    assert_int_equal(roster_remember(roster, "main", "threshold", "0.4"), 0);
    assert_int_equal(roster_remember(roster, "main", "composer", "debussy"), 0);
    roster_free(roster);

    roster = begin("[fermata]\ncomposer = chopin\nvolume = 0.1\n");
    struct settings settings = of_main(roster);
    assert_string_equal(settings.composer, "debussy");
    assert_true(fabs(settings.threshold - 0.4) < 1e-9);
    assert_true(fabs(settings.volume - 0.1) < 1e-9);
    roster_free(roster);
}

static void test_what_cannot_be_remembered_is_an_error(void **state)
{
    (void)state;
    struct roster *roster;
    assert_int_equal(roster_new(&roster), 0);
    roster_read_state(roster, "/proc/fermata/state.conf");
    assert_true(roster_remember(roster, "main", "composer", "bach") < 0);
    assert_int_equal(roster_remember(roster, "none", "composer", "bach"), -ENOENT);
    roster_free(roster);
}

static void test_who_inherits_what(void **state)
{
    (void)state;
    struct roster *roster =
        begin("[fermata]\ncomposer = bach\nthreshold = 0.3\nseed = 7\nautostart = yes\n"
              "device = cpu\npiece-number = 12\n[channel a]\nthreshold = 0.6\nautostart = yes\n"
              "[channel main]\nvolume = 0.2\n[channel b]\nseed = 9\n");
    assert_int_equal(roster_remember(roster, "main", "composer", "debussy"), 0);
    struct settings settings = of_main(roster);
    assert_string_equal(settings.composer, "debussy");
    assert_true(fabs(settings.volume - 0.2) < 1e-9);
    assert_int_equal(roster_count(roster), 2);
    assert_string_equal(roster_name(roster, 0), "a");
    assert_string_equal(roster_name(roster, 1), "b");
    // What was changed of "main" is of no concern to the others, but the file's words are.
    settings = of(roster, "a");
    assert_string_equal(settings.composer, "bach");
    assert_string_equal(settings.device, "cpu");
    assert_true(fabs(settings.threshold - 0.6) < 1e-9);
    assert_true(settings.autostart);
    assert_int_equal(settings.seed, 0);
    assert_int_equal(settings.piece_number, 0);
    settings = of(roster, "b");
    assert_true(fabs(settings.threshold - 0.3) < 1e-9);
    assert_false(settings.autostart);
    assert_int_equal(settings.seed, 9);
    roster_free(roster);
}

static void test_channels_come_and_go(void **state)
{
    (void)state;
    static const char conf[] = "[channel c]\ncomposer = bach\n";
    struct roster *roster = begin(conf);
    assert_int_equal(add(roster, "queue-1", "composer", "debussy"), 0);
    assert_int_equal(add(roster, "plain", NULL, NULL), 0);
    assert_int_equal(add(roster, "queue-1", NULL, NULL), -EEXIST);
    assert_int_equal(add(roster, "main", NULL, NULL), -EEXIST);
    assert_int_equal(add(roster, "c", NULL, NULL), -EEXIST);
    assert_int_equal(add(roster, "C", NULL, NULL), -EINVAL);
    assert_int_equal(roster_remember(roster, "plain", "volume", "0.5"), 0);
    roster_free(roster);

    roster = begin(conf);
    assert_int_equal(roster_count(roster), 3);
    assert_string_equal(of(roster, "queue-1").composer, "debussy");
    assert_true(fabs(of(roster, "plain").volume - 0.5) < 1e-9);
    assert_int_equal(roster_remove(roster, "queue-1"), 0);
    assert_int_equal(roster_remove(roster, "queue-1"), -ENOENT);
    assert_int_equal(roster_remove(roster, "main"), -EPERM);
    // A settings file has this one, and it stays removed nevertheless.
    assert_int_equal(roster_remember(roster, "c", "volume", "0.5"), 0);
    assert_int_equal(roster_remove(roster, "c"), 0);
    roster_free(roster);

    roster = begin(conf);
    assert_int_equal(roster_count(roster), 1);
    assert_string_equal(roster_name(roster, 0), "plain");
    assert_int_equal(add(roster, "c", NULL, NULL), 0);
    assert_string_equal(of(roster, "c").composer, "bach");
    assert_true(fabs(of(roster, "c").volume - 0.8) < 1e-9);
    roster_free(roster);

    roster = begin(conf);
    assert_int_equal(roster_count(roster), 2);
    roster_free(roster);
}

static const char *entry_of(const struct roster *roster, const char *name, size_t index)
{
    const struct schedule *schedule = roster_schedule(roster, name);
    return index < schedule->count ? schedule->entries[index].text : "";
}

static void test_schedules_are_kept(void **state)
{
    (void)state;
    static const char conf[] = "[fermata]\nschedule = 18:00 start\nschedule = 25:00 start\n"
                               "schedule = 19:00  stop\n[channel c]\nvolume = 0.5\n";
    const char *why;
    struct roster *roster = begin(conf);
    assert_string_equal(entry_of(roster, "main", 0), "18:00 start");
    assert_string_equal(entry_of(roster, "main", 1), "19:00 stop");
    assert_int_equal(roster_schedule(roster, "c")->count, 0);
    assert_int_equal(roster_schedule(roster, "none")->count, 0);
    assert_int_equal(roster_followed(roster, "main"), 0);
    roster_set_followed(roster, "main", 1000, true);
    assert_int_equal(roster_schedule_add(roster, "c", "daily skip", 2000, &why), 0);
    assert_int_equal(roster_schedule_add(roster, "c", "daily skip", 2000, &why), -EEXIST);
    assert_int_equal(roster_schedule_add(roster, "none", "daily skip", 2000, &why), -ENOENT);
    roster_free(roster);

    roster = begin(conf);
    assert_int_equal(roster_followed(roster, "main"), 1000);
    assert_int_equal(roster_followed(roster, "c"), 2000);
    assert_string_equal(entry_of(roster, "c", 0), "daily skip");
    assert_int_equal(roster_schedule_remove(roster, "main", "18:00 start", 3000), 0);
    assert_int_equal(roster_schedule_remove(roster, "main", "19:00 stop", 3000), 0);
    assert_int_equal(roster_schedule_remove(roster, "main", "19:00 stop", 3000), -ENOENT);
    roster_free(roster);

    // Nothing is left of what the settings file says, and of another schedule none was followed.
    roster = begin(conf);
    assert_int_equal(roster_schedule(roster, "main")->count, 0);
    assert_int_equal(roster_followed(roster, "main"), 3000);
    roster_set_followed(roster, "c", 4000, true);
    assert_int_equal(roster_remove(roster, "c"), 0);
    roster_free(roster);
    roster = begin("[channel c]\nschedule = 10:00 start\n");
    assert_int_equal(roster_schedule(roster, "c")->count, 0);
    roster_free(roster);
    unlink(state_path);
    roster = begin("[fermata]\nschedule = 10:00 start\n");
    roster_set_followed(roster, "main", 1000, true);
    roster_free(roster);
    roster = begin("[fermata]\nschedule = 10:01 start\n");
    assert_int_equal(roster_followed(roster, "main"), 0);
    roster_free(roster);
}

static void test_there_is_an_end_to_them(void **state)
{
    (void)state;
    struct roster *roster = begin("[fermata]\n");
    char name[16];
    for (int i = 0; i < ROSTER_CHANNELS; i++) {
        snprintf(name, sizeof name, "q%d", i);
        assert_int_equal(add(roster, name, NULL, NULL), 0);
    }
    assert_int_equal(add(roster, "more", NULL, NULL), -ENOSPC);
    assert_int_equal(roster_remove(roster, "q7"), 0);
    assert_int_equal(add(roster, "more", NULL, NULL), 0);
    roster_free(roster);
    // And a file that asks for more has what there is room for.
    roster = begin("[channel too]\nvolume = 0.5\n[channel many]\nvolume = 0.5\n");
    assert_int_equal(roster_count(roster), ROSTER_CHANNELS);
    roster_free(roster);
}

static void test_what_cannot_be_read_is_not_replaced(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); // root reads everything
    struct roster *roster = begin("[fermata]\n");
    assert_int_equal(roster_remember(roster, "main", "composer", "bach"), 0);
    roster_free(roster);
    assert_int_equal(chmod(state_path, 0), 0);
    assert_int_equal(roster_new(&roster), 0);
    assert_int_equal(roster_read_state(roster, state_path), -EACCES);
    roster_remember(roster, "main", "volume", "0.5");
    roster_free(roster);
    assert_int_equal(chmod(state_path, 0600), 0);
    roster = begin("[fermata]\n");
    assert_string_equal(of_main(roster).composer, "bach");
    roster_free(roster);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(state_path, sizeof state_path, "%s/a/b/state.conf", folder);
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_slip_in_a_file_loses_only_its_line, forget),
        cmocka_unit_test_setup(test_each_slip_is_told_with_its_line, forget),
        cmocka_unit_test_setup(test_a_link_stays_one, forget),
        cmocka_unit_test_setup(test_a_file_that_is_none, forget),
        cmocka_unit_test_setup(test_what_is_remembered_comes_back, forget),
        cmocka_unit_test_setup(test_what_cannot_be_remembered_is_an_error, forget),
        cmocka_unit_test_setup(test_who_inherits_what, forget),
        cmocka_unit_test_setup(test_channels_come_and_go, forget),
        cmocka_unit_test_setup(test_schedules_are_kept, forget),
        cmocka_unit_test_setup(test_there_is_an_end_to_them, forget),
        cmocka_unit_test_setup(test_what_cannot_be_read_is_not_replaced, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
