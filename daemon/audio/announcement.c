// SPDX-License-Identifier: MIT
#include "audio/announcement.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ebur128.h>
#include <sndfile.h>
#include <soxr.h>

#include "audio/band.h"

#define RATE 48000
#define SLOWEST 4000
#define FASTEST 192000
/** Frames of the file that are read at once, and room for what becomes of them. */
#define PORTION 4096
#define RESAMPLED (PORTION * (RATE / SLOWEST) + 64)
/** Softer than this there is nothing to hear, dB. */
#define SILENT (-60.0f)
/** The same, as an amplitude. */
#define FAINT 1e-3f
/** Samples of a file that somebody may wait for: a minute of CD sound, some 20 ms of work. */
#define MOST_LOOKED_AT (60 * 2 * 44100)
#define BLOCK (RATE * 2 / 5) // 400 ms
#define BLOCKS (ANNOUNCEMENT_SECONDS * RATE / BLOCK + 2)

/** Opens what there is. Returns NULL, and why. */
static SNDFILE *open_file(int fd, SF_INFO *info, int *ret_error, const char **ret_why)
{
    struct stat st;
    *ret_error = -EBADMSG;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret_why = "is no file (but a pipe, a folder or a device)";
        return NULL;
    }
    if (st.st_size > ANNOUNCEMENT_BYTES) {
        *ret_error = -EFBIG;
        *ret_why = "is larger than 64 MiB";
        return NULL;
    }
    *info = (SF_INFO){0};
    // The descriptor's own position is shared with whoever gave it.
    SNDFILE *file = lseek(fd, 0, SEEK_SET) == 0 ? sf_open_fd(fd, SFM_READ, info, SF_FALSE) : NULL;
    if (!file) {
        *ret_why = "is no sound that can be read (WAV, FLAC, Ogg, MP3, AIFF and others can)";
        return NULL;
    }
    bool sound = info->frames > 0 && info->samplerate >= SLOWEST && info->samplerate <= FASTEST &&
                 info->channels >= 1 && info->channels <= ANNOUNCEMENT_CHANNELS;
    if (!sound)
        *ret_why = info->frames > 0 ? "has a rate or channels that make no sense for speech"
                                    : "has no sound in it";
    else if (info->frames > (sf_count_t)ANNOUNCEMENT_SECONDS * info->samplerate) {
        *ret_error = -EFBIG;
        *ret_why = "is longer than 2 minutes";
        sound = false;
    }
    if (!sound) {
        sf_close(file);
        return NULL;
    }
    *ret_error = 0;
    return file;
}

/** Whether there may be something to be heard in it: it reads no further than to that, and not far,
 * as somebody waits. What is silent beyond, or broken, comes to light when all is read. */
static bool may_be_heard(SNDFILE *file, const SF_INFO *info)
{
    float portion[1024];
    const sf_count_t frames = (sf_count_t)(sizeof portion / sizeof *portion) / info->channels;
    sf_count_t left = info->frames;
    if (frames == 0 || left * info->channels > MOST_LOOKED_AT)
        return true;
    while (left > 0) {
        sf_count_t got = sf_readf_float(file, portion, left < frames ? left : frames);
        for (sf_count_t i = 0; i < got * info->channels; i++)
            if (fabsf(portion[i]) > FAINT)
                return true;
        if (got <= 0)
            return true; // broken
        left -= got;
    }
    return false;
}

int announcement_check(int fd, double *ret_seconds, const char **ret_why)
{
    SF_INFO info;
    int r;
    SNDFILE *file = open_file(fd, &info, &r, ret_why);
    if (!file)
        return r;
    bool heard = may_be_heard(file, &info);
    sf_close(file);
    if (!heard) {
        *ret_why = "is silent";
        return -EBADMSG;
    }
    *ret_seconds = (double)info.frames / info.samplerate;
    return 0;
}

/** More than two channels become one; what is no number becomes silence. */
static void mix(float *samples, size_t frames, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < frames; i++) {
        for (uint32_t c = 0; c < to; c++) {
            float sum = 0;
            for (uint32_t k = 0; k < from; k++)
                if (to > 1 ? k == c : true)
                    sum += samples[i * from + k] / (to > 1 ? 1.0f : (float)from);
            samples[i * to + c] = isfinite(sum) ? fminf(fmaxf(sum, -4.0f), 4.0f) : 0.0f;
        }
    }
}

