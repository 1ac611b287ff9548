// SPDX-License-Identifier: MIT
// Which nets of a folder are offered, to whom, and which one is played.
#include "control/repertoire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/settings.h"
#include "log.h"
#include "music/quotes.h"
#include "music/curator.h"
#include "music/seedbook.h"

static char folder[] = "/tmp/fermata-repertoire-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(bytes, size, 1, file);
    fclose(file);
}

/** A weights file that has metadata and nothing else. */
static void write_net(const char *name, const char *metadata)
{
    char bytes[1024];
    int size = snprintf(bytes + 8, sizeof bytes - 8, "{\"__metadata__\":{%s}}", metadata);
    memset(bytes, 0, 8);
    bytes[0] = (char)(size & 0xff);
    bytes[1] = (char)(size >> 8);
    write_file(name, bytes, (size_t)size + 8);
}

/** A file of quotes with a filter of eight bytes, all bits set. */
static void write_quotes(const char *name, const char *metadata)
{
    char bytes[1024];
    int size = snprintf(bytes + 8, sizeof bytes - 16,
                        "{\"__metadata__\":{%s},\"filter\":{\"dtype\":\"U8\",\"shape\":[8],"
                        "\"data_offsets\":[0,8]}}",
                        metadata);
    memset(bytes, 0, 8);
    bytes[0] = (char)(size & 0xff);
    bytes[1] = (char)(size >> 8);
    memset(bytes + 8 + size, 0xff, 8);
    write_file(name, bytes, (size_t)size + 16);
}

