// SPDX-License-Identifier: MIT
#include "client/picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cairo.h>
#include <cmocka.h>

static char path[] = "/tmp/fermata-picture.XXXXXX";

/** How many pixels are as bright as a loud note and nothing else below the title is. */
static long bright(cairo_surface_t *image, int from_x, int to_x)
{
    long count = 0;
    const unsigned char *data = cairo_image_surface_get_data(image);
    int stride = cairo_image_surface_get_stride(image);
    for (int y = 92; y < cairo_image_surface_get_height(image); y++)
        for (int x = from_x; x < to_x; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + x * 4, 4);
            count += (pixel >> 16 & 255) > 230 && (pixel >> 8 & 255) > 225;
        }
    return count;
}

static cairo_surface_t *made(struct roll_note *notes, size_t count, double to)
{
    struct roll_mark mark = {.at = 100.5, .event = "reseed", .text = "thin"};
    struct roll roll = {.notes = notes, .note_count = count, .marks = &mark, .mark_count = 1};
    struct picture picture = {"Title", 100, to};
    assert_int_equal(picture_write(&picture, &roll, path), 0);
    cairo_surface_t *image = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    return image;
}

static void test_a_note_is_where_it_was_played(void **state)
{
    // 10 s over 1400 pixels from 74 on: the note lies between 354 and 634.
    struct roll_note note = {102, 104, 60, 127};
    cairo_surface_t *image = made(&note, 1, 110);
    assert_int_equal(cairo_image_surface_get_width(image), 1500);
    assert_true(bright(image, 354, 634) > 270 * 6);
    assert_int_equal(bright(image, 74, 354), 0);
    assert_int_equal(bright(image, 634, 1500), 0);
    cairo_surface_destroy(image);
}

static void test_outside_is_left_out(void **state)
{
    struct roll_note notes[] = {{95, 99, 60, 127}, {111, 112, 60, 127}, {110, ROLL_OPEN, 61, 127}};
    cairo_surface_t *image = made(notes, 3, 110);
    assert_int_equal(bright(image, 74, 1500), 0);
    cairo_surface_destroy(image);

    // 35 s in rows of 30 s: the second row has room behind the end, 307 pixels from its beginning.
    struct roll_note late[] = {{133, 139, 60, 127}, {136, 138, 70, 127}};
    image = made(late, 2, 135);
    assert_true(bright(image, 214, 307) > 90 * 6);
    assert_int_equal(bright(image, 310, 1500), 0);
    cairo_surface_destroy(image);
}

static void test_long_ones_are_wrapped(void **state)
{
    // From 29 to 31 s: the end of the first row and the beginning of the second.
    struct roll_note note = {129, 131, 60, 127};
    cairo_surface_t *one = made(&note, 1, 130), *two = made(&note, 1, 160);
    assert_true(bright(one, 1420, 1480) > 40 * 6);
    assert_true(bright(two, 1420, 1480) > 40 * 6);
    assert_int_equal(bright(one, 74, 130), 0);
    assert_true(bright(two, 74, 130) > 40 * 6);
    assert_true(cairo_image_surface_get_height(two) > cairo_image_surface_get_height(one) + 200);
    cairo_surface_destroy(one);
    cairo_surface_destroy(two);
}

static void test_any_length(void **state)
{
    static const double lengths[] = {0, 0.01, 29.999, 3600, 100 * 3600};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        struct roll_note notes[] = {{100, 100 + lengths[i], 0, 1},
                                    {100 + lengths[i] / 2, ROLL_OPEN, 127, 127}};
        cairo_surface_t *image = made(notes, 2, 100 + lengths[i]);
        assert_in_range(cairo_image_surface_get_height(image), 200, 16000);
        cairo_surface_destroy(image);
    }
    cairo_surface_destroy(made(NULL, 0, 110));
}

static void test_no_such_folder(void **state)
{
    struct roll roll = {0};
    struct picture picture = {"Title", 0, 1};
    assert_int_equal(picture_write(&picture, &roll, "/nonexistent/x.png"), -EIO);
}

static int make(void **state)
{
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int take_away(void **state)
{
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_is_where_it_was_played),
        cmocka_unit_test(test_outside_is_left_out),
        cmocka_unit_test(test_long_ones_are_wrapped),
        cmocka_unit_test(test_any_length),
        cmocka_unit_test(test_no_such_folder),
    };
    return cmocka_run_group_tests(tests, make, take_away);
}
