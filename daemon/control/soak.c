// SPDX-License-Identifier: MIT
#include "control/soak.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/whole_file.h"
#include "control/crew.h"
#include "control/footprint.h"
#include "control/generator.h"
#include "control/interrupt.h"
#include "control/lane.h"
#include "control/progress.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "control/soak_report.h"
#include "control/soak_stream.h"
#include "log.h"
#include "music/curator.h"

/** Music after which a process has filled its rooms: the first hour was written down. */
#define SETTLED_US (70 * 60 * NOTE_SECOND)
/** Less music says nothing of growth: what is made once when it is first needed may come late in
 * it. */
#define GROWTH_US (20 * 60 * NOTE_SECOND)

struct soak {
    const struct settings *settings;
    const struct soak_request *request;
    int64_t length;
    struct repertoire *repertoire;
    struct progress progress;
    int64_t done;  ///< by the nets before
    int64_t whole; ///< by the net in work, all streams together
    struct soak_report report;

    // Of the net in work:
    struct crew *crew;
    struct soak_stream *streams[SOAK_STREAMS];
    size_t count;
    int64_t grown; ///< crew_grown() when it was measured early
};

static bool is_named(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return count == 0;
}

static bool wants(const struct soak *soak, const struct repertoire_net *net, const char *composer)
{
    const struct soak_request *request = soak->request;
    return is_named(request->nets, request->net_count, net->name) &&
           is_named(request->composers, request->composer_count, composer);
}

static size_t count_streams(const struct soak *soak, const struct repertoire_net *net)
{
    size_t count = 0;
    for (const char *const *composer = net->composers; *composer; composer++)
        if (wants(soak, net, *composer))
            count += soak->request->streams;
    return count;
}

/** Whether the net number `index` is to be soaked and offers the composer. */
static bool offers(const struct soak *soak, size_t index, const char *composer)
{
    const struct repertoire_net *net = repertoire_net(soak->repertoire, index);
    return is_named(soak->request->nets, soak->request->net_count, net->name) &&
           repertoire_offers(net, composer);
}

