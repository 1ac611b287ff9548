// SPDX-License-Identifier: MIT
#include "control/progress.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "music/note.h"

#define BAR 32

void progress_init(struct progress *progress, int64_t whole, bool quiet)
{
    *progress = (struct progress){
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO),
        .whole = whole > 0 ? whole : 1,
    };
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
}

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

void progress_tell(struct progress *progress, int64_t done)
{
    int steps = progress->terminal ? 100 : 10;
    int now = (int)((double)done * steps / (double)progress->whole);
    if (progress->quiet || now <= progress->told)
        return;
    progress->told = now;
    int seconds = (int)(done / NOTE_SECOND);
    double speed = (double)done / NOTE_SECOND / fmax(seconds_since(&progress->begun), 1e-3);
    if (!progress->terminal) {
        fprintf(stderr, "composed %d %%: %d:%02d of music, %.0f times real time\n",
                now * 100 / steps, seconds / 60, seconds % 60, speed);
        return;
    }
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i * steps < now * BAR ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r[%s] %3d %%  %d:%02d of music, %.0f times real time ", bar, now,
            seconds / 60, seconds % 60, speed);
    fflush(stderr);
}

void progress_finish(struct progress *progress)
{
    if (progress->terminal && !progress->quiet && progress->told)
        fputc('\n', stderr);
}
