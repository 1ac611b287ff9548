// SPDX-License-Identifier: MIT
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
        return;

    char line[1024];
    int used = 0;
    // systemd sets JOURNAL_STREAM where standard error is the journal.
    if (getenv("JOURNAL_STREAM"))
        used = snprintf(line, sizeof line, "<%d>", (int)level);

    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    va_end(args);
    if (n < 0)
        return;
    used += n;
    if ((size_t)used > sizeof line - 2)
        used = (int)sizeof line - 2;
    line[used++] = '\n';

    // One write, so that lines of different threads do not mix.
    ssize_t written = write(STDERR_FILENO, line, (size_t)used);
    (void)written;
}
