// SPDX-License-Identifier: MIT
#include "control/titles.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** "saint_saens": "Saint Saens". */
void titles_write_name(const char *composer, char *ret_name, size_t room)
{
    bool begins = true;
    size_t used = 0;
    for (; *composer && used + 1 < room; composer++) {
        char c = *composer == '_' ? ' ' : *composer;
        ret_name[used++] = begins ? (char)toupper((unsigned char)c) : c;
        begins = c == ' ' || c == '-';
    }
    ret_name[used] = '\0';
}

void titles_write(const char *composer, uint64_t number, char ret_text[TITLES_ROOM])
{
    char name[48];
    titles_write_name(composer, name, sizeof name);
    snprintf(ret_text, TITLES_ROOM, "Improvisation in the manner of %s, no. %" PRIu64, name,
             number);
}

void titles_init(struct titles *titles, uint64_t number)
{
    *titles = (struct titles){.heard = {.number = number}};
    pthread_mutex_init(&titles->mutex, NULL);
}

void titles_finish(struct titles *titles)
{
    pthread_mutex_destroy(&titles->mutex);
}

static void hear_first(struct titles *titles)
{
    titles->heard = titles->planned[0];
    titles->count--;
    memmove(titles->planned, titles->planned + 1, titles->count * sizeof titles->planned[0]);
}

void titles_plan(struct titles *titles, int64_t time, const char *composer,
                 char ret_text[TITLES_ROOM])
{
    pthread_mutex_lock(&titles->mutex);
    if (titles->count == TITLES_PLANNED)
        hear_first(titles);
    const struct title *last = titles->count ? &titles->planned[titles->count - 1] : &titles->heard;
    struct title title = {.time = time, .number = last->number + 1};
    titles_write(composer, title.number, title.text);
    titles->planned[titles->count++] = title;
    memcpy(ret_text, title.text, TITLES_ROOM);
    pthread_mutex_unlock(&titles->mutex);
}

void titles_cut(struct titles *titles, int64_t at)
{
    pthread_mutex_lock(&titles->mutex);
    while (titles->count && titles->planned[titles->count - 1].time >= at)
        titles->count--;
    pthread_mutex_unlock(&titles->mutex);
}

static bool is_due(const struct titles *titles, int64_t position)
{
    return titles->count && position > 0 && titles->planned[0].time <= position;
}

bool titles_are_due(struct titles *titles, int64_t position)
{
    pthread_mutex_lock(&titles->mutex);
    bool due = is_due(titles, position);
    pthread_mutex_unlock(&titles->mutex);
    return due;
}

bool titles_turn(struct titles *titles, int64_t position)
{
    bool turned = false;
    pthread_mutex_lock(&titles->mutex);
    while (is_due(titles, position)) {
        hear_first(titles);
        turned = true;
    }
    pthread_mutex_unlock(&titles->mutex);
    return turned;
}

struct title titles_heard(struct titles *titles)
{
    pthread_mutex_lock(&titles->mutex);
    struct title heard = titles->heard;
    pthread_mutex_unlock(&titles->mutex);
    return heard;
}
