// SPDX-License-Identifier: MIT
#include "client/whole_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Longer chains are rings; the kernel has the same bound. */
#define MOST_LINKS 40

/** The path that `path` leads to, link by link, be there a file or not yet. */
static char *follow(const char *path)
{
    char *here = strdup(path);
    for (int links = 0; here && links < MOST_LINKS; links++) {
        char target[PATH_MAX], *next;
        ssize_t length = readlink(here, target, sizeof target);
        if (length < 0 || (size_t)length == sizeof target)
            break; // no link: here it ends
        const char *slash = *target == '/' ? NULL : strrchr(here, '/');
        int folder = slash ? (int)(slash + 1 - here) : 0;
        if (asprintf(&next, "%.*s%.*s", folder, here, (int)length, target) < 0)
            next = NULL;
        free(here);
        here = next;
    }
    return here;
}

static void forget(struct whole_file *file)
{
    free(file->part);
    free(file->path);
    *file = (struct whole_file){0};
}

int whole_file_make_folders(const char *path)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return -ENAMETOOLONG;
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

int whole_file_open(struct whole_file *file, const char *path)
{
    struct stat there;
    *file = (struct whole_file){0};
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return -EISDIR;
    file->path = follow(path);
    int r = file->path && asprintf(&file->part, "%s.part", file->path) >= 0 ? 0 : -ENOMEM;
    if (r == 0) {
        file->out = fopen(file->part, "we");
        r = file->out ? 0 : -errno;
    } else {
        file->part = NULL;
    }
    if (r < 0)
        forget(file);
    return r;
}

int whole_file_close(struct whole_file *file, int r)
{
    if (!file->out)
        return r;
    // What is there gives way to nothing that might not be on the disk.
    errno = EIO;
    if (r == 0 && (ferror(file->out) || fflush(file->out) != 0 || fsync(fileno(file->out)) < 0))
        r = -errno;
    if (fclose(file->out) != 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(file->part, file->path) < 0)
        r = -errno;
    if (r < 0)
        unlink(file->part);
    forget(file);
    return r;
}
