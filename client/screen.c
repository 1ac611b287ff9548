// SPDX-License-Identifier: MIT
#include "client/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ncurses.h>

#include "client/gauge.h"

#define GUTTER 5 // columns of the scale at the left
#define LOW 10   // rows below which the piece is not named
#define KEY_LOW 21
#define KEY_HIGH 108
#define FOLD_LOW 28 // where 88 keys do not fit: six octaves from E1
#define FOLD_HIGH 99
#define SHADES 12
#define BLACK 0 // a cell's colours are 0 for the ground, 1 to SHADES for a note

// From violet over red to a pale yellow: of equal steps in lightness, for dark and light eyes.
static const short shades_256[SHADES] = {60, 61, 97, 133, 169, 168, 204, 209, 215, 221, 228, 231};
static const short shades_8[SHADES] = {COLOR_BLUE,    COLOR_BLUE,   COLOR_BLUE,  COLOR_MAGENTA,
                                       COLOR_MAGENTA, COLOR_RED,    COLOR_RED,   COLOR_RED,
                                       COLOR_YELLOW,  COLOR_YELLOW, COLOR_WHITE, COLOR_WHITE};

enum { PAIR_GROUND = 1, PAIR_DIM, PAIR_TITLE, PAIR_MARK, PAIR_ALERT, PAIR_SHADES };

struct screen {
    SCREEN *terminal;
    bool unicode;
    int colours; ///< 256, 8 or 0
    int rows, columns;
    int head;       ///< rows above the roll
    uint8_t *cells; ///< shade of [line][column], as many as fit
    size_t room;
};

static void start_colours(struct screen *screen)
{
    screen->colours = 0;
    if (!has_colors())
        return;
    start_color();
    screen->colours = COLORS >= 256 && COLOR_PAIRS >= 256 ? 256 : 8;
    bool rich = screen->colours == 256;
    short ground = rich ? 233 : COLOR_BLACK;
    init_pair(PAIR_GROUND, rich ? 250 : COLOR_WHITE, ground);
    init_pair(PAIR_DIM, rich ? 240 : COLOR_BLUE, ground);
    init_pair(PAIR_TITLE, rich ? 231 : COLOR_WHITE, rich ? 54 : COLOR_BLUE);
    init_pair(PAIR_MARK, rich ? 79 : COLOR_CYAN, ground);
    init_pair(PAIR_ALERT, rich ? 221 : COLOR_YELLOW, ground);
    // Upper colour by lower colour; with 8 colours the pairs of equal shades are the same.
    const short *shades = rich ? shades_256 : shades_8;
    for (short up = 0; up <= SHADES; up++)
        for (short low = 0; low <= SHADES; low++)
            init_pair((short)(PAIR_SHADES + up * (SHADES + 1) + low), up ? shades[up - 1] : ground,
                      low ? shades[low - 1] : ground);
    if (COLOR_PAIRS <= PAIR_SHADES + (SHADES + 1) * (SHADES + 1))
        screen->colours = 0;
    else
        bkgd((chtype)COLOR_PAIR(PAIR_GROUND) | ' ');
}

int screen_new(struct screen **ret_screen)
{
    struct screen *screen = calloc(1, sizeof(*screen));
    if (!screen)
        return -ENOMEM;
    screen->terminal = newterm(NULL, stdout, stdin);
    if (!screen->terminal) {
        free(screen);
        return -ENOTTY;
    }
    set_term(screen->terminal);
    const char *move = tigetstr("cup");
    if (!move || move == (char *)-1) { // it can only write on
        endwin();
        delscreen(screen->terminal);
        free(screen);
        return -ENOTTY;
    }
    screen->unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    nodelay(stdscr, true);
    keypad(stdscr, true);
    set_escdelay(25);
    start_colours(screen);
    getmaxyx(stdscr, screen->rows, screen->columns);
    *ret_screen = screen;
    return 0;
}

