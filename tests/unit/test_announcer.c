// SPDX-License-Identifier: MIT
// Announcements: the files they are read from, where phrases end, and how they are spoken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sndfile.h>

#include "audio/announcement.h"
#include "audio/announcer.h"
#include "audio/synth.h"
#include "log.h"
#include "music/phrase.h"
#include "music/score.h"

#define RATE 48000
#define MS (NOTE_SECOND / 1000)
#define SPOKEN 2.0 ///< seconds
#define VOICE 1000 ///< Hz

static double decibels(double power)
{
    return 10 * log10(fmax(power, 1e-12));
}

/** A file that nobody else has a name for, with a tone; level in dBFS RMS. */
static int make_file(int form, int rate, int channels, double seconds, double level)
{
    char path[] = "/tmp/fermata-announcement.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = form};
    SNDFILE *file = sf_open_fd(fd, SFM_WRITE, &info, SF_FALSE);
    assert_non_null(file);
    double peak = pow(10, level / 20) * sqrt(2);
    for (int i = 0; i < (int)(seconds * rate); i++) {
        float frame[ANNOUNCEMENT_CHANNELS];
        for (int c = 0; c < channels; c++)
            frame[c] = (float)(peak * sin(2 * M_PI * VOICE * i / rate));
        sf_writef_float(file, frame, 1);
    }
    sf_close(file);
    return fd;
}

static struct announcement *read_file(int fd)
{
    struct announcement *announcement = NULL;
    const char *why = "";
    int r = announcement_read(fd, &announcement, &why);
    if (r < 0)
        print_message("the file %s\n", why);
    assert_int_equal(r, 0);
    close(fd);
    return announcement;
}

static void test_files_of_many_kinds(void **state)
{
    (void)state;
    static const struct {
        int form, rate, channels;
    } kinds[] = {
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1},
        {SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1},
        {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 96000, 6},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 44100, 2},
        {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 48000, 2},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 22050, 2},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 192000, 1},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = make_file(kinds[i].form, kinds[i].rate, kinds[i].channels, SPOKEN, -30);
        double seconds = 0;
        const char *why = NULL;
        assert_int_equal(announcement_check(fd, &seconds, &why), 0);
        assert_true(fabs(seconds - SPOKEN) < 0.01);
        struct announcement *announcement = read_file(fd);
        assert_int_equal(announcement->channels, kinds[i].channels == 2 ? 2 : 1);
        assert_true(fabs((double)announcement->frames / RATE - SPOKEN) < 0.01);
        // At 1 kHz, LUFS of two channels are 3 dB more than RMS, by BS.1770's own calibration.
        assert_true(fabsf(announcement->level[PROFILE_ROOM] + 27) < 0.4f);
        assert_true(fabsf(announcement->level[PROFILE_TELEPHONE] + 30) < 0.4f);
        announcement_unref(announcement);
    }
}

static void refuse(int fd, int error)
{
    struct announcement *announcement = (struct announcement *)&fd;
    double seconds = -1;
    const char *why = NULL;
    int checked = announcement_check(fd, &seconds, &why);
    assert_true(checked == 0 || (checked == error && why && *why && seconds == -1));
    why = NULL;
    assert_int_equal(announcement_read(fd, &announcement, &why), error);
    assert_true(why && *why);
    assert_ptr_equal(announcement, &fd);
    close(fd);
}

static void test_what_is_no_announcement_is_refused(void **state)
{
    (void)state;
    refuse(open("/dev/null", O_RDONLY), -EBADMSG);
    refuse(open("/tmp", O_RDONLY), -EBADMSG);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    refuse(ends[0], -EBADMSG);
    close(ends[1]);
    const int wav = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    refuse(make_file(wav, 8000, 1, ANNOUNCEMENT_SECONDS + 1, -30), -EFBIG);
    refuse(make_file(wav, 8000, 1, 0, -30), -EBADMSG);
    refuse(make_file(wav, 8000, 1, 1, -90), -EBADMSG);
    // What cannot be read to its end is not called silent: it comes to light as it is read.
    int broken = make_file(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, 3, -20);
    char noise[4096];
    memset(noise, 0x55, sizeof noise);
    off_t size = lseek(broken, 0, SEEK_END);
    for (off_t at = 200; at < size; at += sizeof noise)
        assert_true(pwrite(broken, noise, sizeof noise, at) > 0);
    double told;
    const char *reason = "";
    assert_true(announcement_check(broken, &told, &reason) == 0 || !strstr(reason, "silent"));
    close(broken);
    // That nothing would be heard is told at once.
    double seconds = -1;
    const char *why = NULL;
    int silent = make_file(wav, 8000, 6, 3, -90);
    assert_int_equal(announcement_check(silent, &seconds, &why), -EBADMSG);
    assert_string_equal(why, "is silent");
    close(silent);
    refuse(make_file(wav, 2000, 1, 1, -30), -EBADMSG);

    char path[] = "/tmp/fermata-announcement.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "Dear caller, please hold the line.\n", 35), 35);
    refuse(dup(fd), -EBADMSG);
    assert_int_equal(ftruncate(fd, ANNOUNCEMENT_BYTES + 1), 0);
    refuse(fd, -EFBIG);
    unlink(path);
}

