// SPDX-License-Identifier: MIT
#include "control/soak_report.h"

#include <inttypes.h>
#include <string.h>

#include "control/json.h"
#include "control/settings.h"

size_t soak_report_broken(const struct soak_report *report)
{
    size_t broken = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct soak_net *net = &report->nets[i];
        broken += net->promises.count;
        for (size_t k = 0; k < net->count; k++)
            broken += net->results[k].promises.count;
    }
    return broken;
}

static double in_seconds(int64_t us)
{
    return (double)us / NOTE_SECOND;
}

static double per_minute(const struct soak_figures *figures)
{
    return figures->length ? (double)figures->notes * 60 / in_seconds(figures->length) : 0;
}

static void write_length(double seconds, FILE *out)
{
    if (seconds >= 3600)
        fprintf(out, "%.1f h", seconds / 3600);
    else if (seconds >= 60)
        fprintf(out, "%.1f min", seconds / 60);
    else
        fprintf(out, "%.0f s", seconds);
}

static void write_row(const struct soak_net *net, const struct soak_result *result, FILE *out)
{
    const struct soak_figures *figures = &result->figures;
    fprintf(out, "| %s | %s | ", net->net, result->composer);
    write_length(in_seconds(figures->length), out);
    fprintf(out, " | %.0f (%.0f to %.0f) | ", per_minute(figures), figures->band[0],
            figures->band[2]);
    if (figures->length >= 60 * NOTE_SECOND)
        fprintf(out, "%u to %u | ", figures->least, figures->most);
    else
        fputs("- | ", out);
    fprintf(out, "%.1f s | %.1f s | %.2f %% | ", figures->silence, figures->onset_gap,
            figures->runs ? 100 * (double)figures->repeated / (double)figures->runs : 0);
    for (size_t i = 0; i < figures->done_count; i++)
        fprintf(out, "%s%u %s %s", i ? ", " : "", figures->done[i].count, figures->done[i].event,
                figures->done[i].text);
    fputs(" |\n", out);
}

/** What was decided in an hour, on the average. */
static void write_decided(const struct soak_net *net, const struct soak_result *result, FILE *out)
{
    static const char refused[] = "refused_";
    static const char *const names[] = {"redrawn", "least_bad", "reseeds_own", "reseeds_human",
                                        "phrases", "replays",   "set_aside",   "pieces"};
    const struct soak_figures *figures = &result->figures;
    double hours = in_seconds(figures->length) / 3600;
    double each = hours > 0 ? 1 / hours : 0;
    fprintf(out, "| %s | %s | %.0f | %.1f", net->net, result->composer,
            each * (double)soak_stream_decision(figures, "judged"),
            each * (double)soak_stream_decision(figures, "refused"));
    const char *before = " (";
    for (size_t i = 0; i < figures->decision_count; i++) {
        const struct decision *one = &figures->decisions[i];
        if (strncmp(one->name, refused, sizeof refused - 1) != 0 || !one->value)
            continue;
        fprintf(out, "%s%.1f %s", before, each * (double)one->value,
                one->name + sizeof refused - 1);
        before = ", ";
    }
    fputs(*before == ',' ? ") |" : " |", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(out, " %.1f |", each * (double)soak_stream_decision(figures, names[i]));
    fprintf(out, " %.2f |\n", (double)soak_stream_decision(figures, "threshold_permille") / 1000);
}

static void write_broken(const struct soak_report *report, FILE *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct soak_net *net = &report->nets[i];
        for (size_t k = 0; k < net->promises.count; k++)
            fprintf(out, "- BROKEN: %s: %s\n", net->net, net->promises.broken[k]);
        for (size_t n = 0; n < net->count; n++) {
            const struct soak_result *result = &net->results[n];
            for (size_t k = 0; k < result->promises.count; k++)
                fprintf(out, "- BROKEN: %s, %s, seed %" PRIu64 ": %s\n", net->net, result->composer,
                        result->seed, result->promises.broken[k]);
        }
    }
}

