// SPDX-License-Identifier: MIT
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

#include "nets/safetensors.h"
#include "nets/words.h"
#include "log.h"

static char path[] = "/tmp/fermata-safetensors-XXXXXX";

/** Writes a file whose header says it is `length` bytes long, and opens it. */
static int open_raw(uint64_t length, const char *header, const void *data, size_t size,
                    struct safetensors **ret_file)
{
    FILE *stream = fopen(path, "wbe");
    assert_non_null(stream);
    for (int i = 0; i < 8; i++)
        fputc((int)(length >> (8 * i) & 255), stream);
    fwrite(header, 1, strlen(header), stream);
    fwrite(data, 1, size, stream);
    assert_int_equal(fclose(stream), 0);
    return safetensors_new(path, ret_file);
}

static int open_text(const char *header, size_t size, struct safetensors **ret_file)
{
    static const uint8_t data[256] = {0, 0, 0x80, 0x3f, 0x00, 0xc0, 0x80, 0x3f};
    return open_raw(strlen(header), header, data, size, ret_file);
}

static void good_files_are_read(void **state)
{
    struct safetensors *file = NULL;
    const struct safetensors_tensor *tensor = NULL;
    static const char text[] =
        " {\"__metadata__\":{\"format\":\"x\",\"q\":\"a \\\"b\\\" \\u00e9\"}, \"b\":{"
        "\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[4,8]},\"a\":{\"shape\":"
        "[1],\"data_offsets\":[0,4],\"dtype\":\"F32\"},\"none\":{\"dtype\":\"I64\","
        "\"shape\":[0,5],\"data_offsets\":[8,8]},\"one\":{\"dtype\":\"U8\","
        "\"shape\":[],\"data_offsets\":[8,9]}}";
    assert_int_equal(open_text(&text[1], 9, &file), 0);
    assert_string_equal(safetensors_metadata(file, "format"), "x");
    assert_string_equal(safetensors_metadata(file, "q"), "a \"b\" \xc3\xa9");
    assert_null(safetensors_metadata(file, "nothing"));
    assert_null(safetensors_find(file, "__metadata__"));
    assert_int_equal(safetensors_matrix(file, "a", 1, 0, &tensor), 0);
    assert_true(safetensors_float(tensor, 0) == 1.0f);
    assert_int_equal(safetensors_matrix(file, "b", 2, 1, &tensor), 0);
    assert_true(safetensors_float(tensor, 0) == -2.0f);
    assert_true(safetensors_float(tensor, 1) == 1.0f);
    assert_int_equal(safetensors_find(file, "one")->elements, 1);

    const struct safetensors_tensor *before = tensor;
    assert_int_equal(safetensors_matrix(file, "b", 1, 2, &tensor), -EBADMSG);
    assert_int_equal(safetensors_matrix(file, "b", 2, 0, &tensor), -EBADMSG);
    assert_int_equal(safetensors_matrix(file, "c", 2, 0, &tensor), -EBADMSG);
    assert_int_equal(safetensors_matrix(file, "none", 0, 5, &tensor), -EBADMSG);
    assert_ptr_equal(tensor, before);
    safetensors_free(file);
}

static void values_that_are_no_numbers(void **state)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[4,8]}}";
    static const uint8_t data[8] = {0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff};
    struct safetensors *file = NULL;
    const struct safetensors_tensor *tensor;
    assert_int_equal(open_raw(strlen(header), header, data, 8, &file), 0);
    assert_int_equal(safetensors_matrix(file, "a", 1, 0, &tensor), -EBADMSG);
    assert_int_equal(safetensors_matrix(file, "b", 2, 0, &tensor), -EBADMSG);
    safetensors_free(file);
}

#define INTEGERS "\"a\":{\"dtype\":\"I8\",\"shape\":[2,2],\"data_offsets\":[0,4]}"

