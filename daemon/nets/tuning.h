// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_TUNING_H
#define FERMATA_NETS_TUNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/**
 * tuning: which layout of the kernels was measured (tune.h) to be fastest for each net on a device,
 * kept beside the compiled pipelines:
 *
 *     fermata-tuning-2 DIGEST DRIVER
 *     MOST TILE ROWS NET
 *     ...
 *
 * MOST is the largest tile that the lanes allow: one lane is laid out in another way than eight.
 * DIGEST is of all kernels, DRIVER as device_info() says it: a file that was made by others is
 * foreign and counts as none, and so does one in which anything is amiss. The next write replaces
 * it.
 */
#define TUNING_ENTRIES 64
#define TUNING_NAME 64

struct tuning_layout {
    uint32_t tile; ///< lanes computed together
    uint32_t rows; ///< rows of a matrix that an invocation computes
};

struct tuning_entry {
    char net[TUNING_NAME]; ///< the file's name without its folder and ending
    uint32_t most;
    struct tuning_layout layout;
};

struct tuning {
    struct tuning_entry entries[TUNING_ENTRIES];
    uint32_t count;
};

/** Reads the text of a file whose first line must end with `key`. Returns 0, or -EBADMSG with
 * nothing in `tuning`. */
int tuning_parse(struct tuning *tuning, const char *text, size_t size, const char *key);

/** Puts an entry in the place of that of the same net and `most`, or of the oldest if it is full. A
 * name that no file can hold is left out. */
void tuning_put(struct tuning *tuning, const char *net, uint32_t most, struct tuning_layout layout);

/** Writes the text, with its end; returns its length, or 0 where `room` is too small. */
size_t tuning_print(const struct tuning *tuning, const char *key, char *ret_text, size_t room);

/** The layout kept for the weights file `path`; false: none. Reads the disk. */
bool tuning_find(const struct device *device, const char *path, uint32_t most,
                 struct tuning_layout *ret_layout);

/** Keeps it. Returns 0 or -errno, logged at debug level. */
int tuning_keep(const struct device *device, const char *path, uint32_t most,
                struct tuning_layout layout);

#endif