/** Level by the room's measure. */
static float measure_loudness(const struct announcement *announcement)
{
    ebur128_state *meter = ebur128_init(announcement->channels, RATE, EBUR128_MODE_I);
    double loudness = SILENT;
    if (!meter)
        return SILENT;
    // One channel comes out of two loudspeakers.
    if (announcement->channels == 1)
        ebur128_set_channel(meter, 0, EBUR128_DUAL_MONO);
    ebur128_add_frames_float(meter, announcement->samples, announcement->frames);
    ebur128_loudness_global(meter, &loudness);
    ebur128_destroy(&meter);
    return (float)fmax(loudness, SILENT);
}

/** RMS level of the blocks of 400 ms that count, in the telephone's band: gated as ITU-R BS.1770-4
 * says. */
static float measure_band(const struct announcement *announcement)
{
    float powers[BLOCKS] = {0};
    struct band band;
    band_init(&band);
    uint32_t count = 0;
    for (uint32_t at = 0; at < announcement->frames && count < BLOCKS; count++) {
        uint32_t frames = announcement->frames - at < BLOCK ? announcement->frames - at : BLOCK;
        for (uint32_t i = 0; i < frames; i++, at++) {
            float sample = announcement->samples[(size_t)at * announcement->channels];
            if (announcement->channels == 2)
                sample = (sample + announcement->samples[2 * (size_t)at + 1]) / 2;
            band_process(&band, &sample, 1);
            powers[count] += sample * sample / (float)frames;
        }
    }
    float gate = 1e-6f, mean = 0;
    for (int pass = 0; pass < 2; pass++) {
        float sum = 0;
        uint32_t loud = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (powers[i] > gate) {
                sum += powers[i];
                loud++;
            }
        }
        mean = loud ? sum / (float)loud : 0;
        gate = mean / 10;
    }
    return fmaxf(10 * log10f(mean), SILENT);
}

/** Reads on to the end. */
static int read_on(SNDFILE *file, const SF_INFO *info, struct announcement *announcement)
{
    const uint32_t channels = announcement->channels;
    const size_t room = (size_t)((double)info->frames / info->samplerate * RATE) + RESAMPLED;
    float *portion = malloc(sizeof *portion * PORTION * (size_t)info->channels);
    announcement->samples = malloc(sizeof *announcement->samples * room * channels);
    soxr_t resampler = soxr_create(info->samplerate, RATE, channels, NULL, NULL, NULL, NULL);
    int r = portion && announcement->samples && resampler ? 0 : -ENOMEM;
    bool more = true;
    for (size_t left = (size_t)info->frames; r == 0 && more;) {
        sf_count_t wanted = left < PORTION ? (sf_count_t)left : PORTION;
        sf_count_t got = wanted ? sf_readf_float(file, portion, wanted) : 0;
        if (got < wanted || sf_error(file))
            r = -EIO;
        mix(portion, (size_t)got, (uint32_t)info->channels, channels);
        left -= (size_t)got;
        size_t done = 0;
        float *to = announcement->samples + (size_t)announcement->frames * channels;
        if (soxr_process(resampler, got ? portion : NULL, (size_t)got, NULL, to,
                         room - announcement->frames, &done))
            r = -EIO;
        announcement->frames += (uint32_t)done;
        more = got > 0 || done > 0;
    }
    soxr_delete(resampler);
    free(portion);
    return r;
}

int announcement_read(int fd, struct announcement **ret_announcement, const char **ret_why)
{
    SF_INFO info;
    int r;
    SNDFILE *file = open_file(fd, &info, &r, ret_why);
    if (!file)
        return r;
    struct announcement *announcement = calloc(1, sizeof *announcement);
    r = announcement ? 0 : -ENOMEM;
    *ret_why = "takes more memory than there is";
    if (r == 0) {
        announcement->references = 1;
        announcement->channels = info.channels == 2 ? 2 : 1;
        r = read_on(file, &info, announcement);
    }
    sf_close(file);
    if (r == -EIO)
        *ret_why = "is broken: it ends before the length that it tells";
    if (r == 0) {
        float loudness = measure_loudness(announcement);
        announcement->level[PROFILE_ROOM] = loudness;
        announcement->level[PROFILE_RAW] = loudness;
        announcement->level[PROFILE_TELEPHONE] = measure_band(announcement);
        if (announcement->level[PROFILE_TELEPHONE] <= SILENT || loudness <= SILENT) {
            *ret_why = "is silent";
            r = -EBADMSG;
        }
    }
    if (r < 0) {
        announcement_unref(announcement);
        return r;
    }
    *ret_announcement = announcement;
    return 0;
}

struct announcement *announcement_ref(struct announcement *announcement)
{
    __atomic_add_fetch(&announcement->references, 1, __ATOMIC_RELAXED);
    return announcement;
}

void announcement_unref(struct announcement *announcement)
{
    if (!announcement || __atomic_sub_fetch(&announcement->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(announcement->samples);
    free(announcement);
}
