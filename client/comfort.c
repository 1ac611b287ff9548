// SPDX-License-Identifier: MIT
#include "client/comfort.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/fast_convert.h>
#include <spandsp/g711.h>

/** Even noise up to this is -66 dBFS. */
#define NOISE 28
/** Four times: a chunk that is heard backwards is half gone in its first quarter. */
#define STEEPNESS 4

enum kind { S16LE, S16BE, F32LE, ULAW, ALAW };

static const struct comfort_format formats[] = {
    [S16LE] = {"s16le", 2}, [S16BE] = {"s16be", 2}, [F32LE] = {"f32le", 4},
    [ULAW] = {"ulaw", 1},   [ALAW] = {"alaw", 1},
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

void comfort_make(struct comfort *comfort, const uint8_t *last, uint8_t *ret_chunk, size_t size)
{
    enum kind kind = (enum kind)(comfort->format - formats);
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
