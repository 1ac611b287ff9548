// SPDX-License-Identifier: MIT
#include "client/comfort.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/fast_convert.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>

/** Even noise up to this is -66 dBFS. */
#define NOISE 28
/** Four times: a chunk that is heard backwards is half gone in its first quarter. */
#define STEEPNESS 4

#define G722_BITS 64000
/** Samples of a chunk of G.722. */
#define G722_CHUNK (COMFORT_G722_RATE / 25)

enum kind { S16LE, S16BE, F32LE, ULAW, ALAW, G722 };

static const struct comfort_format formats[] = {
    [S16LE] = {"s16le", 2, 1}, [S16BE] = {"s16be", 2, 1}, [F32LE] = {"f32le", 4, 1},
    [ULAW] = {"ulaw", 1, 1},   [ALAW] = {"alaw", 1, 1},   [G722] = {"g722", 1, 2},
};

const struct comfort_format *comfort_format(const char *name)
{
    if (!strcmp(name, "slin"))
        return &formats[S16LE];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

static double decode(enum kind kind, const uint8_t *bytes)
{
    uint16_t word = 0;
    uint32_t bits;
    float real;
    switch (kind) {
    case ULAW:
        return ulaw_to_linear(*bytes);
    case ALAW:
        return alaw_to_linear(*bytes);
    case F32LE:
        memcpy(&bits, bytes, sizeof bits);
        bits = le32toh(bits);
        memcpy(&real, &bits, sizeof real);
        return (double)real * 32768;
    default:
        memcpy(&word, bytes, sizeof word);
        return (int16_t)(kind == S16LE ? le16toh(word) : be16toh(word));
    }
}

static void encode(enum kind kind, double value, uint8_t *ret_bytes)
{
    double clipped = fmin(fmax(value, -32768), 32767);
    int whole = (int)lrint(clipped);
    uint16_t word = (uint16_t)whole;
    uint32_t bits;
    float real = (float)(clipped / 32768);
    switch (kind) {
    case ULAW:
        *ret_bytes = linear_to_ulaw(whole);
        break;
    case ALAW:
        *ret_bytes = linear_to_alaw(whole);
        break;
    case F32LE:
        memcpy(&bits, &real, sizeof bits);
        bits = htole32(bits);
        memcpy(ret_bytes, &bits, sizeof bits);
        break;
    default:
        word = kind == S16LE ? htole16(word) : htobe16(word);
        memcpy(ret_bytes, &word, sizeof word);
    }
}

/** Xorshift (Marsaglia 2003), -NOISE to NOISE. */
static double draw(struct comfort *comfort)
{
    comfort->noise ^= comfort->noise << 13;
    comfort->noise ^= comfort->noise >> 17;
    comfort->noise ^= comfort->noise << 5;
    return ((double)comfort->noise / UINT32_MAX * 2 - 1) * NOISE;
}

/** As comfort_make(). The codec remembers what was before: so ours hears the last chunk as well. */
static void make_g722(struct comfort *comfort, const uint8_t *last, uint8_t *ret_chunk, size_t size)
{
    struct comfort linear = {.format = &formats[S16LE], .channels = 1, .noise = comfort->noise};
    int16_t before[G722_CHUNK], after[G722_CHUNK];
    int bytes = size < G722_CHUNK / 2 ? (int)size : G722_CHUNK / 2;
    if (last || !comfort->g722)
        comfort->g722 = g722_encode_init(comfort->g722, G722_BITS, 0);
    g722_decode_state_t *decoder = last ? g722_decode_init(NULL, G722_BITS, 0) : NULL;
    if (decoder) {
        g722_decode(decoder, before, last, bytes);
        g722_decode_free(decoder);
    }
    if (decoder && comfort->g722)
        g722_encode(comfort->g722, ret_chunk, before, 2 * bytes);
    comfort_make(&linear, decoder ? (const uint8_t *)before : NULL, (uint8_t *)after,
                 (size_t)4 * (size_t)bytes);
    comfort->noise = linear.noise;
    memset(ret_chunk, 0, size);
    if (comfort->g722)
        g722_encode(comfort->g722, ret_chunk, after, 2 * bytes);
}

void comfort_make(struct comfort *comfort, const uint8_t *last, uint8_t *ret_chunk, size_t size)
{
    enum kind kind = (enum kind)(comfort->format - formats);
    if (kind == G722) {
        make_g722(comfort, last, ret_chunk, size);
        return;
    }
    size_t frame = (size_t)comfort->format->bytes * comfort->channels;
    size_t frames = size / frame;
    for (size_t i = 0; i < frames; i++) {
        double share = last ? pow(1 - (double)i / (double)frames, STEEPNESS) : 0;
        double noise = draw(comfort);
        for (uint32_t c = 0; c < comfort->channels; c++) {
            size_t at = c * comfort->format->bytes;
            double heard = last ? decode(kind, last + (frames - 1 - i) * frame + at) * share : 0;
            encode(kind, heard + noise * (1 - share), ret_chunk + i * frame + at);
        }
    }
}
