// SPDX-License-Identifier: MIT
#include "client/picture.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cairo.h>

#include "client/feedline.h"

#define WIDE 1500.0
#define LEFT 74.0
#define RIGHT 26.0
#define TOP 92.0
#define GAP 44.0        // below each row, for its axis
#define KEYS 34.0       // width of the keyboard
#define HIGHEST 16000.0 // 96 MB as it is drawn; cairo could do 32767

struct layout {
    const struct picture *picture;
    int low, high;      // pitches shown, both included
    double key;         // height of one
    double row_seconds; // of one row
    int rows;
    double width, height;
};

static bool is_black(int pitch)
{
    return (1 << pitch % 12) & 0x54a; // C#, D#, F#, G#, A#
}

/** Dark violet for the softest to a pale yellow for the loudest. */
static void velocity_colour(cairo_t *cr, double velocity)
{
    static const double stops[][3] = {{0.32, 0.25, 0.60}, {0.60, 0.28, 0.67}, {0.88, 0.34, 0.52},
                                      {0.98, 0.56, 0.36}, {0.99, 0.80, 0.42}, {1.00, 0.97, 0.80}};
    double at = fmin(fmax((velocity - 20) / 90, 0), 1) * 5;
    int i = at >= 5 ? 4 : (int)at;
    double part = at - i, c[3];
    for (int k = 0; k < 3; k++)
        c[k] = stops[i][k] + (stops[i + 1][k] - stops[i][k]) * part;
    cairo_set_source_rgb(cr, c[0], c[1], c[2]);
}

static void choose_layout(const struct picture *picture, const struct roll *roll,
                          struct layout *ret_layout)
{
    struct layout l = {.picture = picture, .low = 48, .high = 83, .key = 8, .width = WIDE};
    for (size_t i = 0; i < roll->note_count; i++) {
        l.low = roll->notes[i].pitch < l.low ? roll->notes[i].pitch : l.low;
        l.high = roll->notes[i].pitch > l.high ? roll->notes[i].pitch : l.high;
    }
    l.low = l.low < 2 ? 0 : l.low - 2;
    l.high = l.high > 125 ? 127 : l.high + 2;
    double seconds = fmax(picture->to - picture->from, 1);
    l.row_seconds = seconds < 30 ? ceil(seconds) : 30;
    for (;;) {
        l.rows = (int)fmax(ceil(seconds / l.row_seconds - 1e-9), 1);
        l.height = TOP + l.rows * ((l.high - l.low + 1) * l.key + GAP) + 8;
        if (l.height <= HIGHEST)
            break;
        if (l.key > 3)
            l.key--;
        else
            l.row_seconds *= 2;
    }
    *ret_layout = l;
}

static double row_top(const struct layout *l, int row)
{
    return TOP + row * ((l->high - l->low + 1) * l->key + GAP);
}

static double pitch_y(const struct layout *l, int row, int pitch)
{
    return row_top(l, row) + (l->high - pitch) * l->key;
}

static double plot_width(const struct layout *l)
{
    return l->width - LEFT - RIGHT;
}

static void text(cairo_t *cr, double x, double y, double align, const char *string)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, string, &extents);
    cairo_move_to(cr, x - extents.x_advance * align, y);
    cairo_show_text(cr, string);
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void draw_keyboard(cairo_t *cr, const struct layout *l, int row)
{
    double x = LEFT - KEYS - 4, top = row_top(l, row);
    double height = (l->high - l->low + 1) * l->key;
    cairo_set_source_rgb(cr, 0.93, 0.92, 0.88);
    cairo_rectangle(cr, x, top, KEYS, height);
    cairo_fill(cr);
    for (int p = l->low; p <= l->high; p++) {
        double y = pitch_y(l, row, p);
        if (is_black(p)) {
            cairo_set_source_rgb(cr, 0.13, 0.13, 0.17);
            cairo_rectangle(cr, x, y, KEYS * 0.62, l->key);
            cairo_fill(cr);
            cairo_set_source_rgb(cr, 0.6, 0.6, 0.6); // the white keys meet behind its middle
            line(cr, x + KEYS * 0.62, y + l->key / 2, x + KEYS, y + l->key / 2);
        } else if (p % 12 == 0 || p % 12 == 5) {
            cairo_set_source_rgb(cr, 0.6, 0.6, 0.6);
            line(cr, x, y + l->key, x + KEYS, y + l->key);
        }
        if (p % 12 == 0) {
            char name[FEEDLINE_NAME_ROOM];
            cairo_set_source_rgb(cr, 0.70, 0.71, 0.78);
            cairo_set_font_size(cr, 12);
            text(cr, x - 6, y + l->key / 2 + 4, 1, feedline_pitch_name((unsigned)p, name));
        }
    }
}

