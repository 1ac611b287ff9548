// SPDX-License-Identifier: MIT
#include "nets/programs.h"

#include "clear.spv.h"
#include "dense_plain.spv.h"
#include "dense_texel.spv.h"
#include "recurrent_plain.spv.h"
#include "recurrent_texel.spv.h"
#include "sample.spv.h"

#define PROGRAM(name) const struct program program_##name = {#name, name##_spv, sizeof name##_spv}

PROGRAM(clear);
PROGRAM(dense_plain);
PROGRAM(dense_texel);
PROGRAM(recurrent_plain);
PROGRAM(recurrent_texel);
PROGRAM(sample);
