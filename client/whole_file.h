// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_WHOLE_FILE_H
#define FERMATA_CLIENT_WHOLE_FILE_H

#include <stdio.h>

/**
 * whole_file: a file that is written beside its place, as NAME.part, and moved there when it is
 * whole: nobody ever sees half of it, and what is there stays until then. A link is followed: it
 * stays, and what it leads to is replaced. What is there and is no regular file (a folder, a device
 * such as /dev/null) is left alone. The caller owns the struct; all zero is one that is not open.
 */
struct whole_file {
    char *path; ///< its place, links followed
    char *part;
    FILE *out; ///< to write to
};

/** Makes the folders that the path names and that are not there, for their owner alone. Returns 0
 * or -errno. */
int whole_file_make_folders(const char *path);

/** Returns 0; -EISDIR where something is there that is no file; -ENOMEM, or -errno of open(2). */
int whole_file_open(struct whole_file *file, const char *path);

/** Ends it: it is moved to its place, where `r` is 0 and all could be written, else forgotten; one
 * that is not open stays so. Returns `r`, or -errno where that was 0. */
int whole_file_close(struct whole_file *file, int r);

#endif
