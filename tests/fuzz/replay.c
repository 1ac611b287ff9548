// SPDX-License-Identifier: MIT
// The main of a fuzzing target without a fuzzer: gives it each file of the folders and each file
// that are named. It ends badly, by a signal, where the fuzzer would.
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned count;

static int replay(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    if (kind != FTW_F)
        return 0;
    // No more room than the input has, so that what is read beyond it is noticed.
    size_t size = (size_t)status->st_size;
    uint8_t *bytes = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    if (!bytes || !file || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    count++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], replay, 16, FTW_PHYS) < 0) {
            perror(argv[i]);
            return 2;
        }
    printf("%u inputs\n", count);
    return count ? 0 : 2;
}