void soak_report_write_table(const struct soak_report *report, FILE *out)
{
    fputs("| net | composer | music | notes a minute (human 10-90 %) | minutes | longest silence "
          "| between onsets | 16-note runs heard before | what the lane did |\n"
          "|---|---|---|---|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < report->count; i++)
        for (size_t k = 0; k < report->nets[i].count; k++)
            write_row(&report->nets[i], &report->nets[i].results[k], out);
    fputs("\nIn an hour:\n\n"
          "| net | composer | drafts judged | refused | redrawn | least bad | reseeds, own | human "
          "| phrases | replays | nets set aside | pieces | threshold at the end |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < report->count; i++)
        for (size_t k = 0; k < report->nets[i].count; k++)
            write_decided(&report->nets[i], &report->nets[i].results[k], out);
    fputc('\n', out);
    for (size_t i = 0; i < report->count; i++) {
        const struct soak_net *net = &report->nets[i];
        double music = 0;
        for (size_t k = 0; k < net->count; k++)
            music += in_seconds(net->results[k].figures.length);
        fprintf(out, "- %s: ", net->net);
        write_length(music, out);
        fputs(" of music in ", out);
        write_length(net->wall, out);
        fprintf(out,
                ", %.0f times real time (%.0f times by its CPU time), on %s; memory %.1f MB, "
                "%+.1f MB over the run\n",
                net->wall > 0 ? music / net->wall : 0, net->cpu > 0 ? music / net->cpu : 0,
                net->device, (double)net->late / 1e6, (double)(net->late - net->early) / 1e6);
    }
    write_broken(report, out);
    if (soak_report_broken(report) == 0)
        fputs("- Every promise was kept.\n", out);
}

static void write_texts(const char *key, const struct promise_list *list, FILE *out)
{
    fprintf(out, "\"%s\":[", key);
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            fputc(',', out);
        json_write_text(out, list->broken[i]);
    }
    fputc(']', out);
}

static void write_stream(const struct soak_result *result, FILE *out)
{
    const struct soak_figures *figures = &result->figures;
    double slope, error;
    fputs("\n   {\"composer\":", out);
    json_write_text(out, result->composer);
    fprintf(out, ",\"seed\":%" PRIu64 ",\"folder\":", result->seed);
    json_write_text(out, result->folder);
    fprintf(out,
            ",\"seconds\":%.3f,\"band\":[%g,%g,%g],\"notes\":%" PRIu64
            ",\"least\":%u,\"most\":%u,\"onset_gap\":%.3f,\"silence\":%.3f,\"silence_at\":%.3f,"
            "\"runs\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"hours\":[",
            in_seconds(figures->length), figures->band[0], figures->band[1], figures->band[2],
            figures->notes, figures->least, figures->most, figures->onset_gap, figures->silence,
            in_seconds(figures->silence_at), figures->runs, figures->repeated);
    for (size_t i = 0; i < figures->hour_count; i++)
        fprintf(out, "%s%.2f", i ? "," : "", figures->hours[i]);
    if (trend_slope(&figures->trend, &slope, &error))
        fprintf(out, "],\"slope\":[%.4f,%.4f],\"done\":", slope, error);
    else
        fputs("],\"slope\":null,\"done\":", out);
    soak_stream_write_done(figures, out);
    fputs(",\"decided\":", out);
    soak_stream_write_decided(figures, out);
    fputc(',', out);
    write_texts("broken", &result->promises, out);
    fputc('}', out);
}

static void write_net(const struct soak_net *net, FILE *out)
{
    fputs("\n  {\"net\":", out);
    json_write_text(out, net->net);
    fputs(",\"licence\":", out);
    json_write_text(out, net->licence);
    fputs(",\"device\":", out);
    json_write_text(out, net->device);
    fprintf(out, ",\"wall\":%.1f,\"cpu\":%.1f,\"early\":%" PRId64 ",\"late\":%" PRId64 ",",
            net->wall, net->cpu, net->early, net->late);
    write_texts("broken", &net->promises, out);
    fputs(",\"streams\":[", out);
    for (size_t i = 0; i < net->count; i++) {
        if (i)
            fputc(',', out);
        write_stream(&net->results[i], out);
    }
    fputs("]}", out);
}

void soak_report_write_json(const struct soak_report *report, FILE *out)
{
    const struct settings *settings = report->settings;
    fputs("{\"version\":", out);
    json_write_text(out, FERMATA_VERSION);
    fprintf(out,
            ",\"seconds\":%.3f,\"seed\":%" PRIu64 ",\"curator\":%s,\"threshold\":%g,"
            "\"sampling\":\"%s\",\"reseed_interval\":%u,\"nets\":[",
            report->seconds, report->seed, settings->curator ? "true" : "false",
            settings->threshold, settings->sampling, settings->reseed_interval);
    for (size_t i = 0; i < report->count; i++) {
        if (i)
            fputc(',', out);
        write_net(&report->nets[i], out);
    }
    fputs("]}\n", out);
}
