// SPDX-License-Identifier: MIT
#include "audio/wav_file.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <soxr.h>

#include "audio/synth.h"
#include "log.h"

#define FADE_FRAMES 24000 // half a second
#define NEVER INT64_MAX
#define PHONE_RATE 8000
/** From a note's time to its first frame. */
#define DELAY (SYNTH_DELAY + PROFILE_DELAY)

_Static_assert(SYNTH_BLOCK == PROFILE_BLOCK, "they work side by side");

struct rendering {
    struct synth *synth;
    struct profile *profile;
    soxr_t resampler; ///< NULL where the file has the synth's rate and channels
    const struct note *notes;
    size_t count;
    size_t next;
    int64_t ends[128]; ///< of what sounds, or NEVER
    uint64_t frames;   ///< to write
    uint64_t written;
    FILE *out;
};

static uint16_t channels_of(const struct rendering *rendering)
{
    return rendering->resampler ? 1 : 2;
}

static uint32_t rate_of(const struct rendering *rendering)
{
    return rendering->resampler ? PHONE_RATE : SYNTH_RATE;
}

static int write_header(const struct rendering *rendering)
{
    uint16_t frame_bytes = (uint16_t)(channels_of(rendering) * sizeof(int16_t));
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
        .riff_bytes = htole32((uint32_t)(rendering->frames * frame_bytes + sizeof header - 8)),
        .wave = {'W', 'A', 'V', 'E'},
        .fmt = {'f', 'm', 't', ' '},
        .fmt_bytes = htole32(16),
        .format = htole16(1),
        .channels = htole16(channels_of(rendering)),
        .rate = htole32(rate_of(rendering)),
        .bytes_per_second = htole32(rate_of(rendering) * frame_bytes),
        .frame_bytes = htole16(frame_bytes),
        .bits = htole16(16),
        .data = {'d', 'a', 't', 'a'},
        .data_bytes = htole32((uint32_t)(rendering->frames * frame_bytes)),
    };
    return fwrite(&header, sizeof header, 1, rendering->out) == 1 ? 0 : -EIO;
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

/** Writes frames of the file's form; those beyond its end are left out. */
static int write_frames(struct rendering *rendering, const float *sound, size_t frames)
{
    int16_t samples[2 * SYNTH_BLOCK];
    uint16_t channels = channels_of(rendering);
    uint32_t fade = FADE_FRAMES / (SYNTH_RATE / rate_of(rendering));
    uint64_t left = rendering->frames - rendering->written;
    frames = frames < left ? frames : left;
    for (size_t i = 0; i < channels * frames; i++) {
        uint64_t behind = left - i / channels;
        double gain = behind < fade ? (double)behind / fade : 1;
        samples[i] = (int16_t)htole16(
            (uint16_t)(int16_t)lrint(fmin(fmax(sound[i] * gain, -1), 1) * INT16_MAX));
    }
    if (fwrite(samples, channels * sizeof *samples, frames, rendering->out) != frames)
        return -EIO;
    rendering->written += frames;
    return 0;
}

/** Takes frames as the profile gives them. */
static int take(struct rendering *rendering, const float *sound, size_t frames)
{
    if (!rendering->resampler || !frames)
        return write_frames(rendering, sound, frames);
    float mono[SYNTH_BLOCK];
    float fewer[SYNTH_BLOCK];
    size_t count;
    for (size_t i = 0; i < frames; i++)
        mono[i] = sound[2 * i];
    soxr_error_t error =
        soxr_process(rendering->resampler, mono, frames, NULL, fewer, SYNTH_BLOCK, &count);
    if (error) {
        log_error("cannot resample: %s", error);
        errno = EIO;
        return -EIO;
    }
    return write_frames(rendering, fewer, count);
}

static int render(struct rendering *rendering)
{
    // The first frames are what the delay holds, no music.
    uint64_t skip = DELAY;
    for (uint64_t done = 0; rendering->written < rendering->frames; done += SYNTH_BLOCK) {
        float sound[2 * SYNTH_BLOCK];
        // An event belongs to the block boundary nearest to it.
        perform(rendering, (int64_t)(done + SYNTH_BLOCK / 2) * NOTE_SECOND / SYNTH_RATE);
        synth_render(rendering->synth, sound, SYNTH_BLOCK);
        profile_process(rendering->profile, sound, SYNTH_BLOCK);
        uint32_t late = skip < SYNTH_BLOCK ? (uint32_t)skip : SYNTH_BLOCK;
        skip -= late;
        int r = take(rendering, sound + 2 * (size_t)late, SYNTH_BLOCK - late);
        if (r < 0)
            return r;
    }
    return fflush(rendering->out) == 0 ? 0 : -EIO;
}

static int make(struct rendering *rendering, const struct wav_file_sound *sound)
{
    int r = synth_new(sound->soundfont, &rendering->synth);
    if (r == 0)
        r = profile_new(sound->profile, &rendering->profile);
    if (r < 0 || sound->profile != PROFILE_TELEPHONE)
        return r;
    rendering->resampler = soxr_create(SYNTH_RATE, PHONE_RATE, 1, NULL, NULL, NULL, NULL);
    return rendering->resampler ? 0 : -ENOMEM;
}

int wav_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                   const struct wav_file_sound *sound)
{
    if (length > WAV_FILE_LONGEST)
        return -EFBIG;
    struct rendering rendering = {.notes = notes, .count = count, .out = out};
    for (int pitch = 0; pitch < 128; pitch++)
        rendering.ends[pitch] = NEVER;
    int r = make(&rendering, sound);
    if (r == 0) {
        rendering.frames = (uint64_t)(length * rate_of(&rendering) / NOTE_SECOND);
        r = write_header(&rendering);
    }
    if (r == 0)
        r = render(&rendering);
    soxr_delete(rendering.resampler);
    profile_free(rendering.profile);
    synth_free(rendering.synth);
    return r;
}
