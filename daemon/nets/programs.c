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
#include "matrix_plain.spv.h"
#include "matrix_texel.spv.h"
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
PROGRAM(matrix_plain);
PROGRAM(matrix_texel);
PROGRAM(recurrent_plain);
PROGRAM(recurrent_texel);
PROGRAM(sample);
