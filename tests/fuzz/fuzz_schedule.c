// SPDX-License-Identifier: MIT
// Any text as an entry of a schedule, and when it strikes.
#include <stdlib.h>
#include <string.h>

#include "control/schedule.h"
#include "fuzz.h"

/** In New York's and Lord Howe's zones, where clocks are put back and forward by an hour, and by
 * half of one. */
static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe"};
static const time_t bases[] = {0, 1711846800, 1730610000, 1795385992, 4102444800};

static void act(void *user, const char *key, const char *value)
{
    FUZZ_HOLDS(*key && value);
    ++*(size_t *)user;
}

static void check_times(const struct schedule_entry *entry, time_t base)
{
    time_t next, last;
    if (calendar_next(&entry->calendar, base, &next) == 0) {
        FUZZ_HOLDS(next > base && schedule_next(entry, base) == next);
        FUZZ_HOLDS(calendar_last(&entry->calendar, next, &last) == 0 && last == next);
        FUZZ_HOLDS(calendar_last(&entry->calendar, next - 1, &last) < 0 || last <= base);
    }
    if (calendar_last(&entry->calendar, base, &last) == 0) {
        FUZZ_HOLDS(last <= base);
        FUZZ_HOLDS(calendar_next(&entry->calendar, last - 1, &next) == 0 && next == last);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = strndup((const char *)bytes, size);
    struct schedule schedule = {0}, again = {0};
    const char *why = NULL;
    size_t deeds = 0;
    if (schedule_add(&schedule, text, &why) < 0) {
        FUZZ_HOLDS(why && *why && schedule.count == 0);
    } else {
        const struct schedule_entry *entry = &schedule.entries[0];
        FUZZ_HOLDS(schedule_add(&again, entry->text, &why) == 0);
        FUZZ_HOLDS(!strcmp(again.entries[0].text, entry->text));
        FUZZ_HOLDS(!strpbrk(entry->text, "\r\n")); // it is one line of a file
        schedule_act(entry, act, &deeds);
        FUZZ_HOLDS(deeds > 0);
        setenv("TZ", zones[size % 3], 1);
        tzset();
        check_times(entry, bases[size / 3 % 5]);
        FUZZ_HOLDS(schedule_remove(&schedule, again.entries[0].text) == 0 && !schedule.count);
    }
    schedule_finish(&schedule);
    schedule_finish(&again);
    free(text);
    return 0;
}
