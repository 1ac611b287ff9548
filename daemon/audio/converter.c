// SPDX-License-Identifier: MIT
#include "audio/converter.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/fast_convert.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
#include <speex/speex_resampler.h>

#include "audio/synth.h"

/** Of speexdsp's 0 to 10: 80 dB of the band from 4 kHz on are kept out of 8 kHz. */
#define QUALITY 5
/** The resampler may give some frames more than its share of one call. */
#define SPARE 16

enum kind { S16LE, S16BE, F32LE, ULAW, ALAW, G722 };

static const struct converter_format formats[] = {
    [S16LE] = {"s16le", 2, 1}, [S16BE] = {"s16be", 2, 1}, [F32LE] = {"f32le", 4, 1},
    [ULAW] = {"ulaw", 1, 1},   [ALAW] = {"alaw", 1, 1},   [G722] = {"g722", 1, 2},
};

struct converter {
    enum kind kind;
    uint32_t rate;
    uint32_t channels;
    SpeexResamplerState *resampler; // NULL: the rate is ours
    g711_state_t *g711;
    g722_encode_state_t *g722;
    uint32_t left; // samples of `whole` that wait for another one: of G.722, which takes pairs
    float mixed[2 * CONVERTER_BLOCK];
    float resampled[2 * (CONVERTER_BLOCK + SPARE)];
    int16_t whole[2 * (CONVERTER_BLOCK + SPARE) + 1];
};

const struct converter_format *converter_format(const char *name)
{
    if (!strcmp(name, "slin"))
        return &formats[S16LE];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

int converter_new(const struct converter_format *format, uint32_t rate, uint32_t channels,
                  struct converter **ret_converter)
{
    if (rate < CONVERTER_LOWEST_RATE || rate > CONVERTER_HIGHEST_RATE ||
        rate % CONVERTER_RATE_STEP || channels < 1 || channels > 2)
        return -EINVAL;
    bool wideband = format == &formats[G722];
    if (wideband && (rate != CONVERTER_G722_RATE || channels != 1))
        return -EINVAL;
    struct converter *converter = calloc(1, sizeof *converter);
    if (!converter)
        return -ENOMEM;
    converter->kind = (enum kind)(format - formats);
    converter->rate = rate;
    converter->channels = channels;
    bool companded = converter->kind == ULAW || converter->kind == ALAW;
    int error = 0;
    if (rate != SYNTH_RATE)
        converter->resampler = speex_resampler_init(channels, SYNTH_RATE, rate, QUALITY, &error);
    if (companded)
        converter->g711 = g711_init(NULL, converter->kind == ULAW ? G711_ULAW : G711_ALAW);
    if (wideband)
        converter->g722 = g722_encode_init(NULL, 64000, 0);
    if ((rate != SYNTH_RATE && !converter->resampler) || (companded && !converter->g711) ||
        (wideband && !converter->g722)) {
        converter_free(converter);
        return -ENOMEM;
    }
    // Else the first few milliseconds are the filter's silence.
    if (converter->resampler)
        speex_resampler_skip_zeros(converter->resampler);
    *ret_converter = converter;
    return 0;
}

void converter_free(struct converter *converter)
{
    if (!converter)
        return;
    if (converter->resampler)
        speex_resampler_destroy(converter->resampler);
    if (converter->g711)
        g711_free(converter->g711);
    if (converter->g722)
        g722_encode_free(converter->g722);
    free(converter);
}

uint32_t converter_bytes(const struct converter *converter, uint32_t frames)
{
    const struct converter_format *format = &formats[converter->kind];
    return frames * format->bytes * converter->channels / format->samples;
}

size_t converter_room(const struct converter *converter)
{
    uint32_t frames = (CONVERTER_BLOCK * converter->rate + SYNTH_RATE - 1) / SYNTH_RATE;
    return converter_bytes(converter, frames + SPARE);
}

/** As many channels as are asked for. */
static const float *mix(struct converter *converter, const float *interleaved, uint32_t frames)
{
    if (converter->channels == 2)
        return interleaved;
    for (uint32_t i = 0; i < frames; i++)
        converter->mixed[i] = 0.5f * (interleaved[2 * i] + interleaved[2 * i + 1]);
    return converter->mixed;
}

static const float *resample(struct converter *converter, const float *mixed, uint32_t frames,
                             uint32_t *ret_frames)
{
    if (!converter->resampler) {
        *ret_frames = frames;
        return mixed;
    }
    spx_uint32_t taken = frames;
    spx_uint32_t given = CONVERTER_BLOCK + SPARE;
    speex_resampler_process_interleaved_float(converter->resampler, mixed, &taken,
                                              converter->resampled, &given);
    *ret_frames = given;
    return converter->resampled;
}

/** In pairs; an odd one waits for the next call. */
static size_t encode_g722(struct converter *converter, uint32_t count, uint8_t *ret_bytes)
{
    int16_t *whole = converter->whole;
    uint32_t paired = count / 2 * 2;
    int bytes = g722_encode(converter->g722, ret_bytes, whole, (int)paired);
    converter->left = count - paired;
    if (converter->left > 0)
        whole[0] = whole[paired];
    return (size_t)bytes;
}

size_t converter_process(struct converter *converter, const float *interleaved, uint32_t frames,
                         uint8_t *ret_bytes)
{
    uint32_t given;
    const float *mixed = mix(converter, interleaved, frames);
    const float *samples = resample(converter, mixed, frames, &given);
    uint32_t count = given * converter->channels;
    if (converter->kind == F32LE) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &samples[i], sizeof bits);
            bits = htole32(bits);
            memcpy(ret_bytes + (size_t)4 * i, &bits, sizeof bits);
        }
        return (size_t)4 * count;
    }
    int16_t *whole = converter->whole;
    for (uint32_t i = 0; i < count; i++)
        whole[converter->left + i] =
            (int16_t)lrintf(fminf(fmaxf(samples[i], -1.0f), 1.0f) * 32767.0f);
    if (converter->g722)
        return encode_g722(converter, converter->left + count, ret_bytes);
    if (converter->g711)
        return (size_t)g711_encode(converter->g711, ret_bytes, whole, (int)count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t sample = (uint16_t)whole[i];
        sample = converter->kind == S16LE ? htole16(sample) : htobe16(sample);
        memcpy(ret_bytes + (size_t)2 * i, &sample, sizeof sample);
    }
    return (size_t)2 * count;
}
