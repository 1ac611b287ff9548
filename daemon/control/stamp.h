// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_STAMP_H
#define FERMATA_CONTROL_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * stamp: by which a file is told from one that was put in its place, written anew, or opened to us.
 */
struct stamp {
    uint64_t device, inode, size;
    int64_t seconds, nanoseconds; ///< of its last change, of its rights too
};

/** All 0 where there is none. */
struct stamp stamp_of(const char *path);
bool stamp_is_same(const struct stamp *a, const struct stamp *b);

#endif
