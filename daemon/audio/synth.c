// SPDX-License-Identifier: MIT
#include "audio/synth.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fluidsynth.h>

#include "audio/limiter.h"
#include "log.h"

// FluidSynth computes in blocks of 64 frames whatever it is asked for.
_Static_assert(LIMITER_BLOCK == SYNTH_BLOCK, "the limiter delays by one block");
_Static_assert(SYNTH_DELAY == LIMITER_BLOCK, "a note is delayed by the limiter alone");

// A dense texture (13 onsets a second, velocities around 65, pedalled) then has an RMS level of
// some -22 dBFS with TimGM6mb and peaks 6 dB under full scale; see tests/bench/bench_synth.c.
#define GAIN 1.6
#define POLYPHONY 96

struct synth {
    fluid_settings_t *settings;
    fluid_synth_t *fluid;
    struct limiter limiter;
    float block[2 * SYNTH_BLOCK];
    uint32_t block_left; // frames at the end of `block` that nobody has fetched yet
};

const char *synth_default_soundfont(void)
{
    // The better the piano, the further up.
    static const char *const places[] = {
        "/usr/share/sounds/sf3/MuseScore_General.sf3",
        "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
        "/usr/share/sounds/sf2/FluidR3_GM.sf2",
        "/usr/share/soundfonts/FluidR3_GM.sf2",
        "/usr/share/sounds/sf2/TimGM6mb.sf2",
        "/usr/share/sounds/sf2/default-GM.sf2",
        "/usr/share/sounds/sf3/default-GM.sf3",
        "/usr/share/soundfonts/default.sf2",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

static void on_fluid_log(int level, const char *message, void *user)
{
    // What matters for a person is logged by us, with the remedy.
    log_debug("FluidSynth: %s", message);
}

static fluid_settings_t *settings_new(void)
{
    fluid_settings_t *settings = new_fluid_settings();
    if (!settings)
        return NULL;
    fluid_settings_setnum(settings, "synth.sample-rate", SYNTH_RATE);
    fluid_settings_setnum(settings, "synth.gain", GAIN);
    fluid_settings_setint(settings, "synth.polyphony", POLYPHONY);
    fluid_settings_setint(settings, "synth.cpu-cores", 1);
    fluid_settings_setint(settings, "synth.threadsafe-api", 0);
    // Only the piano's samples are read from the SoundFont, and they need not be locked in memory:
    // the performer works some tenths of a second ahead.
    fluid_settings_setint(settings, "synth.dynamic-sample-loading", 1);
    fluid_settings_setint(settings, "synth.lock-memory", 0);
    fluid_settings_setint(settings, "synth.chorus.active", 0);
    fluid_settings_setint(settings, "synth.reverb.active", 1);
    fluid_settings_setnum(settings, "synth.reverb.room-size", 0.45);
    fluid_settings_setnum(settings, "synth.reverb.damp", 0.4);
    fluid_settings_setnum(settings, "synth.reverb.width", 0.7);
    fluid_settings_setnum(settings, "synth.reverb.level", 0.3);
    return settings;
}

/** Whether it begins like one: with what does not, FluidSynth tries libraries for other formats,
 * which print complaints of their own. */
static bool is_soundfont(const char *path)
{
    char head[12] = "";
    FILE *file = fopen(path, "re");
    bool whole = file && fread(head, sizeof head, 1, file) == 1;
    if (file)
        fclose(file);
    return whole && !memcmp(head, "RIFF", 4) &&
           (!memcmp(head + 8, "sfbk", 4) || !memcmp(head + 8, "DLS ", 4));
}

static int load_piano(fluid_synth_t *fluid, const char *soundfont)
{
    if (access(soundfont, R_OK) < 0) {
        log_error("cannot read the SoundFont %s: %s; check the setting, or leave it out to use "
                  "Debian's (packages timgm6mb-soundfont, fluid-soundfont-gm)",
                  soundfont, strerror(errno));
        return -ENOENT;
    }
    int id = is_soundfont(soundfont) ? fluid_synth_sfload(fluid, soundfont, 0) : FLUID_FAILED;
    if (id == FLUID_FAILED) {
        log_error("%s is not a SoundFont that FluidSynth can read; name another .sf2 or .sf3 file, "
                  "or leave the setting out",
                  soundfont);
        return -EBADMSG;
    }
    if (fluid_synth_program_select(fluid, 0, id, 0, 0) == FLUID_FAILED) {
        log_error("the SoundFont %s has no piano (bank 0, program 0); name another one", soundfont);
        return -EBADMSG;
    }
    return 0;
}

int synth_new(const char *soundfont, struct synth **ret_synth)
{
    for (int level = FLUID_PANIC; level < LAST_LOG_LEVEL; level++)
        fluid_set_log_function(level, on_fluid_log, NULL);

    if (!soundfont || !*soundfont)
        soundfont = synth_default_soundfont();
    if (!soundfont) {
        log_error("no SoundFont found under /usr/share/sounds or /usr/share/soundfonts; "
                  "apt-get install timgm6mb-soundfont (small) or fluid-soundfont-gm (better)");
        return -ENOENT;
    }

    int res = -ENOMEM;
    struct synth *synth = calloc(1, sizeof *synth);
    if (!synth)
        return res;
    synth->settings = settings_new();
    if (synth->settings)
        synth->fluid = new_fluid_synth(synth->settings);
    if (synth->fluid)
        res = load_piano(synth->fluid, soundfont);
    if (res < 0) {
        synth_free(synth);
        return res;
    }
    fluid_synth_set_interp_method(synth->fluid, -1, FLUID_INTERP_4THORDER);
    limiter_init(&synth->limiter, LIMITER_CEILING, false);
    log_debug("SoundFont: %s", soundfont);
    *ret_synth = synth;
    return 0;
}

int synth_new_lenient(char *soundfont, struct synth **ret_synth)
{
    int r = synth_new(soundfont, ret_synth);
    if ((r != -ENOENT && r != -EBADMSG) || !*soundfont || !synth_default_soundfont())
        return r;
    log_warning("playing with %s instead", synth_default_soundfont());
    *soundfont = '\0';
    return synth_new(NULL, ret_synth);
}

void synth_free(struct synth *synth)
{
    if (!synth)
        return;
    if (synth->fluid)
        delete_fluid_synth(synth->fluid);
    if (synth->settings)
        delete_fluid_settings(synth->settings);
    free(synth);
}

void synth_note_on(struct synth *synth, uint8_t pitch, uint8_t velocity)
{
    fluid_synth_noteon(synth->fluid, 0, pitch, velocity);
}

void synth_note_off(struct synth *synth, uint8_t pitch)
{
    // FLUID_FAILED where the voice has died away or was stolen: nothing is left to release.
    fluid_synth_noteoff(synth->fluid, 0, pitch);
}

void synth_release_all(struct synth *synth)
{
    fluid_synth_all_notes_off(synth->fluid, 0);
}

void synth_render(struct synth *synth, float *ret_interleaved, uint32_t frames)
{
    while (frames > 0) {
        if (synth->block_left == 0) {
            float fresh[2 * SYNTH_BLOCK];
            fluid_synth_write_float(synth->fluid, SYNTH_BLOCK, fresh, 0, 2, fresh, 1, 2);
            limiter_process(&synth->limiter, fresh, synth->block);
            synth->block_left = SYNTH_BLOCK;
        }
        uint32_t take = frames < synth->block_left ? frames : synth->block_left;
        memcpy(ret_interleaved, synth->block + (size_t)2 * (SYNTH_BLOCK - synth->block_left),
               take * 2 * sizeof(float));
        synth->block_left -= take;
        ret_interleaved += (size_t)2 * take;
        frames -= take;
    }
}
