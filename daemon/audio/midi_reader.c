// SPDX-License-Identifier: MIT
#include "audio/midi_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fluidsynth.h>

#include "log.h"

#define RATE 48000
#define BLOCK 64 // FluidSynth's: the player goes on once in so many frames
#define HEADER_BYTES 14
#define CHANNELS 16
#define PERCUSSION 9
#define NOTE_OFF 0x80
#define NOTE_ON 0x90
#define CONTROL_CHANGE 0xb0
#define SUSTAIN 64
#define ALL_SOUND_OFF 120
#define ALL_NOTES_OFF 123

struct key {
    size_t note; ///< 1 + index of the one that sounds; 0: none
    bool held;   ///< by the pedal alone
};

struct reading {
    struct note *notes;
    size_t count, room;
    int64_t time;
    struct key keys[CHANNELS][128];
    bool pedal[CHANNELS];
    bool short_of_memory;
};

/** What FluidSynth has complained of while this thread was reading. */
static _Thread_local char complaint[160];
static _Thread_local bool is_reading;
/** Why a file is refused. */
static _Thread_local char why[224];

static void on_fluid_log(int level, const char *message, void *user)
{
    // The first error is the cause; the others follow from it.
    if (is_reading && level <= FLUID_ERR && !*complaint)
        snprintf(complaint, sizeof complaint, "%s", message);
    log_debug("FluidSynth: %s", message);
}

static void end_note(struct reading *reading, struct key *key)
{
    if (key->note) {
        struct note *note = &reading->notes[key->note - 1];
        note->duration = reading->time > note->onset ? reading->time - note->onset : 1;
    }
    *key = (struct key){0};
}

static void let_go(struct reading *reading, int channel, int pitch)
{
    struct key *key = &reading->keys[channel][pitch];
    if (key->note && reading->pedal[channel])
        key->held = true;
    else
        end_note(reading, key);
}

static void strike(struct reading *reading, int channel, int pitch, int velocity)
{
    end_note(reading, &reading->keys[channel][pitch]);
    if (reading->count == reading->room) {
        size_t room = reading->room ? 2 * reading->room : 256;
        struct note *notes = realloc(reading->notes, room * sizeof *notes);
        if (!notes) {
            reading->short_of_memory = true;
            return;
        }
        reading->notes = notes;
        reading->room = room;
    }
    reading->notes[reading->count++] = (struct note){
        .onset = reading->time,
        .duration = NOTE_OPEN,
        .pitch = (uint8_t)pitch,
        .velocity = (uint8_t)velocity,
    };
    reading->keys[channel][pitch].note = reading->count;
}

static void control(struct reading *reading, int channel, int number, int value)
{
    bool pedal = number == SUSTAIN ? value >= 64 : reading->pedal[channel];
    bool lifted = reading->pedal[channel] && !pedal;
    reading->pedal[channel] = pedal;
    for (int pitch = 0; pitch < 128; pitch++) {
        struct key *key = &reading->keys[channel][pitch];
        if (number == ALL_SOUND_OFF || (lifted && key->held))
            end_note(reading, key);
        else if (number >= ALL_NOTES_OFF)
            let_go(reading, channel, pitch);
    }
}

static int on_event(void *user, fluid_midi_event_t *event)
{
    struct reading *reading = user;
    int channel = fluid_midi_event_get_channel(event) & (CHANNELS - 1);
    int type = fluid_midi_event_get_type(event);
    if (channel == PERCUSSION || (type != NOTE_ON && type != NOTE_OFF && type != CONTROL_CHANGE))
        return FLUID_OK;
    if (type == CONTROL_CHANGE) {
        control(reading, channel, fluid_midi_event_get_control(event),
                fluid_midi_event_get_value(event));
        return FLUID_OK;
    }
    int pitch = fluid_midi_event_get_key(event) & 127;
    int velocity = type == NOTE_ON ? fluid_midi_event_get_velocity(event) & 127 : 0;
    if (velocity > 0)
        strike(reading, channel, pitch, velocity);
    else
        let_go(reading, channel, pitch);
    return FLUID_OK;
}

static fluid_settings_t *settings_new(void)
{
    fluid_settings_t *settings = new_fluid_settings();
    if (!settings)
        return NULL;
    fluid_settings_setnum(settings, "synth.sample-rate", RATE);
    fluid_settings_setint(settings, "synth.polyphony", 1);
    fluid_settings_setint(settings, "synth.cpu-cores", 1);
    fluid_settings_setint(settings, "synth.threadsafe-api", 0);
    fluid_settings_setint(settings, "synth.reverb.active", 0);
    fluid_settings_setint(settings, "synth.chorus.active", 0);
    // Its time is that of the frames fetched, not that of a clock.
    fluid_settings_setstr(settings, "player.timing-source", "sample");
    fluid_settings_setint(settings, "player.reset-synth", 0);
    return settings;
}

