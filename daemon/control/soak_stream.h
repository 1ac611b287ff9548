// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SOAK_STREAM_H
#define FERMATA_CONTROL_SOAK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/decision.h"
#include "control/piece.h"
#include "music/trend.h"

/**
 * soak_stream: one stream of a soak: a channel without sound that is measured and written down
 * while it is composed, in memory that an hour of it fills. Into its folder go
 *
 *     minutes.jsonl     a line for each minute, and for what is left at the end:
 *         {"minute":0,"seconds":60.000,"notes":512,"onset_gap":0.803,"silence":0.310,
 *          "register":64.21,"velocity":61.4,"sounding":4.20,"entropy":3.113,"runs":497,
 *          "repeated":3,"done":{"piece start":1,"reseed thin":2},
 *          "decided":{"judged":17,"kept":15,"refused":2,...},"resident":151846912}
 *     hour-00.mid ...   its notes, a file for each hour
 *
 * where "done" counts what the lane has told of so far, "decided" what it has decided
 * (decisions.h; it is half a minute ahead of what was measured), "resident" is
 * footprint_resident(), and the rest is gauge.h's.
 */
struct lane;
struct lane_style;
struct soak_stream;

#define SOAK_HOURS 24
#define SOAK_DEEDS 32
/** Seconds of music that a point of the trend stands for: some pieces, so that one says little of
 * the next. */
#define SOAK_BLOCK 1200

/** What a stream has shown so far. */
struct soak_figures {
    int64_t length; ///< of what was measured, microseconds
    double band[3]; ///< notes a minute of the human composer: percentiles 10, 50 and 90
    uint64_t notes;
    uint32_t least, most; ///< notes of a whole minute
    double onset_gap, silence;
    int64_t silence_at;
    uint64_t runs, repeated;
    double hours[SOAK_HOURS]; ///< notes a minute of each whole hour
    size_t hour_count;
    struct trend trend; ///< notes a minute of blocks of SOAK_BLOCK over the time in hours
    struct {
        const char *event, *text; ///< a lane's mark
        unsigned count;
    } done[SOAK_DEEDS];
    size_t done_count;
    struct decision decisions[DECISION_ROOM];
    size_t decision_count;
};

/**
 * Makes the folder, and a lane of `style` (SOAK_HOURS at most, `length` in microseconds). The
 * origin's strings outlive the stream. Returns 0, -ENOMEM, or -errno of a folder or file that
 * cannot be made, logged.
 */
int soak_stream_new(const struct piece_origin *origin, const double band[3],
                    const struct lane_style *style, const char *folder, int64_t length,
                    struct soak_stream **ret_stream);
void soak_stream_free(struct soak_stream *stream);

struct lane *soak_stream_lane(const struct soak_stream *stream);
const struct soak_figures *soak_stream_figures(const struct soak_stream *stream);

/** Takes what the lane has composed. Returns 0, -ENOMEM, or -EIO where the files cannot be written,
 * logged. */
int soak_stream_take(struct soak_stream *stream);

/** How far it was taken, microseconds; its length where it is done. */
int64_t soak_stream_position(const struct soak_stream *stream);

/** It ends here, at its length or before: writes what is not written. As soak_stream_take(). */
int soak_stream_end(struct soak_stream *stream);

/** One of the decisions; 0 where there is none of that name. */
uint64_t soak_stream_decision(const struct soak_figures *figures, const char *name);

/** The decisions as a JSON object: {"judged":17,"kept":15,...}. */
void soak_stream_write_decided(const struct soak_figures *figures, FILE *out);

/** The lane's deeds as a JSON object: {"piece start":1,"reseed thin":2}. */
void soak_stream_write_done(const struct soak_figures *figures, FILE *out);

#endif
