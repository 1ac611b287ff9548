// SPDX-License-Identifier: MIT
// Any bytes as a sound file to be spoken.
#include <math.h>

#include "audio/announcement.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct announcement *announcement;
    const char *why = NULL;
    double seconds = 0;
    int fd = fuzz_file(bytes, size);
    int checked = announcement_check(fd, &seconds, &why);
    FUZZ_HOLDS(checked == 0 ? seconds > 0 && seconds <= ANNOUNCEMENT_SECONDS : why && *why);
    why = NULL;
    int r = announcement_read(fd, &announcement, &why);
    FUZZ_HOLDS(checked == 0 || r < 0); // what the head does not promise is not there
    if (r < 0) {
        FUZZ_HOLDS(why && *why);
        fuzz_saw(500, (uint64_t)-r);
        return 0;
    }
    FUZZ_HOLDS(announcement->channels == 1 || announcement->channels == 2);
    FUZZ_HOLDS(announcement->frames / 48000 <= ANNOUNCEMENT_SECONDS);
    for (size_t i = 0; i < (size_t)announcement->frames * announcement->channels; i++)
        FUZZ_HOLDS(isfinite(announcement->samples[i]) && fabsf(announcement->samples[i]) < 100);
    for (int i = 0; i < PROFILE_KINDS; i++)
        FUZZ_HOLDS(isfinite(announcement->level[i]));
    fuzz_saw(501, announcement->frames);
    announcement_unref(announcement);
    return 0;
}
