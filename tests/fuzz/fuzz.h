// SPDX-License-Identifier: MIT
#ifndef FERMATA_FUZZ_H
#define FERMATA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/**
 * fuzz: what the targets share. A target gives any bytes to one parser of ours, as whoever calls it
 * would, and calls abort() where what comes out is not what its header promises. Its main is
 * libFuzzer's, or replay.c's.
 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** A file in memory with these bytes, for what wants a descriptor, at its beginning, or a path.
 * Both stay good until the next call. */
int fuzz_file(const uint8_t *bytes, size_t size);
const char *fuzz_path(const uint8_t *bytes, size_t size);

/** Tells the fuzzer that something of a kind was seen, `value` in steps of powers of two: inputs
 * that show it something new are kept, even where the library that shows it is not instrumented. */
void fuzz_saw(unsigned kind, uint64_t value);

/** abort() with a line that says why. */
#define FUZZ_HOLDS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_broken(#condition, __FILE__, __LINE__);                                           \
    } while (0)
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

#endif
