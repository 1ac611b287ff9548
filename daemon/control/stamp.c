// SPDX-License-Identifier: MIT
#include "control/stamp.h"

#include <sys/stat.h>

struct stamp stamp_of(const char *path)
{
    struct stat found;
    if (stat(path, &found) < 0)
        return (struct stamp){0};
    return (struct stamp){found.st_dev, found.st_ino, (uint64_t)found.st_size, found.st_ctim.tv_sec,
                          found.st_ctim.tv_nsec};
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}