void screen_free(struct screen *screen)
{
    if (!screen)
        return;
    endwin();
    delscreen(screen->terminal);
    free(screen->cells);
    free(screen);
}

void screen_resize(struct screen *screen)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    getmaxyx(stdscr, screen->rows, screen->columns);
    clear();
}

int screen_key(struct screen *screen)
{
    int key;
    do
        key = getch();
    while (key == KEY_RESIZE);
    return key == ERR ? -1 : key;
}

static int width(const struct screen *screen)
{
    return screen->columns > GUTTER ? screen->columns - GUTTER : 0;
}

double screen_span(const struct screen *screen)
{
    return width(screen) * SCREEN_COLUMN;
}

/** The line (0 on top) of `lines` that shows `pitch`. */
static int line_of(int pitch, int lines)
{
    if (lines >= KEY_HIGH - KEY_LOW + 1) {
        int top = KEY_HIGH + (lines - (KEY_HIGH - KEY_LOW + 1)) / 2;
        while (top - pitch < 0)
            pitch -= 12;
        while (top - pitch >= lines)
            pitch += 12;
        return top - pitch;
    }
    while (pitch < FOLD_LOW)
        pitch += 12;
    while (pitch > FOLD_HIGH)
        pitch -= 12;
    return (FOLD_HIGH - pitch) * lines / (FOLD_HIGH - FOLD_LOW + 1);
}

static uint8_t shade_of(unsigned velocity)
{
    int shade = 1 + ((int)velocity - 20) * SHADES / 96;
    return (uint8_t)(shade < 1 ? 1 : shade > SHADES ? SHADES : shade);
}

static void fill(struct screen *screen, const struct roll *roll, int lines, int wide, double last)
{
    memset(screen->cells, BLACK, (size_t)lines * (size_t)wide);
    for (size_t i = 0; i < roll->note_count; i++) {
        const struct roll_note *note = &roll->notes[i];
        double from = floor(note->start / SCREEN_COLUMN) - last + wide - 1;
        double to =
            floor(fmin(note->end, (last + 1) * SCREEN_COLUMN) / SCREEN_COLUMN) - last + wide - 1;
        if (from >= wide || to < 0)
            continue;
        uint8_t shade = shade_of(note->velocity);
        uint8_t *line = screen->cells + (size_t)line_of(note->pitch, lines) * (size_t)wide;
        int first = from < 0 ? 0 : (int)from;
        int end = to <= from ? first + 1 : (int)fmin(to, wide);
        for (int x = first; x < end; x++)
            if (shade > line[x])
                line[x] = shade;
        // The onset shines, so that a repeated note is seen to be struck again.
        if (from >= 0 && line[first] <= SHADES - 2)
            line[first] = (uint8_t)(line[first] + 2);
    }
}

static void draw_cell(const struct screen *screen, int y, int x, unsigned up, unsigned low,
                      const char *empty)
{
    if (!up && !low) {
        attr_set(A_NORMAL, screen->colours ? PAIR_DIM : 0, NULL);
        mvaddstr(y, x, empty);
        return;
    }
    if (!screen->unicode) {
        unsigned shade = up > low ? up : low;
        attr_set(A_NORMAL, screen->colours ? (short)(PAIR_SHADES + (int)shade * (SHADES + 1)) : 0,
                 NULL);
        mvaddstr(y, x, shade > 9 ? "#" : shade > 5 ? "=" : "-");
    } else if (screen->colours) {
        // What has the colour of the ground is better left to it than painted in it.
        bool swap = !up;
        unsigned fore = swap ? low : up, back = swap ? up : low;
        attr_set(A_NORMAL, (short)(PAIR_SHADES + (int)(fore * (SHADES + 1) + back)), NULL);
        mvaddstr(y, x, swap ? "▄" : "▀");
    } else {
        unsigned shade = up > low ? up : low;
        attr_set(shade > 8 ? A_BOLD : shade > 4 ? A_NORMAL : A_DIM, 0, NULL);
        mvaddstr(y, x, up && low ? "█" : up ? "▀" : "▄");
    }
}

