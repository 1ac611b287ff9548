// SPDX-License-Identifier: MIT
#include "nets/programs.h"

#include "attend_plain.spv.h"
#include "attend_texel.spv.h"
#include "begin.spv.h"
#include "branch_plain.spv.h"
#include "branch_texel.spv.h"
#include "choose_plain.spv.h"
#include "choose_texel.spv.h"
#include "clear.spv.h"
#include "convolve_plain.spv.h"
#include "convolve_texel.spv.h"
#include "dense_plain.spv.h"
#include "dense_texel.spv.h"
#include "hand_over.spv.h"
#include "matrix_plain.spv.h"
#include "matrix_texel.spv.h"
#include "recurrent_image.spv.h"
#include "recurrent_plain.spv.h"
#include "recurrent_texel.spv.h"
#include "sample.spv.h"

#define PROGRAM(name) const struct program program_##name = {#name, name##_spv, sizeof name##_spv}

PROGRAM(attend_plain);
PROGRAM(attend_texel);
PROGRAM(begin);
PROGRAM(branch_plain);
PROGRAM(branch_texel);
PROGRAM(choose_plain);
PROGRAM(choose_texel);
PROGRAM(clear);
PROGRAM(convolve_plain);
PROGRAM(convolve_texel);
PROGRAM(dense_plain);
PROGRAM(dense_texel);
PROGRAM(hand_over);
PROGRAM(matrix_plain);
PROGRAM(matrix_texel);
PROGRAM(recurrent_image);
PROGRAM(recurrent_plain);
PROGRAM(recurrent_texel);
PROGRAM(sample);

uint64_t programs_digest(void)
{
    static const struct program *const all[] = {
        &program_attend_plain,    &program_attend_texel, &program_begin,
        &program_branch_plain,    &program_branch_texel, &program_choose_plain,
        &program_choose_texel,    &program_clear,        &program_convolve_plain,
        &program_convolve_texel,  &program_dense_plain,  &program_dense_texel,
        &program_matrix_plain,    &program_matrix_texel, &program_recurrent_plain,
        &program_recurrent_texel, &program_sample,
    };
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t word = 0; word < all[i]->bytes / sizeof all[i]->code[0]; word++)
            digest = (digest ^ all[i]->code[word]) * UINT64_C(0x100000001b3);
    return digest;
}
