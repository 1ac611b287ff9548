// SPDX-License-Identifier: MIT
#include "music/gauge.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "music/score.h"

#define PITCHES 128
#define CLASSES 12
#define MS (NOTE_SECOND / 1000)
/** Onsets no further apart are of one chord. */
#define CHORD_MS 30
/** The runs that are remembered lie in buckets by their hash; what was not heard for longest gives
 * way. Half an hour of a thousand notes a minute takes a quarter of the room. */
#define BUCKETS 16384
#define SLOTS 8

struct heard {
    uint64_t run; ///< hash
    int64_t at;   ///< when it was heard last
};

struct gauge {
    int64_t begun; ///< of the reading
    int64_t now;   ///< of the last event
    int64_t last_onset;
    int64_t silent_since;
    bool sounds[PITCHES];
    unsigned sounding;

    double sounded; ///< seconds, of all notes together
    uint32_t classes[CLASSES];
    struct gauge_reading reading;
    double pitch_sum, velocity_sum;

    uint8_t chord[PITCHES]; ///< low to high, not yet in the line
    unsigned chord_count;
    int64_t chord_ms;        ///< its latest onset
    uint8_t line[GAUGE_RUN]; ///< pitches, a ring
    uint64_t line_count;

    struct heard memory[BUCKETS][SLOTS];
};

int gauge_new(struct gauge **ret_gauge)
{
    struct gauge *gauge = calloc(1, sizeof *gauge);
    if (!gauge)
        return -ENOMEM;
    for (size_t i = 0; i < BUCKETS; i++)
        for (size_t k = 0; k < SLOTS; k++)
            gauge->memory[i][k].at = -GAUGE_MEMORY - 1;
    *ret_gauge = gauge;
    return 0;
}

void gauge_free(struct gauge *gauge)
{
    free(gauge);
}

/** Finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Hash of the intervals of the last GAUGE_RUN notes of the line. */
static uint64_t last_run(const struct gauge *gauge)
{
    uint64_t hash = 0;
    for (uint64_t i = gauge->line_count - GAUGE_RUN + 1; i < gauge->line_count; i++)
        hash = mix(hash + UINT64_C(0x9e3779b97f4a7c15) + PITCHES + gauge->line[i % GAUGE_RUN] -
                   gauge->line[(i - 1) % GAUGE_RUN]);
    return hash;
}

/** Remembers a run. Returns whether it was heard within GAUGE_MEMORY. */
static bool remember(struct gauge *gauge, uint64_t run, int64_t at)
{
    struct heard *slots = gauge->memory[run % BUCKETS];
    struct heard *oldest = slots;
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].run == run && at - slots[i].at <= GAUGE_MEMORY) {
            slots[i].at = at;
            return true;
        }
        if (slots[i].at < oldest->at)
            oldest = &slots[i];
    }
    *oldest = (struct heard){run, at};
    return false;
}

/** Puts the chord into the line. */
static void spell_chord(struct gauge *gauge)
{
    for (unsigned i = 0; i < gauge->chord_count; i++) {
        gauge->line[gauge->line_count++ % GAUGE_RUN] = gauge->chord[i];
        if (gauge->line_count < GAUGE_RUN)
            continue;
        gauge->reading.runs++;
        gauge->reading.repeated += remember(gauge, last_run(gauge), gauge->chord_ms * MS);
    }
    gauge->chord_count = 0;
}

static void add_to_chord(struct gauge *gauge, uint8_t pitch, int64_t ms)
{
    if (gauge->chord_count == PITCHES || ms - gauge->chord_ms > CHORD_MS)
        spell_chord(gauge);
    unsigned place = gauge->chord_count++;
    for (; place > 0 && gauge->chord[place - 1] > pitch; place--)
        gauge->chord[place] = gauge->chord[place - 1];
    gauge->chord[place] = pitch;
    gauge->chord_ms = ms;
}

static double in_seconds(int64_t us)
{
    return (double)us / NOTE_SECOND;
}

static void go_to(struct gauge *gauge, int64_t time)
{
    gauge->sounded += gauge->sounding * in_seconds(time - gauge->now);
    gauge->now = time;
}

/** What has lasted until now may be the longest of its kind. */
static void weigh_gaps(struct gauge *gauge)
{
    struct gauge_reading *reading = &gauge->reading;
    reading->onset_gap = fmax(reading->onset_gap, in_seconds(gauge->now - gauge->last_onset));
    double silence = gauge->sounding ? 0 : in_seconds(gauge->now - gauge->silent_since);
    if (silence > reading->silence) {
        reading->silence = silence;
        reading->silence_at = gauge->silent_since;
    }
}

static void strike(struct gauge *gauge, uint8_t pitch, uint8_t velocity)
{
    weigh_gaps(gauge);
    gauge->last_onset = gauge->now;
    gauge->sounding += !gauge->sounds[pitch];
    gauge->sounds[pitch] = true;
    gauge->reading.notes++;
    gauge->pitch_sum += pitch;
    gauge->velocity_sum += velocity;
    gauge->classes[pitch % CLASSES]++;
    // In milliseconds, as a MIDI file has it, so that whoever reads that finds the same chords.
    add_to_chord(gauge, pitch, (gauge->now + MS / 2) / MS);
}

void gauge_hear(struct gauge *gauge, const struct score_event *event)
{
    uint8_t pitch = event->pitch & (PITCHES - 1);
    go_to(gauge, event->time);
    if (event->velocity) {
        strike(gauge, pitch, event->velocity);
    } else if (gauge->sounds[pitch]) {
        gauge->sounds[pitch] = false;
        gauge->sounding--;
        gauge->silent_since = gauge->now;
    }
}

static double entropy(const uint32_t *classes, uint32_t count)
{
    double bits = 0;
    for (int i = 0; i < CLASSES; i++)
        if (classes[i])
            bits -= (double)classes[i] / count * log2((double)classes[i] / count);
    return bits;
}

void gauge_read(struct gauge *gauge, int64_t until, struct gauge_reading *ret_reading)
{
    go_to(gauge, until);
    weigh_gaps(gauge);
    struct gauge_reading *reading = &gauge->reading;
    if (reading->notes) {
        reading->register_ = gauge->pitch_sum / reading->notes;
        reading->velocity = gauge->velocity_sum / reading->notes;
        reading->entropy = entropy(gauge->classes, reading->notes);
    }
    if (until > gauge->begun)
        reading->sounding = gauge->sounded / in_seconds(until - gauge->begun);
    *ret_reading = *reading;

    *reading = (struct gauge_reading){.silence = 0};
    memset(gauge->classes, 0, sizeof gauge->classes);
    gauge->pitch_sum = gauge->velocity_sum = gauge->sounded = 0;
    gauge->begun = until;
}