/** Whatever bytes a file has, reading it ends and keeps to its memory. */
static void test_broken_files(void **state)
{
    (void)state;
    static const int forms[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_AIFF | SF_FORMAT_FLOAT};
    srand(3);
    for (int round = 0; round < 200; round++) {
        int fd = make_file(forms[round % 4], 16000, 1 + round % 2, 0.2, -20);
        off_t size = lseek(fd, 0, SEEK_END);
        for (int i = 0; i < 1 + rand() % 8; i++) {
            char byte = (char)rand();
            off_t at = i % 2 ? rand() % size : rand() % (size < 100 ? size : 100);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        if (round % 3 == 0)
            assert_int_equal(ftruncate(fd, 1 + rand() % size), 0);
        struct announcement *announcement = NULL;
        const char *why = NULL;
        if (announcement_read(fd, &announcement, &why) == 0) {
            assert_true(announcement->frames <= (ANNOUNCEMENT_SECONDS + 1) * RATE);
            announcement_unref(announcement);
        } else {
            assert_non_null(why);
        }
        close(fd);
    }
}

// -- phrases

static void test_phrases(void **state)
{
    (void)state;
    struct note notes[32];
    size_t count = 0;
    int64_t onset = 1000 * MS;
    for (int i = 0; i < 16; i++, onset += i == 8 ? 900 * MS : 200 * MS)
        notes[count++] = (struct note){onset, 200 * MS, (uint8_t)(60 + i), 70};
    int64_t breath = notes[7].onset;
    int64_t end = phrase_end(notes, count, 1000 * MS, 5000 * MS);
    assert_true(end >= breath + 250 * MS && end <= breath + 500 * MS);
    // Music that runs on, and none at all.
    assert_true(phrase_end(notes, 8, 1000 * MS, 2600 * MS) == 1000 * MS);
    assert_true(phrase_end(notes, 0, 1000 * MS, 5000 * MS) == 1000 * MS);
    // Slow music has no breath between all of its notes.
    for (int i = 0; i < 8; i++)
        notes[i].onset = 1000 * MS + i * 500 * MS;
    assert_true(phrase_end(notes, 8, 1000 * MS, 5000 * MS) == 1000 * MS);
    // A spread chord is no phrase.
    for (int i = 0; i < 8; i++)
        notes[i].onset = 1000 * MS + i * 50 * MS;
    assert_true(phrase_end(notes, 8, 1000 * MS, 1500 * MS) == 1000 * MS);
}

// -- speaking

/** Real music: broken chords, with a breath of 1.2 s at every fourth second. */
struct stage {
    struct score *score;
    struct synth *synth;
    struct profile *profile;
    struct announcer *announcer;
    enum profile_kind kind;
    int64_t frames;
    double voice; ///< power of the voice's tone in the last tenth of a second,
    double rest;  ///< and of all else
    double peak;
};

static void begin(struct stage *stage, enum profile_kind kind)
{
    *stage = (struct stage){.kind = kind};
    assert_int_equal(score_new(&stage->score), 0);
    assert_int_equal(synth_new(NULL, &stage->synth), 0);
    assert_int_equal(profile_new(kind, &stage->profile), 0);
    assert_int_equal(announcer_new(&stage->announcer), 0);
    for (int64_t at = 0; at < 30 * NOTE_SECOND; at += 100 * MS)
        if (at % (4 * NOTE_SECOND) < 2800 * MS)
            score_add(stage->score,
                      &(struct note){at, 400 * MS, (uint8_t)(57 + at / (100 * MS) % 5 * 4), 80});
    score_extend(stage->score, 30 * NOTE_SECOND);
}

static void end(struct stage *stage)
{
    announcer_free(stage->announcer);
    profile_free(stage->profile);
    synth_free(stage->synth);
    score_free(stage->score);
}

/** Plays the next tenth of a second and measures it. */
static void play(struct stage *stage)
{
    double sum = 0, cosine = 0, sine = 0;
    for (int block = 0; block < 75; block++) {
        struct score_event event;
        while (score_take(stage->score, stage->frames * 125 / 6, &event)) {
            if (event.velocity)
                synth_note_on(stage->synth, event.pitch, event.velocity);
            else
                synth_note_off(stage->synth, event.pitch);
        }
        float sound[2 * PROFILE_BLOCK];
        synth_render(stage->synth, sound, PROFILE_BLOCK);
        profile_process(stage->profile, sound, PROFILE_BLOCK);
        announcer_process(stage->announcer, stage->kind, stage->score, sound, PROFILE_BLOCK);
        for (int i = 0; i < PROFILE_BLOCK; i++, stage->frames++) {
            double value = sound[2 * i], turn = 2 * M_PI * VOICE * (double)stage->frames / RATE;
            sum += value * value / 4800;
            cosine += value * cos(turn) / 4800;
            sine += value * sin(turn) / 4800;
            stage->peak = fmax(stage->peak, fabs(value));
        }
    }
    stage->voice = 2 * (cosine * cosine + sine * sine);
    stage->rest = fmax(sum - stage->voice, 0);
}

static void speak(enum profile_kind kind, double level, double target)
{
    struct stage stage;
    begin(&stage, kind);
    for (int i = 0; i < 45; i++)
        play(&stage);
    struct announcement *announcement =
        read_file(make_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, SPOKEN, level));
    announcer_say(stage.announcer, announcement);
    announcement_unref(announcement);
    double usual = 0, ducked = 0;
    int first = 0, spoken = 0;
    for (int i = 45; i < 140; i++) {
        play(&stage);
        bool speaks = decibels(stage.voice) > target - 3;
        if (speaks && !first)
            first = i;
        spoken += speaks;
        // What the music has in the same second of its four, spoken over or not.
        if (i >= 85 && i < 95)
            ducked += stage.rest;
        if (i >= 125 && i < 135)
            usual += stage.rest;
        if (speaks && i > first && i < first + 18)
            assert_true(fabs(decibels(stage.voice) - target) < 1);
    }
    // The breath is from 6.8 to 8 s; what was struck last, at 6.7 s, is heard, and the music goes
    // down in 0.3 s.
    assert_in_range(first, 71, 75);
    assert_in_range(spoken, 19, 22);
    assert_true(decibels(usual) - decibels(ducked) > 15);
    assert_true(decibels(usual) - decibels(ducked) < 22);
    assert_true(stage.peak <= (double)profile_ceiling(kind) * 1.01);
    assert_false(announcer_is_busy(stage.announcer));
    assert_int_equal(announcer_said(stage.announcer), 1);
    end(&stage);
}