static void empty_folder(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -f %s/*", folder);
    assert_int_equal(system(command), 0);
}

#define MAESTRO                                                                                    \
    "\"family\":\"maestro\",\"licence\":\"CC BY-NC-SA 4.0\",\"offered\":\"[\\\"bach\\\"]\""
#define OPEN                                                                                       \
    "\"family\":\"open\",\"licence\":\"CC BY-SA 4.0\","                                            \
    "\"offered\":\"[\\\"satie\\\",\\\"chopin\\\"]\","                                              \
    "\"stats\":\"{\\\"satie\\\":{\\\"notes_per_minute\\\":[1,2,3,4,5]}}\""

// It offers a composer, and is no net for all that.
#define QUOTES                                                                                     \
    "\"offered\":\"[\\\"bach\\\"]\",\"format\":\"fermata-quotes-1\",\"hashes\":\"6\","             \
    "\"reference\":\"{\\\"any\\\":{\\\"quoted_notes\\\":[30]}}\""

static void fill_folder(void)
{
    empty_folder();
    write_net("lstm-maestro.safetensors", MAESTRO);
    write_net("lstm-open.safetensors", OPEN);
    write_net("transformer-maestro.safetensors", MAESTRO);
    write_net("transformer-open.safetensors", OPEN);
    write_file("broken-open.safetensors", "nonsense", 8);
    write_net("bare-open.safetensors", "\"family\":\"open\",\"licence\":\"MIT\"");
    write_file("seeds-maestro.txt", "phrase bach Aria\n0 100 60 64\n", 29);
}

static void test_commercial_leaves_the_others_out(void **state)
{
    fill_folder();
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 2);
    assert_null(repertoire_find(repertoire, "lstm-maestro"));
    const struct repertoire_net *net = repertoire_find(repertoire, "lstm-open");
    assert_non_null(net);
    assert_string_equal(net->licence, "CC BY-SA 4.0");
    assert_string_equal(net->family, "open");
    assert_true(net->commercial);
    assert_null(net->book);
    assert_true(repertoire_offers(net, "satie"));
    assert_true(repertoire_offers(net, "chopin"));
    assert_false(repertoire_offers(net, "bach"));
    struct curator_bounds bounds;
    repertoire_bounds(net, "satie", &bounds);
    assert_float_equal(bounds.notes_per_minute[1], 2, 0);
    repertoire_bounds(net, "chopin", &bounds);
    assert_float_equal(bounds.notes_per_minute[1], curator_any_bounds.notes_per_minute[1], 0);
    repertoire_free(repertoire);
}

static void test_any_takes_all_in_and_says_which_is_which(void **state)
{
    fill_folder();
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, false, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 4);
    const struct repertoire_net *net = repertoire_find(repertoire, "lstm-maestro");
    assert_false(net->commercial);
    assert_int_equal(seedbook_count(net->book, "bach"), 1);
    assert_ptr_equal(net->book, repertoire_find(repertoire, "transformer-maestro")->book);
    repertoire_free(repertoire);
}

static void test_nothing_that_is_allowed(void **state)
{
    empty_folder();
    struct repertoire *repertoire = NULL;
    assert_int_equal(repertoire_new(folder, true, &repertoire), -ENOENT);
    assert_int_equal(repertoire_new("/nonexistent", true, &repertoire), -ENOENT);
    write_net("lstm-maestro.safetensors", MAESTRO);
    assert_int_equal(repertoire_new(folder, true, &repertoire), -ENOENT);
    assert_null(repertoire);
}

static void test_broken_seeds_are_done_without(void **state)
{
    empty_folder();
    struct repertoire *repertoire = NULL;
    write_net("lstm-maestro.safetensors", MAESTRO);
    write_file("seeds-maestro.txt", "nonsense\n", 9);
    assert_int_equal(repertoire_new(folder, false, &repertoire), 0);
    assert_non_null(repertoire_find(repertoire, "lstm-maestro"));
    assert_null(repertoire_find(repertoire, "lstm-maestro")->book);
    repertoire_free(repertoire);
}

static const struct quotes *quotes_for(const char *name, const struct repertoire *repertoire)
{
    const struct repertoire_net *net = repertoire_find(repertoire, name);
    assert_non_null(net);
    return net->quotes;
}

static void test_a_family_has_its_quotes(void **state)
{
    fill_folder();
    write_quotes("quotes-open.safetensors", QUOTES);
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, false, &repertoire), 0);
    // They are no net, and the other family goes without.
    assert_int_equal(repertoire_count(repertoire), 4);
    const struct quotes *quotes = quotes_for("lstm-open", repertoire);
    assert_non_null(quotes);
    assert_ptr_equal(quotes, quotes_for("transformer-open", repertoire));
    assert_null(quotes_for("lstm-maestro", repertoire));
    assert_true(quotes_have(quotes, 12345));
    assert_string_equal(quotes_reference(quotes), "{\"any\":{\"quoted_notes\":[30]}}");
    repertoire_free(repertoire);
}

static void test_a_net_that_has_learnt_more_has_quotes_of_its_own(void **state)
{
    struct repertoire *repertoire;
    fill_folder();
    write_quotes("quotes-open.safetensors", QUOTES);
    write_quotes("quotes-transformer-open.safetensors", QUOTES);
    assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 2);
    const struct quotes *quotes = quotes_for("lstm-open", repertoire);
    assert_non_null(quotes_for("transformer-open", repertoire));
    assert_ptr_not_equal(quotes, quotes_for("transformer-open", repertoire));
    repertoire_free(repertoire);

    // Where they are broken, those of its family are better than none.
    write_file("quotes-transformer-open.safetensors", "nonsense", 8);
    assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
    quotes = quotes_for("lstm-open", repertoire);
    assert_non_null(quotes);
    assert_ptr_equal(quotes, quotes_for("transformer-open", repertoire));
    repertoire_free(repertoire);
}

static void test_broken_quotes_stop_nobody(void **state)
{
    static const char *const broken[] = {
        "\"format\":\"fermata-quotes-2\",\"hashes\":\"6\",\"reference\":\"{\\\"any\\\":{}}\"",
        "\"format\":\"fermata-quotes-1\",\"hashes\":\"0\",\"reference\":\"{\\\"any\\\":{}}\"",
        "\"format\":\"fermata-quotes-1\",\"hashes\":\"6\",\"reference\":\"{\"",
        "\"format\":\"fermata-quotes-1\",\"hashes\":\"6\"",
    };
    struct repertoire *repertoire;
    for (size_t i = 0; i <= sizeof broken / sizeof broken[0]; i++) {
        fill_folder();
        if (i < sizeof broken / sizeof broken[0])
            write_quotes("quotes-open.safetensors", broken[i]);
        else
            write_file("quotes-open.safetensors", "nonsense", 8);
        assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
        assert_int_equal(repertoire_count(repertoire), 2);
        assert_null(quotes_for("transformer-open", repertoire));
        repertoire_free(repertoire);
    }
}

static void settle(bool commercial, const char *net, const char *composer, const char *then_net,
                   const char *then_composer)
{
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, commercial, &repertoire), 0);
    struct settings settings;
    settings_init(&settings);
    snprintf(settings.net, sizeof settings.net, "%s", net);
    snprintf(settings.composer, sizeof settings.composer, "%s", composer);
    repertoire_settle(repertoire, &settings);
    assert_string_equal(settings.net, then_net);
    assert_string_equal(settings.composer, then_composer);
    repertoire_free(repertoire);
}

static void test_what_is_asked_gives_way_to_what_there_is(void **state)
{
    fill_folder();
    settle(false, "lstm-maestro", "bach", "lstm-maestro", "bach");
    settle(false, "lstm-maestro", "chopin", "lstm-maestro", "bach");
    settle(true, "lstm-maestro", "chopin", "transformer-open", "chopin");
    settle(true, "none-such", "bach", "transformer-open", "chopin");
    settle(false, "", "satie", "transformer-open", "satie");
}

static void demand(const char *key, const char *value, int result)
{
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
    struct settings settings;
    const char *why;
    settings_init(&settings);
    assert_int_equal(settings_set(&settings, key, value, &why), 0);
    settings.demanded = UINT64_C(1) << settings_find_key(key);
    assert_int_equal(repertoire_settle(repertoire, &settings), result);
    settings.demanded = 0;
    assert_int_equal(repertoire_settle(repertoire, &settings), 0);
    repertoire_free(repertoire);
}

static void test_what_the_command_line_demands_is_there_or_an_error(void **state)
{
    fill_folder();
    demand("net", "lstm-open", 0);
    demand("net", "", 0);
    demand("net", "none-such", -EINVAL);
    demand("net", "lstm-maestro", -EINVAL); // not commercially
    struct repertoire *repertoire;
    assert_int_equal(repertoire_new(folder, true, &repertoire), 0);
    assert_true(repertoire_forbids(repertoire, "lstm-maestro"));
    assert_true(repertoire_forbids(repertoire, "transformer-maestro"));
    assert_false(repertoire_forbids(repertoire, "maestro"));
    assert_false(repertoire_forbids(repertoire, "lstm"));
    assert_false(repertoire_forbids(repertoire, "4.0"));
    assert_false(repertoire_forbids(repertoire, "lstm-open"));
    assert_false(repertoire_forbids(repertoire, ""));
    repertoire_free(repertoire);
    demand("composer", "satie", 0);
    demand("composer", "liszt", -EINVAL);
}

static void test_the_default_net(void **state)
{
    fill_folder();
    char path[256];
    snprintf(path, sizeof path, "%s/transformer-open.safetensors", folder);
    unlink(path);
    settle(false, "", "chopin", "lstm-open", "chopin");
    snprintf(path, sizeof path, "%s/lstm-open.safetensors", folder);
    unlink(path);
    settle(false, "", "bach", "lstm-maestro", "bach");
}

#define SEEDS_OPEN                                                                                 \
    "# Licence: CC BY-SA 4.0\nphrase satie A\n0 100 60 64\n\nphrase bach B\n0 100 62 64\n"
#define SEEDS_MAESTRO "# Licence: CC BY-NC-SA 4.0\nphrase bach Aria\n0 100 60 64\n"

/** Every net's file is there, and none can be read. */
static void fill_with_nonsense(void)
{
    empty_folder();
    write_file("lstm-open.safetensors", "nonsense", 8);
    write_file("lstm-maestro.safetensors", "", 0);
    write_file("seeds-open.txt", SEEDS_OPEN, strlen(SEEDS_OPEN));
    write_file("seeds-maestro.txt", SEEDS_MAESTRO, strlen(SEEDS_MAESTRO));
}

static void test_phrases_stand_in_for_what_cannot_be_read(void **state)
{
    fill_with_nonsense();
    struct repertoire *repertoire = NULL;
    assert_int_equal(repertoire_new(folder, false, &repertoire), -ENOENT);
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 1); // the other's phrases are forbidden
    const struct repertoire_net *net = repertoire_find(repertoire, "lstm-open");
    assert_true(net->stands_in);
    assert_string_equal(net->licence, "CC BY-SA 4.0");
    assert_true(net->commercial);
    assert_true(repertoire_offers(net, "satie"));
    assert_true(repertoire_offers(net, "bach"));
    assert_false(repertoire_offers(net, "chopin"));
    struct curator_bounds bounds;
    repertoire_bounds(net, "satie", &bounds);
    assert_float_equal(bounds.notes_per_minute[1], curator_any_bounds.notes_per_minute[1], 0);
    assert_true(repertoire_lacks(repertoire));
    repertoire_free(repertoire);

    assert_int_equal(repertoire_new_patient(folder, false, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 2);
    assert_string_equal(repertoire_default(repertoire)->name, "lstm-open");
    repertoire_free(repertoire);

    // One that can be read does not hide that the other cannot.
    write_net("lstm-maestro.safetensors", MAESTRO);
    assert_int_equal(repertoire_new_patient(folder, false, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 2);
    assert_true(repertoire_find(repertoire, "lstm-open")->stands_in);
    assert_false(repertoire_find(repertoire, "lstm-maestro")->stands_in);
    assert_true(repertoire_lacks(repertoire));
    repertoire_free(repertoire);
    assert_int_equal(repertoire_new(folder, false, &repertoire), 0);
    assert_int_equal(repertoire_count(repertoire), 1);
    assert_false(repertoire_lacks(repertoire));
    repertoire_free(repertoire);

    // Of a family that has another net, it has the composers of that one.
    empty_folder();
    write_file("transformer-open.safetensors", "nonsense", 8);
    write_file("seeds-open.txt", SEEDS_OPEN, strlen(SEEDS_OPEN));
    write_net("lstm-open.safetensors", OPEN);
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), 0);
    net = repertoire_find(repertoire, "transformer-open");
    assert_true(net->stands_in);
    assert_ptr_equal(net, repertoire_default(repertoire));
    assert_true(repertoire_offers(net, "chopin"));
    assert_false(repertoire_offers(net, "bach"));
    repertoire_free(repertoire);

    // Where there are no phrases, or none that may be played, there is no music at all.
    empty_folder();
    write_file("lstm-open.safetensors", "nonsense", 8);
    assert_int_equal(repertoire_new_patient(folder, false, &repertoire), -ENOENT);
    write_file("seeds-open.txt", SEEDS_MAESTRO, strlen(SEEDS_MAESTRO));
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), -ENOENT);
    write_file("seeds-open.txt", "# no licence\nphrase bach A\n0 9 60 64\n", 38);
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), -ENOENT);
}

