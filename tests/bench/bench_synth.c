// SPDX-License-Identifier: MIT
/*
 * bench_synth [SOUNDFONT]: what the synth costs and how loud it is on a texture as dense as the
 * Chopin of MAESTRO: 13 onsets a second, pedalled, so that some twenty notes sound at once; and
 * what the profiles cost on the same sound.
 * Prints one JSON object.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/profile.h"
#include "audio/synth.h"

#define SECONDS 120
#define BLOCKS_PER_SECOND (SYNTH_RATE / SYNTH_BLOCK)
#define ONSETS_PER_SECOND 13
/** Blocks a note is held: a pedal change about every two seconds. */
#define HELD_LEAST (BLOCKS_PER_SECOND / 4)
#define HELD_MOST (BLOCKS_PER_SECOND * 3)

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
    // Knuth's MMIX generator: the same music on every machine.
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % bound);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double memory_mib(const char *key)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    double kib = 0.0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtod(line + strlen(key), NULL);
    if (file)
        fclose(file);
    return kib / 1024.0;
}

/** Three dice each, so that the middle is likelier than the ends. */
static uint8_t some_pitch(void)
{
    return (uint8_t)(33 + random_below(21) + random_below(21) + random_below(21));
}

static uint8_t some_velocity(void)
{
    return (uint8_t)(20 + random_below(31) + random_below(31) + random_below(31));
}

int main(int argc, char **argv)
{
    double empty = memory_mib("VmRSS:");
    double begin = cpu_seconds();
    struct synth *synth;
    if (synth_new(argc > 1 ? argv[1] : NULL, &synth) < 0)
        return 77;
    double loaded = cpu_seconds() - begin;

    int held[128] = {0};
    long sounding = 0;
    double sum = 0.0;
    float peak = 0.0f;
    double rendering = 0.0;
    double profiled[PROFILE_KINDS] = {0};
    struct profile *profiles[PROFILE_KINDS] = {0};
    for (int kind = 0; kind < PROFILE_KINDS; kind++)
        if (profile_new((enum profile_kind)kind, &profiles[kind]) < 0)
            return 1;
    for (int block = 0; block < SECONDS * BLOCKS_PER_SECOND; block++) {
        for (uint8_t pitch = 0; pitch < 128; pitch++) {
            sounding += held[pitch] > 0;
            if (held[pitch] > 0 && --held[pitch] == 0)
                synth_note_off(synth, pitch);
        }
        if (random_below(BLOCKS_PER_SECOND) < ONSETS_PER_SECOND) {
            uint8_t pitch = some_pitch();
            if (held[pitch] > 0)
                synth_note_off(synth, pitch);
            synth_note_on(synth, pitch, some_velocity());
            held[pitch] = HELD_LEAST + (int)random_below(HELD_MOST - HELD_LEAST);
        }
        float frames[2 * SYNTH_BLOCK];
        double before = cpu_seconds();
        synth_render(synth, frames, SYNTH_BLOCK);
        rendering += cpu_seconds() - before;
        for (int kind = 0; kind < PROFILE_KINDS; kind++) {
            float sound[2 * SYNTH_BLOCK];
            memcpy(sound, frames, sizeof sound);
            before = cpu_seconds();
            profile_process(profiles[kind], sound, SYNTH_BLOCK);
            profiled[kind] += cpu_seconds() - before;
        }
        for (int i = 0; i < 2 * SYNTH_BLOCK; i++) {
            peak = fmaxf(peak, fabsf(frames[i]));
            sum += (double)frames[i] * frames[i];
        }
    }
    double rms = sqrt(sum / (2.0 * SECONDS * SYNTH_RATE));
    printf("{\"bench\": \"synth\", \"soundfont\": \"%s\", \"cpu_per_second\": %.5f, "
           "\"load_seconds\": %.3f, \"notes_sounding\": %.1f, \"peak_dbfs\": %.2f, "
           "\"rms_dbfs\": %.2f, \"rss_mib_before\": %.1f, \"rss_mib\": %.1f",
           argc > 1 ? argv[1] : synth_default_soundfont(), rendering / SECONDS, loaded,
           (double)sounding * SYNTH_BLOCK / ((double)SECONDS * SYNTH_RATE),
           20.0 * log10((double)peak), 20.0 * log10(rms), empty, memory_mib("VmRSS:"));
    for (int kind = 0; kind < PROFILE_KINDS; kind++) {
        printf(", \"%s_cpu_per_second\": %.5f", profile_name((enum profile_kind)kind),
               profiled[kind] / SECONDS);
        profile_free(profiles[kind]);
    }
    printf("}\n");
    synth_free(synth);
    return 0;
}