static void draw_ground(cairo_t *cr, const struct layout *l, int row)
{
    double top = row_top(l, row), bottom = top + (l->high - l->low + 1) * l->key;
    double begin = l->picture->from + row * l->row_seconds;
    double seconds = fmin(l->row_seconds, fmax(l->picture->to - begin, 0)); // the last row is short
    double wide = plot_width(l) * seconds / l->row_seconds;
    for (int p = l->low; p <= l->high; p++) {
        double shade = is_black(p) ? 0.085 : 0.115;
        cairo_set_source_rgb(cr, shade, shade, shade + 0.04);
        cairo_rectangle(cr, LEFT, pitch_y(l, row, p), wide, l->key);
        cairo_fill(cr);
    }
    cairo_set_line_width(cr, 1);
    for (int p = (l->low + 11) / 12 * 12; p <= l->high; p += 12) {
        cairo_set_source_rgb(cr, 0.23, 0.23, 0.30);
        double y = floor(pitch_y(l, row, p) + l->key) + 0.5;
        line(cr, LEFT, y, LEFT + wide, y);
    }
    // At most some 30 labels a row: 1, 5, 10... seconds apart.
    int step = l->row_seconds <= 30 ? 1 : (int)(l->row_seconds / 30);
    for (int s = 0; s <= (int)(seconds + 1e-6); s += step) {
        double x = floor(LEFT + plot_width(l) * s / l->row_seconds) + 0.5;
        bool strong = s / step % 5 == 0;
        cairo_set_source_rgb(cr, strong ? 0.24 : 0.16, strong ? 0.24 : 0.16, strong ? 0.32 : 0.21);
        line(cr, x, top, x, bottom + (strong ? 6 : 3));
        if (!strong)
            continue;
        char label[32];
        int at = s + (int)(row * l->row_seconds);
        if (l->picture->to - l->picture->from < 60)
            snprintf(label, sizeof(label), "%d s", at);
        else
            snprintf(label, sizeof(label), "%d:%02d", at / 60, at % 60);
        cairo_set_source_rgb(cr, 0.70, 0.71, 0.78);
        cairo_set_font_size(cr, 12);
        text(cr, x, bottom + 20, 0.5, label);
    }
}

/** Calls for the part of [start, end) that lies in the row; false where there is none. */
static bool clip(const struct layout *l, int row, double start, double end, double *ret_x,
                 double *ret_width)
{
    double begin = l->picture->from + row * l->row_seconds;
    double from = fmax(start, begin);
    double to = fmin(fmin(end, begin + l->row_seconds), l->picture->to);
    if (to <= from)
        return false;
    *ret_x = LEFT + plot_width(l) * (from - begin) / l->row_seconds;
    *ret_width = plot_width(l) * (to - from) / l->row_seconds;
    return true;
}

static void draw_notes(cairo_t *cr, const struct layout *l, const struct roll *roll, int row)
{
    for (size_t i = 0; i < roll->note_count; i++) {
        const struct roll_note *note = &roll->notes[i];
        double x, width, end = fmin(note->end, l->picture->to);
        if (!clip(l, row, note->start, end, &x, &width))
            continue;
        double y = pitch_y(l, row, note->pitch), shown = fmax(width - 1, 1.5);
        velocity_colour(cr, note->velocity);
        cairo_rectangle(cr, x, y + 0.5, shown, l->key - 1);
        cairo_fill(cr);
        // A brighter edge where it is struck, not where a row merely goes on.
        if (note->start >= l->picture->from + row * l->row_seconds) {
            cairo_set_source_rgba(cr, 1, 1, 1, 0.55);
            cairo_rectangle(cr, x, y + 0.5, fmin(2, shown), l->key - 1);
            cairo_fill(cr);
        }
    }
}

