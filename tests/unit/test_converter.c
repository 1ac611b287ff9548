// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/fast_convert.h>
#include <spandsp/g722.h>

#include "audio/converter.h"

#define IN_RATE 48000
#define BLOCKS 200u // two seconds
#define ROOM (3u * IN_RATE * 8u)

/** Two seconds of a sine as they come out; returns the bytes. */
static size_t convert(const char *format, uint32_t rate, uint32_t channels, double hertz,
                      double left, double right, uint8_t *ret_bytes)
{
    struct converter *converter;
    assert_int_equal(converter_new(converter_format(format), rate, channels, &converter), 0);
    size_t at = 0;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        float block[2 * CONVERTER_BLOCK];
        for (uint32_t i = 0; i < CONVERTER_BLOCK; i++) {
            double v = sin(2 * M_PI * hertz * (b * CONVERTER_BLOCK + i) / IN_RATE);
            block[2 * i] = (float)(left * v);
            block[2 * i + 1] = (float)(right * v);
        }
        size_t given = converter_process(converter, block, CONVERTER_BLOCK, ret_bytes + at);
        assert_true(given <= converter_room(converter));
        at += given;
    }
    assert_int_equal(at % converter_bytes(converter, 2), 0);
    converter_free(converter);
    return at;
}

static double s16(const uint8_t *bytes, size_t index)
{
    return (int16_t)(uint16_t)(bytes[2 * index] | bytes[2 * index + 1] << 8) / 32767.0;
}

/** Of every `step`th sample from `first` on, without the edges. */
static double rms_s16(const uint8_t *bytes, size_t samples, size_t first, size_t step)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = samples / 4 / step * step + first; i < samples * 3 / 4; i += step, count++)
        sum += s16(bytes, i) * s16(bytes, i);
    return sqrt(sum / (double)count);
}

static void keeps_level_and_time_at_every_rate(void **state)
{
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000};
    uint8_t *bytes = malloc(ROOM);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        size_t samples = convert("slin", rates[i], 1, 1000, 0.5, 0.5, bytes) / 2;
        double rms = rms_s16(bytes, samples, 0, 1);
        print_message("%u Hz: %zu samples, %.2f dB\n", rates[i], samples,
                      20 * log10(rms / (0.5 * M_SQRT1_2)));
        // The filter's delay is all that is missing of two seconds.
        assert_in_range(samples, 2 * rates[i] - rates[i] / 100, 2 * rates[i]);
        assert_true(fabs(20 * log10(rms / (0.5 * M_SQRT1_2))) < 0.1);
    }
    free(bytes);
}

static void nothing_is_folded_into_the_telephone_band(void **state)
{
    uint8_t *bytes = malloc(ROOM);
    for (double hertz = 4600; hertz < 20000; hertz *= 1.3) {
        size_t samples = convert("s16le", 8000, 1, hertz, 0.5, 0.5, bytes) / 2;
        double rms = rms_s16(bytes, samples, 0, 1);
        assert_true(20 * log10(rms / (0.5 * M_SQRT1_2) + 1e-9) < -60);
    }
    // What a telephone carries is there.
    size_t samples = convert("s16le", 8000, 1, 3400, 0.5, 0.5, bytes) / 2;
    assert_true(20 * log10(rms_s16(bytes, samples, 0, 1) / (0.5 * M_SQRT1_2)) > -1);
    free(bytes);
}

static void channels_stay_apart_or_are_averaged(void **state)
{
    uint8_t *bytes = malloc(ROOM);
    size_t samples = convert("s16le", 16000, 2, 500, 0.8, 0.2, bytes) / 2;
    assert_true(fabs(rms_s16(bytes, samples, 0, 2) - 0.8 * M_SQRT1_2) < 0.01);
    assert_true(fabs(rms_s16(bytes, samples, 1, 2) - 0.2 * M_SQRT1_2) < 0.01);
    samples = convert("s16le", 16000, 1, 500, 0.8, 0.2, bytes) / 2;
    assert_true(fabs(rms_s16(bytes, samples, 0, 1) - 0.5 * M_SQRT1_2) < 0.01);
    free(bytes);
}

static void all_formats_are_the_same_music(void **state)
{
    uint8_t *linear = malloc(ROOM);
    uint8_t *other = malloc(ROOM);
    size_t samples = convert("s16le", 8000, 1, 700, 0.5, 0.5, linear) / 2;

    assert_int_equal(convert("s16be", 8000, 1, 700, 0.5, 0.5, other), 2 * samples);
    for (size_t i = 0; i < samples; i++)
        assert_true(other[2 * i] == linear[2 * i + 1] && other[2 * i + 1] == linear[2 * i]);

    assert_int_equal(convert("f32le", 8000, 1, 700, 0.5, 0.5, other), 4 * samples);
    for (size_t i = 0; i < samples; i++) {
        float v;
        memcpy(&v, other + 4 * i, 4);
        assert_true(fabs(v - s16(linear, i)) < 1e-4);
    }

    assert_int_equal(convert("ulaw", 8000, 1, 700, 0.5, 0.5, other), samples);
    for (size_t i = 0; i < samples; i++) {
        // ITU-T G.711: sign, three bits of exponent, four of mantissa, all inverted.
        uint8_t u = (uint8_t)~other[i];
        int v = ((((u & 15) << 3) + 132) << (u >> 4 & 7)) - 132;
        double decoded = (u & 128 ? -v : v) / 32767.0;
        assert_true(fabs(decoded - s16(linear, i)) <= 0.035 * fabs(s16(linear, i)) + 0.0003);
    }

    assert_int_equal(convert("alaw", 8000, 1, 700, 0.5, 0.5, other), samples);
    for (size_t i = 0; i < samples; i++) {
        uint8_t a = other[i] ^ 0x55;
        int exponent = a >> 4 & 7;
        int v = ((a & 15) << 4) + 8;
        v = exponent ? (v + 256) << (exponent - 1) : v;
        double decoded = (a & 128 ? v : -v) / 32767.0;
        assert_true(fabs(decoded - s16(linear, i)) <= 0.035 * fabs(s16(linear, i)) + 0.0005);
    }
    free(linear);
    free(other);
}

