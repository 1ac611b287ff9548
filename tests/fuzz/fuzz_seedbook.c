// SPDX-License-Identifier: MIT
// Any bytes as a book of human seeds.
#include "fuzz.h"
#include "music/seedbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct seedbook *book;
    if (seedbook_new(fuzz_path(bytes, size), &book) < 0)
        return 0;
    for (uint64_t i = 0; i < 4; i++) {
        const struct phrase *phrase = seedbook_phrase(book, i & 1 ? "bach" : "nobody", i);
        if (!phrase)
            continue;
        FUZZ_HOLDS(phrase->count > 0 && phrase->notes[0].onset == 0);
        for (size_t k = 0; k < phrase->count; k++) {
            const struct note *note = &phrase->notes[k];
            FUZZ_HOLDS(note->duration > 0 && note_end(note) <= phrase->length);
            FUZZ_HOLDS(note->velocity >= 1 && note->velocity <= 127 && note->pitch <= 127);
            FUZZ_HOLDS(!k || note->onset >= note[-1].onset);
        }
        fuzz_saw(400, phrase->count);
    }
    seedbook_free(book);
    return 0;
}