/** Lets the player play all of the file to `reading`. Returns 0, -EFBIG or -ENOMEM. */
static int play(const void *bytes, size_t size, struct reading *reading)
{
    fluid_settings_t *settings = settings_new();
    fluid_synth_t *synth = settings ? new_fluid_synth(settings) : NULL;
    fluid_player_t *player = synth ? new_fluid_player(synth) : NULL;
    int r = -ENOMEM;
    if (player && fluid_player_add_mem(player, bytes, size) == FLUID_OK) {
        float sound[2 * BLOCK];
        fluid_player_set_playback_callback(player, on_event, reading);
        fluid_player_play(player);
        int64_t blocks = 0;
        while (fluid_player_get_status(player) != FLUID_PLAYER_DONE &&
               reading->time < MIDI_READER_LONGEST && !reading->short_of_memory) {
            fluid_synth_write_float(synth, BLOCK, sound, 0, 2, sound, 1, 2);
            reading->time = ++blocks * BLOCK * NOTE_SECOND / RATE;
        }
        r = reading->short_of_memory ? -ENOMEM : reading->time >= MIDI_READER_LONGEST ? -EFBIG : 0;
    }
    if (player)
        delete_fluid_player(player);
    if (synth)
        delete_fluid_synth(synth);
    if (settings)
        delete_fluid_settings(settings);
    return r;
}

/** Whether it has the tracks that its header names: FluidSynth reads nothing where some are
 * missing, and says nothing. */
static int check_tracks(const uint8_t *bytes, size_t size, const char **ret_why)
{
    unsigned named = (unsigned)bytes[10] << 8 | bytes[11], found = 0;
    size_t at = 0;
    while (at + 8 <= size) {
        const uint8_t *chunk = bytes + at;
        size_t length =
            (size_t)chunk[4] << 24 | (size_t)chunk[5] << 16 | (size_t)chunk[6] << 8 | chunk[7];
        found += !memcmp(chunk, "MTrk", 4);
        if (length > size - at - 8)
            break;
        at += 8 + length;
    }
    if (found >= named)
        return 0;
    snprintf(why, sizeof why,
             "is a broken MIDI file: it names %u tracks and has %u; export it again", named, found);
    *ret_why = why;
    return -EBADMSG;
}

/** What can be told from the first bytes already. Returns 0 or -EBADMSG. */
static int look_at_header(const uint8_t *bytes, size_t size, const char **ret_why)
{
    if (size < HEADER_BYTES || memcmp(bytes, "MThd", 4)) {
        *ret_why = "is no MIDI file: it does not begin with MThd; export it as a Standard MIDI "
                   "File (.mid)";
        return -EBADMSG;
    }
    if (bytes[12] & 0x80) {
        *ret_why = "counts its time in SMPTE frames; export it with ticks per quarter note";
        return -EBADMSG;
    }
    return check_tracks(bytes, size, ret_why);
}

int midi_reader_read(const void *bytes, size_t size, struct note **ret_notes, size_t *ret_count,
                     const char **ret_why)
{
    if (size > MIDI_READER_BYTES) {
        *ret_why = "is larger than 1 MiB; give a shorter one";
        return -EFBIG;
    }
    int r = look_at_header(bytes, size, ret_why);
    if (r < 0)
        return r;
    for (int level = FLUID_PANIC; level < LAST_LOG_LEVEL; level++)
        fluid_set_log_function(level, on_fluid_log, NULL);
    struct reading reading = {0};
    *complaint = '\0';
    is_reading = true;
    r = play(bytes, size, &reading);
    is_reading = false;

    *ret_why = why;
    if (r == -EFBIG) {
        snprintf(why, sizeof why, "is longer than %d minutes; give a shorter one",
                 (int)(MIDI_READER_LONGEST / NOTE_SECOND / 60));
    } else if (r < 0) {
        snprintf(why, sizeof why, "cannot be read: out of memory");
    } else if (*complaint && !reading.count) {
        snprintf(why, sizeof why, "is a broken MIDI file: %s", complaint);
        r = -EBADMSG;
    } else if (!reading.count) {
        snprintf(why, sizeof why, "has no notes, or only percussion");
        r = -ENODATA;
    }
    if (r < 0) {
        free(reading.notes);
        return r;
    }
    *ret_notes = reading.notes;
    *ret_count = reading.count;
    return 0;
}
