// SPDX-License-Identifier: MIT
#include "control/compose.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/synth.h"
#include "control/crew.h"
#include "control/generator.h"
#include "control/interrupt.h"
#include "control/lane.h"
#include "control/opening_reader.h"
#include "control/piece.h"
#include "control/printout.h"
#include "control/progress.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "log.h"
#include "music/opening.h"
#include "music/score.h"

/** Notes are taken so far behind the horizon that their ends are composed. */
#define BEHIND_US (13 * NOTE_SECOND)
/** Pieces that a core has in work at once. So few cost little more each than many would, and when
 * one is done the next takes its seat, where many would end with most seats empty. */
#define SEATS 4

/** One piece in the making. */
struct job {
    struct piece piece;
    struct score *score;
    struct lane *lane;
    uint64_t number; ///< of the last piece with a title
};

/** One path of the request. */
struct sheet {
    struct printout *printout;
    size_t job; ///< whose piece it is
};

struct composing {
    const struct compose_request *request;
    struct sheet *sheets;
    struct job *jobs;
    size_t job_count;
    struct repertoire *repertoire;
    struct crew *crew;
    struct progress progress;
    struct opening opening;
};

static bool same_piece(const struct printout *a, const struct printout *b)
{
    int stem = printout_stem(a);
    return stem == printout_stem(b) && !strncmp(printout_path(a), printout_path(b), (size_t)stem);
}

/** Checks the paths and finds out which of them are of one piece. */
static int open_printouts(struct composing *composing)
{
    const struct compose_request *request = composing->request;
    int64_t length = (int64_t)(request->seconds * NOTE_SECOND);
    for (size_t i = 0; i < request->path_count; i++) {
        int r = printout_new(request->paths[i], length, &composing->sheets[i].printout);
        if (r < 0)
            return r;
        for (size_t k = 0; k < i; k++) {
            if (printout_is_same(composing->sheets[i].printout, composing->sheets[k].printout)) {
                log_error("%s is named twice (as %s too); each piece needs a file of its own",
                          request->paths[i], request->paths[k]);
                return -EINVAL;
            }
        }
        size_t first = 0;
        while (!same_piece(composing->sheets[first].printout, composing->sheets[i].printout))
            first++;
        composing->sheets[i].job =
            first < i ? composing->sheets[first].job : composing->job_count++;
    }
    if (composing->job_count > COMPOSE_PIECES) {
        log_error("%zu pieces are too many for one run; name at most %d", composing->job_count,
                  COMPOSE_PIECES);
        return -EINVAL;
    }
    return 0;
}

/** Finds out before anything is composed whether there is a SoundFont to write it with. */
static int check_sound(const struct composing *composing, struct settings *settings)
{
    size_t i = 0;
    while (i < composing->request->path_count && !printout_has_sound(composing->sheets[i].printout))
        i++;
    if (i == composing->request->path_count)
        return 0;
    struct synth *synth = NULL;
    int r = settings_demands(settings, "soundfont")
                ? synth_new(settings->soundfont, &synth)
                : synth_new_lenient(settings->soundfont, &synth);
    synth_free(synth);
    return r;
}

static void on_mark(void *user, const char *event, int64_t time, const char *text)
{
    struct job *job = user;
    char title[TITLES_ROOM] = "";
    if (!strcmp(event, "cut") || !strcmp(event, "rung"))
        return; // nobody asks for a change here
    if (!strcmp(event, "piece"))
        titles_write(lane_piece_composer(job->lane), ++job->number, title);
    piece_add_mark(&job->piece, event, time, text, title);
}

static int make_job(struct composing *composing, const struct settings *settings, size_t index,
                    uint64_t seed)
{
    struct job *job = &composing->jobs[index];
    struct lane_style style = {
        .threshold = settings->threshold,
        .sampling = strcmp(settings->sampling, "hard") ? NET_SAMPLE : NET_HARD,
        .reseed_interval = settings->reseed_interval,
        .curator = settings->curator,
        .piece_length = settings->piece_length,
        .telephone = !strcmp(settings->profile, profile_name(PROFILE_TELEPHONE)),
    };
    memcpy(style.net, settings->net, sizeof style.net);
    memcpy(style.composer, settings->composer, sizeof style.composer);
    struct piece_origin origin = {
        .device = crew_device(composing->crew),
        .net = settings->net,
        .licence = repertoire_find(composing->repertoire, settings->net)->licence,
        .composer = settings->composer,
        .sampling = settings->sampling,
        .profile = settings->profile,
        .threshold = settings->threshold,
        .curator = settings->curator,
        .seed = seed + index,
    };
    job->number = settings->piece_number;
    piece_init(&job->piece, &origin, (int64_t)(composing->request->seconds * NOTE_SECOND));
    int r = score_new(&job->score);
    if (r == 0)
        r = lane_new(job->score, origin.seed, &style, &job->lane);
    if (r < 0)
        return r;
    lane_set_mark(job->lane, on_mark, job);
    if (composing->request->opening)
        lane_open(job->lane, &composing->opening);
    return crew_add(composing->crew, job->lane);
}

