// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SOAK_REPORT_H
#define FERMATA_CONTROL_SOAK_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/promise.h"
#include "control/soak_stream.h"

/**
 * soak_report: what a soak has found, as a table for people (report.md) and as JSON (soak.json) for
 * models/soak.py. Strings belong to whoever gives them.
 */
struct settings;

struct soak_result {
    const char *composer;
    uint64_t seed;
    char folder[128]; ///< of the stream, inside the soak's
    struct soak_figures figures;
    struct promise_list promises;
};

struct soak_net {
    const char *net, *licence;
    char device[256];
    double wall, cpu; ///< seconds it took
    /** Bytes of the process once its rooms were filled, and at the end. */
    int64_t early, late;
    struct promise_list promises;
    struct soak_result *results;
    size_t count;
};

struct soak_report {
    const struct settings *settings;
    double seconds;
    uint64_t seed;
    struct soak_net *nets;
    size_t count;
};

/** Promises that were broken. */
size_t soak_report_broken(const struct soak_report *report);

/** A table in Markdown, and what was broken, a line each. */
void soak_report_write_table(const struct soak_report *report, FILE *out);

/**
 * One object:
 *
 *     {"version":..,"seconds":86400,"seed":1,"curator":true,"threshold":0.5,"sampling":"sample",
 *      "reseed_interval":0,"nets":[{"net":..,"licence":..,"device":..,"wall":..,"cpu":..,
 *      "early":..,"late":..,"broken":[..],"streams":[{"composer":..,"seed":1,"folder":..,
 *      "seconds":86400,"band":[..3],"notes":..,"least":..,"most":..,"onset_gap":..,"silence":..,
 *      "silence_at":..,"runs":..,"repeated":..,"hours":[..],"slope":[..2] or null,"done":{..},
 *      "decided":{..},"broken":[..]}]}]}
 */
void soak_report_write_json(const struct soak_report *report, FILE *out);

#endif
