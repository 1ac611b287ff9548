// SPDX-License-Identifier: MIT
/*
 * levels FILE [FROM [TO]]: how loud a sound file is, from second FROM to TO; one JSON object:
 *
 *     lufs, true_peak_dbtp   EBU R128, by libebur128
 *     forms: for the file as it is ("linear") and, where it is mono, after a G.711 round trip by
 *     spandsp ("ulaw", "alaw"):
 *       rms_dbfs             RMS level of the blocks of 400 ms that count: gated as ITU-R BS.1770-4
 *                            says, without its weighting
 *       peak_dbfs            the largest sample
 *       softest_dbfs, softest_at   RMS level of the softest window of 200 ms, and when it begins
 *     curve                  RMS levels of all tenths of a second
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <ebur128.h>
#include <sndfile.h>
#include <spandsp.h>

#define MOST_SECONDS 14400

struct sound {
    float *samples;
    size_t frames;
    int rate, channels;
};

static int16_t same(int16_t sample)
{
    return sample;
}

static int16_t over_ulaw(int16_t sample)
{
    return ulaw_to_linear(linear_to_ulaw(sample));
}

static int16_t over_alaw(int16_t sample)
{
    return alaw_to_linear(linear_to_alaw(sample));
}

static double decibels(double power)
{
    return 10 * log10(fmax(power, 1e-12));
}

/** Power of each hundredth of a second. */
static double *powers_of(const struct sound *sound, int16_t (*form)(int16_t), size_t *ret_count,
                         double *ret_peak)
{
    size_t step = (size_t)sound->rate / 100;
    size_t count = sound->frames / step;
    double *powers = calloc(count + 1, sizeof *powers);
    double peak = 0;
    for (size_t i = 0; powers && i < count; i++) {
        size_t samples = step * (size_t)sound->channels;
        for (size_t k = 0; k < samples; k++) {
            double exact = sound->samples[i * samples + k];
            double value = form((int16_t)lrint(fmin(fmax(exact, -1), 1) * 32767)) / 32768.0;
            powers[i] += value * value / (double)samples;
            peak = fmax(peak, fabs(value));
        }
    }
    *ret_count = count;
    *ret_peak = peak;
    return powers;
}

static double mean(const double *powers, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += powers[i] / (double)count;
    return sum;
}

/** ITU-R BS.1770-4: blocks of 400 ms, every 100 ms, gated at -70 dB and 10 dB under the mean. */
static double gated(const double *powers, size_t count)
{
    double gate = 1e-7, result = 0;
    for (int pass = 0; pass < 2; pass++) {
        double sum = 0;
        size_t blocks = 0;
        for (size_t i = 0; i + 40 <= count; i += 10) {
            double power = mean(powers + i, 40);
            if (power > gate) {
                sum += power;
                blocks++;
            }
        }
        result = blocks ? sum / (double)blocks : 0;
        gate = result / 10;
    }
    return result;
}

static int print_form(const struct sound *sound, const char *name, int16_t (*form)(int16_t))
{
    size_t count;
    double peak, softest = 1;
    double *powers = powers_of(sound, form, &count, &peak);
    size_t at = 0;
    if (!powers || count < 40) {
        free(powers);
        return -1;
    }
    for (size_t i = 0; i + 20 <= count; i++) {
        double power = mean(powers + i, 20);
        if (power < softest) {
            softest = power;
            at = i;
        }
    }
    printf("\"%s\": {\"rms_dbfs\": %.2f, \"peak_dbfs\": %.2f, \"softest_dbfs\": %.2f, "
           "\"softest_at\": %.2f}",
           name, decibels(gated(powers, count)), decibels(peak * peak), decibels(softest),
           (double)at / 100);
    free(powers);
    return 0;
}

static void print_curve(const struct sound *sound)
{
    size_t count;
    double peak;
    double *powers = powers_of(sound, same, &count, &peak);
    printf(", \"curve\": [");
    for (size_t i = 0; powers && i + 10 <= count; i += 10)
        printf("%s%.1f", i ? ", " : "", decibels(mean(powers + i, 10)));
    printf("]");
    free(powers);
}

static int read_sound(const char *path, double from, double to, struct sound *ret_sound)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (!file) {
        fprintf(stderr, "levels: %s: %s\n", path, sf_strerror(NULL));
        return -1;
    }
    sf_count_t first = (sf_count_t)(from * info.samplerate);
    sf_count_t last = to > 0 ? (sf_count_t)(to * info.samplerate) : info.frames;
    last = last < info.frames ? last : info.frames;
    int r = -1;
    if (first < last && last - first <= (sf_count_t)info.samplerate * MOST_SECONDS &&
        sf_seek(file, first, SEEK_SET) == first) {
        ret_sound->frames = (size_t)(last - first);
        ret_sound->rate = info.samplerate;
        ret_sound->channels = info.channels;
        ret_sound->samples =
            calloc(ret_sound->frames * (size_t)info.channels, sizeof *ret_sound->samples);
        if (ret_sound->samples &&
            sf_readf_float(file, ret_sound->samples, last - first) == last - first)
            r = 0;
    }
    sf_close(file);
    return r;
}

int main(int argc, char **argv)
{
    struct sound sound = {0};
    if (argc < 2 || read_sound(argv[1], argc > 2 ? atof(argv[2]) : 0, argc > 3 ? atof(argv[3]) : 0,
                               &sound) < 0) {
        fprintf(stderr, "usage: levels FILE [FROM [TO]], in seconds\n");
        free(sound.samples);
        return 64;
    }
    ebur128_state *meter = ebur128_init((unsigned)sound.channels, (unsigned long)sound.rate,
                                        EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK);
    double lufs = 0, true_peak = 0;
    if (!meter) {
        free(sound.samples);
        return 1;
    }
    ebur128_add_frames_float(meter, sound.samples, sound.frames);
    ebur128_loudness_global(meter, &lufs);
    for (int i = 0; i < sound.channels; i++) {
        double one = 0;
        ebur128_true_peak(meter, (unsigned)i, &one);
        true_peak = fmax(true_peak, one);
    }
    ebur128_destroy(&meter);
    printf("{\"rate\": %d, \"channels\": %d, \"seconds\": %.3f, \"lufs\": %.2f, "
           "\"true_peak_dbtp\": %.2f, \"forms\": {",
           sound.rate, sound.channels, (double)sound.frames / sound.rate, lufs,
           decibels(true_peak * true_peak));
    int r = print_form(&sound, "linear", same);
    if (r == 0 && sound.channels == 1) {
        printf(", ");
        r = print_form(&sound, "ulaw", over_ulaw);
        printf(", ");
        if (r == 0)
            r = print_form(&sound, "alaw", over_alaw);
    }
    printf("}");
    print_curve(&sound);
    printf("}\n");
    free(sound.samples);
    return r < 0 ? 1 : 0;
}