static void test_speech_is_heard_at_a_breath_as_loud_as_the_music(void **state)
{
    (void)state;
    if (!synth_default_soundfont()) {
        print_message("no SoundFont here: apt-get install timgm6mb-soundfont\n");
        skip();
    }
    speak(PROFILE_TELEPHONE, -12, -22);
    speak(PROFILE_TELEPHONE, -45, -22);
    // One tone out of two loudspeakers is 3 dB louder than out of one.
    speak(PROFILE_ROOM, -30, -26);
}

static void test_hushed_at_once_and_without_a_click(void **state)
{
    (void)state;
    struct announcer *announcer;
    assert_int_equal(announcer_new(&announcer), 0);
    struct announcement *announcement =
        read_file(make_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1, SPOKEN, -20));
    announcer_say(announcer, announcement);
    assert_true(announcer_is_busy(announcer));
    float before = 0, loudest = 0;
    for (int block = 0; block < 1500; block++) {
        float sound[2 * PROFILE_BLOCK] = {0};
        if (block == 500)
            announcer_hush(announcer);
        if (block == 600) // waits, and is forgotten
            announcer_say(announcer, announcement);
        if (block == 601)
            announcer_hush(announcer);
        announcer_process(announcer, PROFILE_ROOM, NULL, sound, PROFILE_BLOCK);
        for (int i = 0; i < PROFILE_BLOCK; i++) {
            // A tone of 1 kHz goes up by an eighth of its peak in a sample.
            assert_true(fabsf(sound[2 * i] - before) < 0.02f);
            before = sound[2 * i];
            if (block > 540)
                assert_true(before == 0);
            loudest = fmaxf(loudest, before);
        }
    }
    assert_true(loudest > 0.05f);
    assert_int_equal(announcer_said(announcer), 0);
    announcement_unref(announcement);
    announcer_free(announcer);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_many_kinds),
        cmocka_unit_test(test_what_is_no_announcement_is_refused),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_speech_is_heard_at_a_breath_as_loud_as_the_music),
        cmocka_unit_test(test_hushed_at_once_and_without_a_click),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
