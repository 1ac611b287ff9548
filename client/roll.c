// SPDX-License-Identifier: MIT
#include "client/roll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/feedline.h"
#include "client/text.h"

void roll_finish(struct roll *roll)
{
    free(roll->notes);
    free(roll->marks);
    memset(roll, 0, sizeof(*roll));
}

static int grow(void **items, size_t count, size_t size, size_t *room)
{
    if (count < *room)
        return 0;
    size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(*items, more * size);
    if (!grown)
        return -ENOMEM;
    *items = grown;
    *room = more;
    return 0;
}

static void end_last(struct roll *roll, unsigned pitch, double time)
{
    if (!roll->last[pitch])
        return;
    struct roll_note *note = &roll->notes[roll->last[pitch] - 1];
    if (note->end > time && time >= note->start)
        note->end = time;
}

int roll_add(struct roll *roll, const struct feedline *line)
{
    void *items;
    int r;
    switch (line->kind) {
    case FEEDLINE_ON:
        items = roll->notes;
        r = grow(&items, roll->note_count, sizeof(*roll->notes), &roll->note_room);
        if (r < 0)
            return r;
        roll->notes = items;
        end_last(roll, line->pitch, line->heard);
        roll->notes[roll->note_count++] = (struct roll_note){
            line->heard, line->duration > 0 ? line->heard + line->duration : ROLL_OPEN, line->pitch,
            line->velocity};
        roll->last[line->pitch] = roll->note_count;
        return 0;
    case FEEDLINE_OFF:
        end_last(roll, line->pitch, line->heard);
        return 0;
    case FEEDLINE_MARK:
        if (!strcmp(line->event, "hello"))
            return 0;
        items = roll->marks;
        r = grow(&items, roll->mark_count, sizeof(*roll->marks), &roll->mark_room);
        if (r < 0)
            return r;
        roll->marks = items;
        // A mark may be told long before it is heard; they are kept in the order of hearing.
        size_t place = roll->mark_count++;
        for (; place > 0 && roll->marks[place - 1].at > line->heard; place--)
            roll->marks[place] = roll->marks[place - 1];
        struct roll_mark *mark = &roll->marks[place];
        mark->at = line->heard;
        text_copy(mark->event, sizeof(mark->event), line->event);
        text_copy(mark->text, sizeof(mark->text), line->text);
        return 0;
    }
    return 0;
}

void roll_forget(struct roll *roll, double time)
{
    size_t gone = 0;
    while (gone < roll->note_count && roll->notes[gone].end < time)
        gone++;
    if (gone) {
        roll->note_count -= gone;
        memmove(roll->notes, roll->notes + gone, roll->note_count * sizeof(*roll->notes));
        for (size_t p = 0; p < 128; p++)
            roll->last[p] = roll->last[p] > gone ? roll->last[p] - gone : 0;
    }
    gone = 0;
    while (gone < roll->mark_count && roll->marks[gone].at < time)
        gone++;
    roll->mark_count -= gone;
    if (gone)
        memmove(roll->marks, roll->marks + gone, roll->mark_count * sizeof(*roll->marks));
}

void roll_end(struct roll *roll, double time)
{
    for (size_t i = 0; i < roll->note_count; i++) {
        struct roll_note *note = &roll->notes[i];
        if (note->end == ROLL_OPEN)
            note->end = time > note->start ? time : note->start;
    }
}
