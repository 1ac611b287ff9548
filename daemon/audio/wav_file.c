// SPDX-License-Identifier: MIT
#include "audio/wav_file.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "audio/synth.h"

#define CHANNELS 2
#define FRAME_BYTES (CHANNELS * sizeof(int16_t))
#define FADE_FRAMES 24000 // half a second
#define NEVER INT64_MAX

struct rendering {
    struct synth *synth;
    const struct note *notes;
    size_t count;
    size_t next;
    int64_t ends[128]; ///< of what sounds, or NEVER
};

static int write_header(FILE *out, uint64_t frames)
{
    struct __attribute__((packed)) {
        char riff[4];
        uint32_t riff_bytes;
        char wave[4];
        char fmt[4];
        uint32_t fmt_bytes;
        uint16_t format, channels;
        uint32_t rate, bytes_per_second;
        uint16_t frame_bytes, bits;
        char data[4];
        uint32_t data_bytes;
    } header = {
        .riff = {'R', 'I', 'F', 'F'},
        .riff_bytes = htole32((uint32_t)(frames * FRAME_BYTES + sizeof header - 8)),
        .wave = {'W', 'A', 'V', 'E'},
        .fmt = {'f', 'm', 't', ' '},
        .fmt_bytes = htole32(16),
        .format = htole16(1),
        .channels = htole16(CHANNELS),
        .rate = htole32(SYNTH_RATE),
        .bytes_per_second = htole32(SYNTH_RATE * FRAME_BYTES),
        .frame_bytes = htole16(FRAME_BYTES),
        .bits = htole16(16),
        .data = {'d', 'a', 't', 'a'},
        .data_bytes = htole32((uint32_t)(frames * FRAME_BYTES)),
    };
    return fwrite(&header, sizeof header, 1, out) == 1 ? 0 : -EIO;
}

/** What is due by `time`, what ends before what begins. */
static void perform(struct rendering *rendering, int64_t time)
{
    for (int pitch = 0; pitch < 128; pitch++) {
        if (rendering->ends[pitch] <= time) {
            synth_note_off(rendering->synth, (uint8_t)pitch);
            rendering->ends[pitch] = NEVER;
        }
    }
    while (rendering->next < rendering->count && rendering->notes[rendering->next].onset <= time) {
        const struct note *note = &rendering->notes[rendering->next++];
        if (rendering->ends[note->pitch & 127] != NEVER)
            synth_note_off(rendering->synth, note->pitch);
        synth_note_on(rendering->synth, note->pitch, note->velocity);
        rendering->ends[note->pitch & 127] = note_end(note);
    }
}

static int render(struct rendering *rendering, uint64_t frames, FILE *out)
{
    for (uint64_t done = 0; done < frames;) {
        float sound[CHANNELS * SYNTH_BLOCK];
        int16_t samples[CHANNELS * SYNTH_BLOCK];
        uint32_t now = frames - done < SYNTH_BLOCK ? (uint32_t)(frames - done) : SYNTH_BLOCK;
        // An event belongs to the block boundary nearest to it.
        perform(rendering, (int64_t)(done + SYNTH_BLOCK / 2) * NOTE_SECOND / SYNTH_RATE);
        synth_render(rendering->synth, sound, now);
        for (uint32_t i = 0; i < CHANNELS * now; i++) {
            uint64_t left = frames - done - i / CHANNELS;
            double gain = left < FADE_FRAMES ? (double)left / FADE_FRAMES : 1;
            samples[i] = (int16_t)htole16(
                (uint16_t)(int16_t)lrint(fmin(fmax(sound[i] * gain, -1), 1) * INT16_MAX));
        }
        if (fwrite(samples, FRAME_BYTES, now, out) != now)
            return -EIO;
        done += now;
    }
    return fflush(out) == 0 ? 0 : -EIO;
}

int wav_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                   const char *soundfont)
{
    if (length > WAV_FILE_LONGEST)
        return -EFBIG;
    struct rendering rendering = {.notes = notes, .count = count};
    for (int pitch = 0; pitch < 128; pitch++)
        rendering.ends[pitch] = NEVER;
    int r = synth_new(soundfont, &rendering.synth);
    if (r < 0)
        return r;
    uint64_t frames = (uint64_t)(length * SYNTH_RATE / NOTE_SECOND);
    r = write_header(out, frames);
    if (r == 0)
        r = render(&rendering, frames, out);
    synth_free(rendering.synth);
    return r;
}