static void integers_with_scales(void **state)
{
    // -128 -1 / 2 127, by -2 and 1
    static const uint8_t data[12] = {0x80, 0xff, 2, 0x7f, 0, 0, 0, 0xc0, 0, 0, 0x80, 0x3f};
    static const char header[] = "{" INTEGERS ",\"a.scale\":{\"dtype\":\"F32\",\"shape\":[2],"
                                 "\"data_offsets\":[4,12]}}";
    struct safetensors *file = NULL;
    const struct safetensors_tensor *tensor;
    assert_int_equal(open_raw(strlen(header), header, data, 12, &file), 0);
    assert_int_equal(safetensors_matrix(file, "a", 2, 2, &tensor), 0);
    static const float expected[4] = {256, 2, 2, 127};
    static const int whole[4] = {-128, -1, 2, 127};
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(safetensors_float(tensor, i) == expected[i]);
        assert_int_equal(safetensors_integer(tensor, i), whole[i]);
    }
    assert_int_equal(safetensors_matrix(file, "a", 2, 0, &tensor), -EBADMSG);
    safetensors_free(file);

    static const char *const broken[] = {
        "}", // without a scale
        ",\"a.scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        ",\"a.scale\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[4,12]}}",
        ",\"a.scale\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
        ",\"a.scale\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[4,6]}}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{%s%s", INTEGERS, broken[i]);
        assert_int_equal(open_raw(strlen(text), text, data, 12, &file), 0);
        if (safetensors_matrix(file, "a", 2, 2, &tensor) != -EBADMSG)
            fail_msg("accepted: %s", text);
        safetensors_free(file);
    }
    // A scale that is no number.
    static const uint8_t wild[12] = {1, 1, 1, 1, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f};
    assert_int_equal(open_raw(strlen(header), header, wild, 12, &file), 0);
    assert_int_equal(safetensors_matrix(file, "a", 2, 2, &tensor), -EBADMSG);
    safetensors_free(file);
}

static void lengths_that_cannot_be(void **state)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    static const uint8_t data[4];
    static const uint64_t lengths[] = {
        0, 1, 4096, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, UINT64_C(1) << 32};
    struct safetensors *file = NULL;
    assert_int_equal(open_raw(strlen(header), header, data, 4, &file), 0);
    safetensors_free(file);
    file = NULL;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_int_equal(open_raw(lengths[i], header, data, 4, &file), -EBADMSG);
    // Every header that stops too early, and the data that follows it.
    for (uint64_t length = 0; length < strlen(header); length++)
        assert_int_equal(open_raw(length, header, data, 4, &file), -EBADMSG);
    // Every file that stops too early.
    for (size_t size = 0; size < 8 + strlen(header) + 4; size++) {
        assert_int_equal(open_raw(strlen(header), header, data, 4, &file), 0);
        safetensors_free(file);
        file = NULL;
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_int_equal(safetensors_new(path, &file), -EBADMSG);
    }
    assert_null(file);
}

static void broken_headers(void **state)
{
    static const char *const headers[] = {
        "[]",
        "nonsense",
        "{\"a\"}",
        "{\"a\":1}",
        "{\"a\":[1]}",
        "{a:{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        // shapes
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
        // 2^64 elements and 2^64 bytes come out as nothing where nobody looks
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,1073741824],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}",
        // places
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        // types
        "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}",
        // overlaps and twins
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"),
        // metadata
        "{\"__metadata__\":{\"a\":1}}",
        "{\"__metadata__\":{\"a\":\"1\"},\"__metadata__\":{\"a\":\"2\"}}",
        "{\"__metadata__\":{\"a\"}}",
        "{\"__metadata__\":\"a\"}",
    };
    struct safetensors *file = NULL;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (open_text(headers[i], 8, &file) != -EBADMSG)
            fail_msg("accepted: %s", headers[i]);
        assert_null(file);
    }
}

static void missing_files(void **state)
{
    struct safetensors *file = NULL;
    assert_int_equal(safetensors_new("/nowhere/weights", &file), -ENOENT);
    assert_int_equal(safetensors_new("/tmp", &file), -EBADMSG);
    assert_null(file);
    safetensors_free(NULL);
}

static void lists_of_words(void **state)
{
    struct words *words = NULL;
    assert_int_equal(words_parse("[\"bach\", \"satie \\\"e\\\"\"]", &words), 0);
    assert_int_equal(words->count, 2);
    assert_string_equal(words->words[1], "satie \"e\"");
    assert_int_equal(words_find(words, "bach"), 0);
    assert_int_equal(words_find(words, "liszt"), -ENOENT);
    words_free(words);
    words = NULL;
    assert_int_equal(words_parse("[]", &words), 0);
    assert_int_equal(words->count, 0);
    words_free(words);
    words = NULL;
    static const char *const broken[] = {"", "{}", "\"a\"", "[1]", "[[\"a\"]]", "[\"a\""};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        if (words_parse(broken[i], &words) != -EBADMSG)
            fail_msg("accepted: %s", broken[i]);
    assert_null(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_with_scales),
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(values_that_are_no_numbers),
        cmocka_unit_test(lengths_that_cannot_be),
        cmocka_unit_test(broken_headers),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(lists_of_words),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    log_set_level(LOG_LEVEL_ERROR - 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
