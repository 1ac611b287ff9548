// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SOAK_H
#define FERMATA_CONTROL_SOAK_H

#include <stdbool.h>
#include <stddef.h>

/**
 * soak: a day of music in an hour or two: every net that may be loaded composes for every composer
 * it offers, without sound and clock, while what a caller would hear is measured and held against
 * what Fermata promises (promise.h). The streams of a net are lanes of one run; the nets come one
 * after the other.
 */
struct settings;

/** Most streams of a net. */
#define SOAK_STREAMS 64

struct soak_request {
    double seconds;          ///< of each stream
    unsigned streams;        ///< of each net and composer, with one seed after the other
    const char *folder;      ///< to write to; see soak_stream.h and soak_report.h
    const char *const *nets; ///< that alone, or count 0: all
    size_t net_count;
    const char *const *composers;
    size_t composer_count;
    bool quiet; ///< no progress is shown, and no table
};

/**
 * Composes as `settings` say, but for their net and composer. SIGINT and SIGTERM end it early; what
 * there is is written.
 *
 * Returns 0, or more: how many promises were broken, each told in the report; -EINTR where it was
 * interrupted; or -errno, logged. -EINVAL (no such net or composer) and -EEXIST (the folder has a
 * soak already) come before anything is composed.
 */
int soak_run(const struct settings *settings, const struct soak_request *request);

#endif