static int make_jobs(struct composing *composing, struct settings *settings)
{
    int r = repertoire_new(settings->models, !strcmp(settings->licence, "commercial"),
                           &composing->repertoire);
    if (r < 0)
        return r;
    r = repertoire_settle(composing->repertoire, settings);
    if (r < 0)
        return r;
    struct generator_config config = {
        .device = settings->device,
        .repertoire = composing->repertoire,
        .net = settings->net,
        .lanes = composing->job_count,
    };
    r = crew_new(&config, SEATS, &composing->crew);
    uint64_t seed = settings_draw_seed(settings);
    for (size_t i = 0; r == 0 && i < composing->job_count; i++)
        r = make_job(composing, settings, i, seed);
    return r;
}

/** Takes what a job's score has: crew_take_func. */
static int64_t take(void *user, size_t index)
{
    struct composing *composing = user;
    struct job *job = &composing->jobs[index];
    int r = piece_take(&job->piece, job->score, score_horizon(job->score) - BEHIND_US);
    if (r < 0) {
        log_error("out of memory while composing; name fewer pieces, or shorter ones");
        return r;
    }
    return score_position(job->score);
}

static void tell(void *user, int64_t least, int64_t whole)
{
    struct composing *composing = user;
    (void)least;
    progress_tell(&composing->progress, whole);
}

static int compose(struct composing *composing)
{
    struct crew_work work = {
        .length = (int64_t)(composing->request->seconds * NOTE_SECOND),
        .take = take,
        .tell = tell,
        .user = composing,
    };
    progress_init(&composing->progress, (int64_t)composing->job_count * work.length,
                  composing->request->quiet);
    int r = crew_run(composing->crew, &work);
    progress_finish(&composing->progress);
    return r;
}

/** Writes the pieces, shorter ones where composing was interrupted. */
static int write_all(struct composing *composing, const struct settings *settings)
{
    int r = 0;
    struct wav_file_sound sound = {
        .soundfont = settings->soundfont,
    };
    profile_find(settings->profile, &sound.profile);
    for (size_t i = 0; i < composing->job_count; i++)
        piece_cut(&composing->jobs[i].piece, score_position(composing->jobs[i].score));
    for (size_t i = 0; r == 0 && i < composing->request->path_count; i++) {
        const struct piece *piece = &composing->jobs[composing->sheets[i].job].piece;
        const char *path = printout_path(composing->sheets[i].printout);
        double seconds = (double)piece->length / NOTE_SECOND;
        if (piece->length == 0) {
            log_warning("interrupted before %s had any music; it was not written", path);
            continue;
        }
        r = printout_write(composing->sheets[i].printout, piece, &sound);
        if (r == 0 && interrupt_came())
            log_warning("interrupted: %s has the first %.0f s of %.0f", path, seconds,
                        composing->request->seconds);
        else if (r == 0 && !composing->request->quiet && strcmp(path, "-"))
            log_info("%s: %zu notes in %.0f s, seed %llu", path, piece->count, seconds,
                     (unsigned long long)piece->origin.seed);
    }
    return r;
}

int compose_run(struct settings *settings, const struct compose_request *request)
{
    struct composing composing = {
        .request = request,
        .sheets = calloc(request->path_count, sizeof *composing.sheets),
        .jobs = calloc(request->path_count, sizeof *composing.jobs),
    };
    int r = composing.sheets && composing.jobs ? 0 : -ENOMEM;
    interrupt_watch();
    if (r == 0)
        r = open_printouts(&composing);
    if (r == 0)
        r = check_sound(&composing, settings);
    if (r == 0 && request->opening)
        r = opening_reader_read_file(request->opening, &composing.opening);
    if (r == 0)
        r = make_jobs(&composing, settings);
    if (r == 0)
        r = compose(&composing);
    if (r == 0)
        r = write_all(&composing, settings);
    if (r == 0 && interrupt_came())
        r = -EINTR;

    crew_free(composing.crew);
    for (size_t i = 0; composing.jobs && i < composing.job_count; i++) {
        lane_free(composing.jobs[i].lane);
        score_free(composing.jobs[i].score);
        piece_finish(&composing.jobs[i].piece);
    }
    for (size_t i = 0; composing.sheets && i < request->path_count; i++)
        printout_free(composing.sheets[i].printout);
    repertoire_free(composing.repertoire);
    free(composing.sheets);
    free(composing.jobs);
    return r;
}
