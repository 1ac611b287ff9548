// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_PROGRAMS_H
#define FERMATA_NETS_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

/** programs: the SPIR-V modules of shaders/, built into the daemon. */
struct program {
    const char *name;
    const uint32_t *code;
    size_t bytes;
};

extern const struct program program_attend_plain;
extern const struct program program_attend_texel;
extern const struct program program_begin;
extern const struct program program_branch_plain;
extern const struct program program_branch_texel;
extern const struct program program_choose_plain;
extern const struct program program_choose_texel;
extern const struct program program_clear;
extern const struct program program_convolve_plain;
extern const struct program program_convolve_texel;
extern const struct program program_dense_plain;
extern const struct program program_dense_texel;
extern const struct program program_hand_over;
extern const struct program program_matrix_plain;
extern const struct program program_matrix_texel;
extern const struct program program_recurrent_image;
extern const struct program program_recurrent_plain;
extern const struct program program_recurrent_texel;
extern const struct program program_sample;

/** Of the code of all of them: another one where any kernel is another (FNV-1a). */
uint64_t programs_digest(void);

#endif
