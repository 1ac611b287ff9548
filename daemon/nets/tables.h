// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_TABLES_H
#define FERMATA_NETS_TABLES_H

#include <stdint.h>

struct buffer;
struct engine_place;

/**
 * tables: what a notes net looks up, one table below the other in one buffer, as
 * shaders/embedding.glsl says.
 */
struct tables {
    struct buffer *rows;
    uint32_t width; ///< values of a row: the net's width
    uint32_t kinds; ///< rows at which parts begin
    uint32_t controls;
    uint32_t seen;
    uint32_t buckets[2]; ///< where each control's rows begin, eight bits each
    uint32_t deltas;     ///< that may be drawn
    uint32_t accent;     ///< row at which the accents begin
    uint32_t accents;    ///< composers up to the last that has one
};

/** The vocabulary's four fields. */
#define TABLES_FIELDS 4
extern const uint32_t tables_sizes[TABLES_FIELDS];
/** Sum of tables_sizes. */
#define TABLES_LOGITS 319

/** Checks, assembles in rows of `width` and uploads. Returns 0, -EBADMSG (logged), -ENOMEM, -ENODEV
 * or -EIO. */
int tables_init(struct tables *tables, const struct engine_place *place, uint32_t width);
/** Also of tables that are all zero. */
void tables_finish(struct tables *tables);

#endif