static void draw_marks(cairo_t *cr, const struct layout *l, const struct roll *roll, int row)
{
    static const double dashes[] = {4, 4};
    double taken = 0; // where the last label ends
    for (size_t i = 0; i < roll->mark_count; i++) {
        const struct roll_mark *mark = &roll->marks[i];
        double x, width;
        if (!clip(l, row, mark->at, mark->at + 0.001, &x, &width))
            continue;
        double top = row_top(l, row), bottom = top + (l->high - l->low + 1) * l->key;
        cairo_set_source_rgba(cr, 0.36, 0.84, 0.72, 0.85);
        cairo_set_dash(cr, dashes, 2, 0);
        line(cr, floor(x) + 0.5, top, floor(x) + 0.5, bottom + 24);
        cairo_set_dash(cr, NULL, 0, 0);

        char label[80];
        cairo_text_extents_t extents;
        snprintf(label, sizeof(label), "%s%s%s", mark->event, *mark->text ? ": " : "", mark->text);
        cairo_set_font_size(cr, 11);
        cairo_text_extents(cr, label, &extents);
        if (x + 4 >= taken && x + 4 + extents.x_advance < l->width) {
            text(cr, x + 4, bottom + 34, 0, label);
            taken = x + 12 + extents.x_advance;
        }
    }
}

static void draw_title(cairo_t *cr, const struct layout *l, const struct roll *roll)
{
    const struct picture *picture = l->picture;
    double seconds = fmax(picture->to - picture->from, 0);
    size_t notes = 0, reseeds = 0;
    for (size_t i = 0; i < roll->note_count; i++)
        notes += roll->notes[i].start >= picture->from && roll->notes[i].start < picture->to;
    for (size_t i = 0; i < roll->mark_count; i++)
        reseeds += !strcmp(roll->marks[i].event, "reseed") && roll->marks[i].at >= picture->from &&
                   roll->marks[i].at < picture->to;

    cairo_set_source_rgb(cr, 0.97, 0.96, 0.92);
    cairo_set_font_size(cr, 26);
    text(cr, LEFT, 42, 0, picture->title);
    char facts[160];
    snprintf(facts, sizeof(facts), "%.1f s, %zu notes, %.0f a minute, %zu reseed%s", seconds, notes,
             seconds > 0 ? (double)notes * 60 / seconds : 0, reseeds, reseeds == 1 ? "" : "s");
    cairo_set_source_rgb(cr, 0.70, 0.71, 0.78);
    cairo_set_font_size(cr, 15);
    text(cr, LEFT, 68, 0, facts);

    // What the colours mean.
    double x = l->width - RIGHT - 220;
    for (int i = 0; i < 160; i++) {
        velocity_colour(cr, 20 + i * 90 / 160.0);
        cairo_rectangle(cr, floor(x) + 30 + i, 56, 1, 10);
        cairo_fill(cr);
    }
    cairo_set_source_rgb(cr, 0.70, 0.71, 0.78);
    cairo_set_font_size(cr, 12);
    text(cr, x + 24, 66, 1, "velocity  soft");
    text(cr, x + 196, 66, 0, "loud");
}

static cairo_status_t write_some(void *user, const unsigned char *bytes, unsigned size)
{
    return fwrite(bytes, 1, size, user) == size ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

int picture_write_to(const struct picture *picture, const struct roll *roll, FILE *out)
{
    struct layout l;
    choose_layout(picture, roll, &l);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)l.width, (int)ceil(l.height));
    cairo_t *cr = cairo_create(surface);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_source_rgb(cr, 0.055, 0.055, 0.085);
    cairo_paint(cr);
    cairo_set_line_width(cr, 1);
    draw_title(cr, &l, roll);
    for (int row = 0; row < l.rows; row++) {
        draw_ground(cr, &l, row);
        draw_keyboard(cr, &l, row);
        draw_notes(cr, &l, roll, row);
        draw_marks(cr, &l, roll, row);
    }
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, write_some, out);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS && fflush(out) != 0)
        status = CAIRO_STATUS_WRITE_ERROR;
    return status == CAIRO_STATUS_SUCCESS ? 0 : status == CAIRO_STATUS_NO_MEMORY ? -ENOMEM : -EIO;
}

int picture_write(const struct picture *picture, const struct roll *roll, const char *path)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -EIO;
    int r = picture_write_to(picture, roll, out);
    return fclose(out) == 0 ? r : -EIO;
}