static void draw_roll(struct screen *screen, const struct roll *roll, int rows, double now)
{
    int wide = width(screen), per_row = screen->unicode ? 2 : 1, lines = rows * per_row;
    double last = floor(now / SCREEN_COLUMN); // number of the rightmost column
    size_t need = (size_t)lines * (size_t)wide;
    if (need > screen->room) {
        uint8_t *cells = realloc(screen->cells, need);
        if (!cells)
            return;
        screen->cells = cells;
        screen->room = need;
    }
    fill(screen, roll, lines, wide, last);

    for (int y = 0; y < rows; y++) {
        const char *empty = " ";
        char name[GUTTER + 1] = "";
        for (int c = 24; c <= 108; c += 12) {
            if (line_of(c, lines) / per_row == y && (lines >= 88 || c <= FOLD_HIGH)) {
                snprintf(name, sizeof(name), "C%d", c / 12 - 1);
                empty = screen->unicode ? "·" : ".";
            }
        }
        attr_set(A_NORMAL, screen->colours ? PAIR_DIM : 0, NULL);
        mvprintw(screen->head + y, 0, "%3s %s", name, screen->unicode ? "│" : "|");
        for (int x = 0; x < wide; x++) {
            size_t at = (size_t)(y * per_row) * (size_t)wide + (size_t)x;
            unsigned up = screen->cells[at];
            unsigned low = per_row == 2 ? screen->cells[at + (size_t)wide] : up;
            // The dots stand still in the music, every half second.
            bool dot = fmod(last - wide + 1 + x, 5) == 0;
            draw_cell(screen, screen->head + y, GUTTER + x, up, low, dot ? empty : " ");
        }
    }

    // The axis: seconds before now, and the marks' names below their lines.
    int axis = screen->head + rows;
    attr_set(A_NORMAL, screen->colours ? PAIR_DIM : 0, NULL);
    for (int x = 0; x < wide; x++) {
        int back = wide - 1 - x;
        const char *line = screen->unicode ? (back % 10 ? "─" : "┴") : (back % 10 ? "-" : "+");
        mvaddstr(axis, GUTTER + x, line);
    }
    mvaddstr(axis, GUTTER - 1, screen->unicode ? "└" : "+");
    for (int s = 5; s * 10 + 4 < wide; s += 5)
        mvprintw(axis, GUTTER + wide - 1 - s * 10 - 2, "-%d s", s);
    for (size_t i = 0; i < roll->mark_count; i++) {
        const struct roll_mark *mark = &roll->marks[i];
        int x = (int)(floor(mark->at / SCREEN_COLUMN) - last) + wide - 1;
        if (x < 0 || x >= wide || !strcmp(mark->event, "state"))
            continue;
        attr_set(A_NORMAL, screen->colours ? PAIR_MARK : 0, NULL);
        for (int y = 0; y < rows; y++) {
            size_t at = (size_t)(y * per_row) * (size_t)wide + (size_t)x;
            if (!screen->cells[at] && (per_row == 1 || !screen->cells[at + (size_t)wide]))
                mvaddstr(screen->head + y, GUTTER + x, screen->unicode ? "┊" : ":");
        }
        mvprintw(axis, GUTTER + x, "%s%.*s", screen->unicode ? "↑" : "^", wide - x - 1,
                 mark->event);
    }
    attr_set(A_NORMAL, screen->colours ? PAIR_DIM : 0, NULL);
    mvaddstr(axis, GUTTER + wide - 3, "now");
}

/** Cuts a text to `columns`, as far as its characters have one column each. */
static int fitting(const char *text, int columns)
{
    int bytes = 0;
    for (; text[bytes] && columns > 0; columns--)
        do
            bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80);
    return bytes;
}

