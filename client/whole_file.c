// SPDX-License-Identifier: MIT
#include "client/whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The folder and name that a path leads to, be there a file or not yet. */
static char *follow(const char *path)
{
    char *real = realpath(path, NULL);
    return real || errno == ENOMEM ? real : strdup(path);
}

static void forget(struct whole_file *file)
{
    free(file->part);
    free(file->path);
    *file = (struct whole_file){0};
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
    bool bad = fclose(file->out) != 0;
    if (r == 0 && (bad || rename(file->part, file->path) < 0))
        r = -errno;
    if (r < 0)
        unlink(file->part);
    forget(file);
    return r;
}
