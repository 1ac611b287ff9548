// SPDX-License-Identifier: MIT
// Any bytes as a MIDI file, up to the opening that a score would get; see run.sh.
#include <stdint.h>
#include <stdlib.h>

#include "control/opening_reader.h"
#include "music/opening.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct opening opening;
    const char *why = NULL;
    int r = opening_reader_read(bytes, size, &opening, &why);
    if (r < 0) {
        if (!why || !*why)
            abort();
        return 0;
    }
    if (opening.count == 0 || opening.count > OPENING_NOTES || opening.length > OPENING_LONGEST)
        abort();
    for (size_t i = 0; i < opening.count; i++) {
        const struct note *note = &opening.notes[i];
        if (note->pitch < 21 || note->pitch > 108 || !note->velocity || note->velocity > 127 ||
            note->onset < 0 || note->duration <= 0 || note_end(note) > opening.length)
            abort();
    }
    return 0;
}