/** Everything that was named is there. */
static int check_request(const struct soak *soak)
{
    const struct soak_request *request = soak->request;
    for (size_t i = 0; i < request->net_count; i++) {
        if (!repertoire_find(soak->repertoire, request->nets[i])) {
            log_error("there is no net %s in %s that may be loaded; fermatactl net lists those "
                      "there are, licence = any takes in all",
                      request->nets[i], soak->settings->models);
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < request->composer_count; i++) {
        size_t k = 0;
        while (k < repertoire_count(soak->repertoire) && !offers(soak, k, request->composers[i]))
            k++;
        if (k == repertoire_count(soak->repertoire)) {
            log_error("no net to be soaked offers composer %s; fermatactl composer lists those "
                      "there are",
                      request->composers[i]);
            return -EINVAL;
        }
    }
    size_t whole = 0;
    for (size_t i = 0; i < repertoire_count(soak->repertoire); i++) {
        const struct repertoire_net *net = repertoire_net(soak->repertoire, i);
        size_t count = count_streams(soak, net);
        if (count > SOAK_STREAMS) {
            log_error("%zu streams of net %s are too many for one run; ask for %d at most", count,
                      net->name, SOAK_STREAMS);
            return -EINVAL;
        }
        whole += count;
    }
    if (whole)
        return 0;
    log_error("no net offers the composers that were asked for; fermatactl composer lists those "
              "there are");
    return -EINVAL;
}

/** Makes the folder; one with a soak in it is left as it is. */
static int make_folder(const struct soak *soak)
{
    char path[1024];
    const char *folder = soak->request->folder;
    snprintf(path, sizeof path, "%s/soak.json", folder);
    if (access(path, F_OK) == 0) {
        log_error("there is a soak in %s already; name another folder with --out", folder);
        return -EEXIST;
    }
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        return 0;
    int r = -errno;
    log_error("cannot make the folder %s: %s; name one that may be written to", folder,
              strerror(-r));
    return r;
}

/** The human composer's notes a minute, from the net's file. */
static void find_band(const struct repertoire_net *net, const char *composer, double ret_band[3])
{
    struct curator_bounds bounds;
    repertoire_bounds(net, composer, &bounds);
    memcpy(ret_band, bounds.notes_per_minute + 1, 3 * sizeof *ret_band);
}

static int make_stream(struct soak *soak, const struct repertoire_net *net, const char *composer,
                       uint64_t seed)
{
    const struct settings *settings = soak->settings;
    struct soak_net *found = &soak->report.nets[soak->report.count];
    struct soak_result *result = &found->results[found->count++];
    struct lane_style style = {
        .threshold = settings->threshold,
        .sampling = strcmp(settings->sampling, "hard") ? NET_SAMPLE : NET_HARD,
        .reseed_interval = settings->reseed_interval,
        .curator = settings->curator,
        .piece_length = settings->piece_length,
    };
    memcpy(style.net, net->name, sizeof style.net);
    snprintf(style.composer, sizeof style.composer, "%s", composer);
    struct piece_origin origin = {
        .net = net->name, .licence = net->licence, .composer = composer, .seed = seed};
    double band[3];
    find_band(net, composer, band);
    *result = (struct soak_result){.composer = composer, .seed = seed};
    snprintf(result->folder, sizeof result->folder, "%s/%s-%llu", net->name, composer,
             (unsigned long long)seed);
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/%s", soak->request->folder, net->name);
    mkdir(folder, 0777); // what is wrong with it is told of the folder in it
    snprintf(folder, sizeof folder, "%s/%s", soak->request->folder, result->folder);
    int r =
        soak_stream_new(&origin, band, &style, folder, soak->length, &soak->streams[soak->count]);
    if (r == 0)
        r = crew_add(soak->crew, soak_stream_lane(soak->streams[soak->count++]));
    return r;
}

static int make_streams(struct soak *soak, const struct repertoire_net *net, size_t count)
{
    struct soak_net *found = &soak->report.nets[soak->report.count];
    found->net = net->name;
    found->licence = net->licence;
    found->results = calloc(count + 1, sizeof *found->results);
    if (!found->results)
        return -ENOMEM;
    struct generator_config config = {
        .device = soak->settings->device,
        .repertoire = soak->repertoire,
        .net = net->name,
        .lanes = count,
    };
    int r = crew_new(&config, SOAK_STREAMS, &soak->crew);
    for (const char *const *composer = net->composers; r == 0 && *composer; composer++)
        for (unsigned i = 0; r == 0 && i < soak->request->streams; i++)
            if (wants(soak, net, *composer))
                r = make_stream(soak, net, *composer, soak->report.seed + i);
    if (r == 0)
        snprintf(found->device, sizeof found->device, "%s", crew_device(soak->crew));
    return r;
}

/** Takes what a stream's lane has composed: crew_take_func. */
static int64_t take(void *user, size_t index)
{
    const struct soak *soak = user;
    struct soak_stream *stream = soak->streams[index];
    int r = soak_stream_take(stream);
    return r < 0 ? r : soak_stream_position(stream);
}

static void tell(void *user, int64_t least, int64_t whole)
{
    struct soak *soak = user;
    struct soak_net *found = &soak->report.nets[soak->report.count];
    int64_t settled = soak->length >= 2 * SETTLED_US ? SETTLED_US : soak->length / 2;
    if (!found->early && least >= settled) {
        found->early = footprint_resident();
        soak->grown = crew_grown(soak->crew);
    }
    soak->whole = whole;
    progress_tell(&soak->progress, soak->done + whole);
}

static int compose(struct soak *soak, struct soak_net *found)
{
    struct crew_work work = {.length = soak->length, .take = take, .tell = tell, .user = soak};
    int r = crew_run(soak->crew, &work);
    found->late = footprint_resident();
    // What the process grows by where a net becomes resident late, such as the one that draws
    // refused drafts anew when the first is refused, it grows by once: that is no growth.
    if (found->early)
        found->early += crew_grown(soak->crew) - soak->grown;
    else
        found->early = found->late;
    soak->done += soak->whole;
    // What there is counts, also where the device has failed.
    for (size_t i = 0; i < soak->count; i++) {
        int end = soak_stream_end(soak->streams[i]);
        r = r < 0 ? r : end;
    }
    return r;
}

/** What was found goes into the report; the promises of a soak that was cut short as well. */
static void judge(struct soak *soak, struct soak_net *found)
{
    for (size_t i = 0; i < soak->count; i++) {
        found->results[i].figures = *soak_stream_figures(soak->streams[i]);
        promise_of_stream(&found->results[i].figures, &found->results[i].promises);
    }
    if (soak->length >= GROWTH_US)
        promise_of_memory(found->early, found->late, &found->promises);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int soak_net(struct soak *soak, const struct repertoire_net *net)
{
    size_t count = count_streams(soak, net);
    struct soak_net *found = &soak->report.nets[soak->report.count];
    double begun = now(), cpu = footprint_cpu();
    int r = make_streams(soak, net, count);
    bool made = r == 0;
    if (made)
        r = compose(soak, found);
    found->wall = now() - begun;
    found->cpu = footprint_cpu() - cpu;
    if (made) {
        judge(soak, found);
        soak->report.count++;
    }
    crew_free(soak->crew);
    soak->crew = NULL;
    for (size_t i = 0; i < soak->count; i++)
        soak_stream_free(soak->streams[i]);
    soak->count = 0;
    return r;
}

/** Writes one of the report's two files, whole or not at all. */
static int write_file(const struct soak *soak, const char *name,
                      void (*write)(const struct soak_report *, FILE *))
{
    char path[1024];
    struct whole_file file;
    snprintf(path, sizeof path, "%s/%s", soak->request->folder, name);
    int r = whole_file_open(&file, path);
    if (r == 0)
        write(&soak->report, file.out);
    r = whole_file_close(&file, r);
    if (r < 0)
        log_error("cannot write %s: %s", path, strerror(-r));
    return r < 0 ? -EIO : 0;
}

/** After each net, so that a long soak that ends badly has left something. */
static int write_report(const struct soak *soak)
{
    int r = write_file(soak, "report.md", soak_report_write_table);
    return r < 0 ? r : write_file(soak, "soak.json", soak_report_write_json);
}

int soak_run(const struct settings *settings, const struct soak_request *request)
{
    struct soak soak = {
        .settings = settings,
        .request = request,
        .length = (int64_t)(request->seconds * NOTE_SECOND),
        .report = {.settings = settings, .seconds = request->seconds},
    };
    soak.report.seed = settings_draw_seed(settings);
    interrupt_watch();
    int r = repertoire_new(settings->models, !strcmp(settings->licence, "commercial"),
                           &soak.repertoire);
    size_t nets = r == 0 ? repertoire_count(soak.repertoire) : 0;
    if (r == 0)
        r = check_request(&soak);
    if (r == 0)
        r = make_folder(&soak);
    if (r == 0) {
        soak.report.nets = calloc(nets, sizeof *soak.report.nets);
        r = soak.report.nets ? 0 : -ENOMEM;
    }
    int64_t streams = 0;
    for (size_t i = 0; r == 0 && i < nets; i++)
        streams += (int64_t)count_streams(&soak, repertoire_net(soak.repertoire, i));
    progress_init(&soak.progress, streams * soak.length, request->quiet);
    for (size_t i = 0; r == 0 && i < nets && !interrupt_came(); i++) {
        const struct repertoire_net *net = repertoire_net(soak.repertoire, i);
        if (count_streams(&soak, net) == 0)
            continue;
        r = soak_net(&soak, net);
        int written = soak.report.count ? write_report(&soak) : 0;
        r = r < 0 ? r : written;
    }
    progress_finish(&soak.progress);
    if (r == 0 && !request->quiet)
        soak_report_write_table(&soak.report, stdout);
    if (r == 0)
        r = interrupt_came() ? -EINTR : (int)soak_report_broken(&soak.report);

    for (size_t i = 0; soak.report.nets && i < nets; i++)
        free(soak.report.nets[i].results);
    free(soak.report.nets);
    repertoire_free(soak.repertoire);
    return r;
}