/** Of the samples a and b with b later by `late`: how much louder a is than their difference, dB.
 */
static double likeness(const int16_t *a, const int16_t *b, size_t count, size_t late)
{
    double signal = 0, noise = 0;
    for (size_t i = count / 4; i < count / 2; i++) {
        double difference = a[i] - b[i + late];
        signal += (double)a[i] * a[i];
        noise += difference * difference;
    }
    return 10 * log10(signal / noise);
}

static void g722_comes_back_as_the_same_music(void **state)
{
    static const double hertz[] = {300, 1000, 3000, 6000};
    uint8_t *linear = malloc(ROOM);
    uint8_t *coded = malloc(ROOM);
    int16_t *decoded = malloc(ROOM);
    int16_t *whole = malloc(ROOM);
    for (size_t k = 0; k < sizeof hertz / sizeof *hertz; k++) {
        size_t samples = convert("s16le", 16000, 1, hertz[k], 0.5, 0.5, linear) / 2;
        size_t bytes = convert("g722", 16000, 1, hertz[k], 0.5, 0.5, coded);
        // Two samples a byte, whatever a call gives.
        assert_int_equal(bytes, samples / 2);
        for (size_t i = 0; i < samples; i++)
            whole[i] = (int16_t)lrint(s16(linear, i) * 32767);
        g722_decode_state_t *decoder = g722_decode_init(NULL, 64000, 0);
        size_t count = (size_t)g722_decode(decoder, decoded, coded, (int)bytes);
        g722_decode_free(decoder);
        assert_int_equal(count, bytes * 2);
        // The two filters of the codec are 22 samples late.
        double best = -100;
        for (size_t late = 0; late < 40; late++)
            best = fmax(best, likeness(whole, decoded, count, late));
        print_message("%.0f Hz through G.722: %.1f dB\n", hertz[k], best);
        assert_true(best > (hertz[k] < 4000 ? 25 : 10));
    }
    // Nor is anything lost where a call makes an odd number of samples.
    size_t bytes = convert("g722", 16000, 1, 1000, 0.5, 0.5, linear);
    struct converter *converter;
    assert_int_equal(converter_new(converter_format("g722"), 16000, 1, &converter), 0);
    size_t at = 0;
    for (uint32_t from = 0; from < BLOCKS * CONVERTER_BLOCK; from += 96) {
        uint32_t parts[] = {33, 30, 33};
        for (uint32_t p = 0, first = from; p < 3; first += parts[p++]) {
            float block[2 * 33];
            for (uint32_t i = 0; i < parts[p]; i++)
                block[2 * i] = block[2 * i + 1] =
                    (float)(0.5 * sin(2 * M_PI * 1000 * (first + i) / IN_RATE));
            at += converter_process(converter, block, parts[p], coded + at);
        }
    }
    converter_free(converter);
    assert_int_equal(at, bytes);
    assert_memory_equal(coded, linear, bytes);
    free(linear);
    free(coded);
    free(decoded);
    free(whole);
}

static void refuses_what_it_cannot_do(void **state)
{
    struct converter *converter;
    const struct converter_format *format = converter_format("ulaw");
    assert_null(converter_format("mp3"));
    assert_int_equal(converter_new(format, 7975, 1, &converter), -EINVAL);
    assert_int_equal(converter_new(format, 48025, 1, &converter), -EINVAL);
    assert_int_equal(converter_new(format, 8001, 1, &converter), -EINVAL);
    assert_int_equal(converter_new(format, 8000, 0, &converter), -EINVAL);
    assert_int_equal(converter_new(format, 8000, 3, &converter), -EINVAL);
    assert_int_equal(converter_new(converter_format("g722"), 8000, 1, &converter), -EINVAL);
    assert_int_equal(converter_new(converter_format("g722"), 16000, 2, &converter), -EINVAL);
    converter_free(NULL);
}

static void clips_and_does_not_wrap_around(void **state)
{
    uint8_t *bytes = malloc(ROOM);
    size_t samples = convert("s16le", 48000, 1, 100, 1.5, 1.5, bytes) / 2;
    for (size_t i = 1; i < samples; i++)
        assert_true(fabs(s16(bytes, i) - s16(bytes, i - 1)) < 0.05);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_level_and_time_at_every_rate),
        cmocka_unit_test(nothing_is_folded_into_the_telephone_band),
        cmocka_unit_test(channels_stay_apart_or_are_averaged),
        cmocka_unit_test(all_formats_are_the_same_music),
        cmocka_unit_test(g722_comes_back_as_the_same_music),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(clips_and_does_not_wrap_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
