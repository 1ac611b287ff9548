// SPDX-License-Identifier: MIT
#include "client/feedline.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/json.h>

#include "client/text.h"

/** spa_json has floats only, and these lose a tenth of a second after ten days of uptime. */
static bool number(const char *token, int length, double *ret_value)
{
    char text[64], *end;
    if (length <= 0 || length >= (int)sizeof(text))
        return false;
    memcpy(text, token, (size_t)length);
    text[length] = '\0';
    double value = strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

int feedline_parse(const char *text, struct feedline *ret_line)
{
    struct feedline line = {.kind = FEEDLINE_MARK};
    struct spa_json outer, object;
    double pitch = -1, velocity = -1;
    char key[32];

    spa_json_init(&outer, text, strlen(text));
    if (spa_json_enter_object(&outer, &object) <= 0)
        return -EBADMSG;
    while (spa_json_get_string(&object, key, sizeof(key)) > 0) {
        const char *token;
        int length = spa_json_next(&object, &token);
        if (length <= 0)
            return -EBADMSG;
        struct {
            const char *key;
            double *place;
        } const numbers[] = {{"time", &line.time},
                             {"heard", &line.heard},
                             {"duration", &line.duration},
                             {"pitch", &pitch},
                             {"velocity", &velocity}};
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
            if (!strcmp(key, numbers[i].key) && !number(token, length, numbers[i].place))
                return -EBADMSG;
        bool is_event = !strcmp(key, "event");
        if ((is_event || !strcmp(key, "text")) && spa_json_is_string(token, length)) {
            char value[4096];
            if (length < (int)sizeof(value) && spa_json_parse_string(token, length, value) > 0)
                text_copy(is_event ? line.event : line.text,
                          is_event ? sizeof(line.event) : sizeof(line.text), value);
        }
    }
    if (!*line.event)
        return -EBADMSG;
    if (!strcmp(line.event, "on") || !strcmp(line.event, "off")) {
        line.kind = line.event[1] == 'n' ? FEEDLINE_ON : FEEDLINE_OFF;
        if (!(pitch >= 0 && pitch <= 127))
            return -EBADMSG;
        if (line.kind == FEEDLINE_ON && !(velocity >= 1 && velocity <= 127))
            return -EBADMSG;
        line.pitch = (uint8_t)pitch;
        line.velocity = line.kind == FEEDLINE_ON ? (uint8_t)velocity : 0;
    }
    *ret_line = line;
    return 0;
}

const char *feedline_pitch_name(unsigned pitch, char ret_name[FEEDLINE_NAME_ROOM])
{
    static const char *const names[] = {"C",  "C#", "D",  "D#", "E",  "F",
                                        "F#", "G",  "G#", "A",  "A#", "B"};
    snprintf(ret_name, FEEDLINE_NAME_ROOM, "%s%d", names[pitch % 12], (int)(pitch / 12 % 100) - 1);
    return ret_name;
}

void feedline_print(const struct feedline *line, FILE *file)
{
    char name[FEEDLINE_NAME_ROOM];
    if (line->kind == FEEDLINE_ON)
        fprintf(file, "%.2f s  %-4s %3u  velocity %3u  %.2f s\n", line->time,
                feedline_pitch_name(line->pitch, name), line->pitch, line->velocity,
                line->duration);
    else if (line->kind == FEEDLINE_MARK)
        fprintf(file, "%.2f s  %s%s%s\n", line->time, line->event, *line->text ? ": " : "",
                line->text);
}