static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/** The piece, and how dense the music is beside its composer's own. */
static void draw_piece(const struct screen *screen, const struct status_channel *c)
{
    char gauge[GAUGE_ROOM], right[GAUGE_ROOM + 16];
    gauge_write(c->notes_per_minute, c->human_density, "notes/min", screen->unicode, gauge);
    snprintf(right, sizeof(right), "%s ", gauge);
    const char *title = *c->title ? c->title : "the first piece is being composed";
    if (!*c->title && strcmp(c->state, "starting") != 0)
        title = "";
    int at = screen->columns - columns_of(right), room = screen->columns - 2;
    attr_set(A_NORMAL, screen->colours ? PAIR_DIM : 0, NULL);
    if (at > screen->columns / 3) {
        mvaddstr(1, at, right);
        room = at - 2;
    }
    attr_set(A_NORMAL, screen->colours ? PAIR_GROUND : 0, NULL);
    // All but the first word says more than all but the number.
    const char *rest = strchr(title, ' ');
    if (rest && columns_of(title) > room)
        title = rest + 1;
    mvaddnstr(1, 1, title, fitting(title, room));
}

static void draw_title(const struct screen *screen, const struct status_channel *c)
{
    char left[256], right[256], density[32] = "";
    const char *dot = screen->unicode ? "·" : "-";
    snprintf(left, sizeof(left), " %s%s %s %s %s %s", screen->unicode ? "𝄐 " : "", c->composer, dot,
             c->net, dot, c->state);
    if (screen->head == 1 || !(c->human_density[2] > 0))
        snprintf(density, sizeof(density), "%.0f notes/min  ", c->notes_per_minute);
    if (screen->columns >= 120)
        snprintf(right, sizeof(right),
                 "threshold %.2f %s  volume %.0f %%  %s%.1f s ahead  %llu reseed%s ", c->threshold,
                 c->sampling, c->volume * 100, density, c->seconds_ahead,
                 (unsigned long long)c->reseeds, c->reseeds == 1 ? "" : "s");
    else
        snprintf(right, sizeof(right), "%s%.0f s ahead  %llu reseed%s ", density, c->seconds_ahead,
                 (unsigned long long)c->reseeds, c->reseeds == 1 ? "" : "s");

    attr_set(screen->colours ? A_BOLD : A_REVERSE, screen->colours ? PAIR_TITLE : 0, NULL);
    mvhline(0, 0, ' ', screen->columns);
    mvaddnstr(0, 0, left, fitting(left, screen->columns));
    int at = screen->columns - columns_of(right);
    if (at > columns_of(left) + 1)
        mvaddstr(0, at, right);
}

void screen_draw(struct screen *screen, const struct roll *roll, const struct status *status,
                 const struct status_channel *channel, double now, const char *message)
{
    getmaxyx(stdscr, screen->rows, screen->columns);
    erase();
    screen->head = screen->rows < LOW ? 1 : 2;
    int rows = screen->rows - screen->head - 2;
    if (rows < 2 || width(screen) < 10) {
        mvaddnstr(0, 0, "too small", screen->columns);
        refresh();
        return;
    }
    draw_roll(screen, roll, rows, now);
    draw_title(screen, channel);
    if (screen->head > 1)
        draw_piece(screen, channel);

    char keys[128];
    snprintf(keys, sizeof(keys),
             " q quit  space %s  n skip  k keep  r reseed  c composer  t/T threshold  +/- volume",
             strcmp(channel->state, "stopped") == 0 ? "start" : "stop");
    const char *text = message ? message : *channel->state_reason ? channel->state_reason : keys;
    attr_set(A_NORMAL, screen->colours ? (text == keys ? PAIR_DIM : PAIR_ALERT) : 0, NULL);
    // Not into the last cell: some terminals would scroll.
    mvaddnstr(screen->rows - 1, text == keys ? 0 : 1, text, fitting(text, screen->columns - 2));
    refresh();
}