static void test_what_can_be_read_again_is_taken_in(void **state)
{
    fill_with_nonsense();
    struct repertoire *repertoire = NULL;
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), 0);
    const struct repertoire_net *before = repertoire_find(repertoire, "lstm-open");
    assert_int_equal(repertoire_look_again(repertoire, true), 0);
    write_file("lstm-open.safetensors", "more nonsense", 13);
    assert_int_equal(repertoire_look_again(repertoire, false), 0);
    assert_true(repertoire_lacks(repertoire));

    write_net("lstm-open.safetensors", OPEN);
    assert_int_equal(repertoire_look_again(repertoire, false), 1);
    assert_false(repertoire_lacks(repertoire));
    assert_int_equal(repertoire_look_again(repertoire, true), 0);
    const struct repertoire_net *net = repertoire_find(repertoire, "lstm-open");
    assert_ptr_not_equal(net, before);
    assert_true(before->stands_in);
    assert_false(net->stands_in);
    assert_ptr_equal(net->book, before->book);
    assert_ptr_equal(net, repertoire_default(repertoire));
    assert_true(repertoire_offers(net, "chopin"));
    assert_false(repertoire_offers(net, "bach"));
    struct curator_bounds bounds;
    repertoire_bounds(net, "satie", &bounds);
    assert_float_equal(bounds.notes_per_minute[1], 2, 0);
    repertoire_free(repertoire);
}

