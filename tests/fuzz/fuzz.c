// SPDX-License-Identifier: MIT
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define COUNTERS 4096

/** libFuzzer counts these beside the branches of what it has instrumented. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

void fuzz_saw(unsigned kind, uint64_t value)
{
    unsigned steps = value ? 64 - (unsigned)__builtin_clzll(value) : 0;
    counters[(kind * 67 + steps) % COUNTERS] = 1;
}

_Noreturn void fuzz_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

int fuzz_file(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    if (fd >= 0)
        close(fd);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
        perror("a file in memory");
        exit(2);
    }
    return fd;
}

const char *fuzz_path(const uint8_t *bytes, size_t size)
{
    static char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fuzz_file(bytes, size));
    return path;
}

// What is logged is not printed, which would take most of the time, but seen by the fuzzer, but for
// the numbers in it: a message never seen before is a new way through a parser.
void log_line(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    unsigned hash = 2166136261U; // FNV-1a
    for (const char *c = line; *c; c++)
        if (*c < '0' || *c > '9')
            hash = (hash ^ (unsigned char)*c) * 16777619U;
    counters[hash % COUNTERS] = 1;
}

void log_set_level(enum log_level level)
{
}
