// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_TUNING_H
#define FERMATA_NETS_TUNING_H

#include <stddef.h>
#include <stdint.h>

struct device;

/**
 * tuning: which layout of the kernels was measured (tune.h) to be fastest for each net on a device,
 * kept beside the compiled pipelines:
 *
 *     fermata-tuning-1 DIGEST DRIVER
 *     ROWS TILE NET
 *     ...
 *
 * DIGEST is of all kernels, DRIVER as device_info() says it: a file that was made by others is
 * foreign and counts as none, and so does one in which anything is amiss. The next write replaces
 * it.
 */
#define TUNING_ENTRIES 64
#define TUNING_NAME 64

struct tuning_entry {
    char net[TUNING_NAME]; ///< the file's name without its folder and ending
    uint32_t tile, rows;
};

struct tuning {
    struct tuning_entry entries[TUNING_ENTRIES];
    uint32_t count;
};

/** Reads the text of a file whose first line must end with `key`. Returns 0, or -EBADMSG with
 * nothing in `tuning`. */
int tuning_parse(struct tuning *tuning, const char *text, size_t size, const char *key);

/** Puts an entry in the place of that of the same net and tile, or of the oldest if it is full. A
 * name that no file can hold is left out. */
void tuning_put(struct tuning *tuning, const char *net, uint32_t tile, uint32_t rows);

/** Writes the text, with its end; returns its length, or 0 where `room` is too small. */
size_t tuning_print(const struct tuning *tuning, const char *key, char *ret_text, size_t room);

/** The rows kept for the weights file `path`; 0: none. Reads the disk. */
uint32_t tuning_rows(const struct device *device, const char *path, uint32_t tile);

/** Keeps them. Returns 0 or -errno, logged at debug level. */
int tuning_keep(const struct device *device, const char *path, uint32_t tile, uint32_t rows);

#endif