static void test_what_the_phrases_hide_is_forbidden_all_the_same(void **state)
{
    fill_with_nonsense();
    struct repertoire *repertoire = NULL;
    assert_int_equal(repertoire_new_patient(folder, true, &repertoire), 0);
    write_net("lstm-open.safetensors", MAESTRO); // its own licence says no
    assert_int_equal(repertoire_look_again(repertoire, true), 0);
    assert_true(repertoire_find(repertoire, "lstm-open")->stands_in);
    repertoire_free(repertoire);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    log_set_level(0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commercial_leaves_the_others_out),
        cmocka_unit_test(test_any_takes_all_in_and_says_which_is_which),
        cmocka_unit_test(test_a_family_has_its_quotes),
        cmocka_unit_test(test_a_net_that_has_learnt_more_has_quotes_of_its_own),
        cmocka_unit_test(test_broken_quotes_stop_nobody),
        cmocka_unit_test(test_nothing_that_is_allowed),
        cmocka_unit_test(test_broken_seeds_are_done_without),
        cmocka_unit_test(test_what_is_asked_gives_way_to_what_there_is),
        cmocka_unit_test(test_what_the_command_line_demands_is_there_or_an_error),
        cmocka_unit_test(test_the_default_net),
        cmocka_unit_test(test_phrases_stand_in_for_what_cannot_be_read),
        cmocka_unit_test(test_what_can_be_read_again_is_taken_in),
        cmocka_unit_test(test_what_the_phrases_hide_is_forbidden_all_the_same),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    empty_folder();
    rmdir(folder);
    return failed;
}
