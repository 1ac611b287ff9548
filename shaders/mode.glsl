// SPDX-License-Identifier: MIT
// What a matrix product does before and after.

layout(constant_id = 5) const int NORMED = 0; // 1: x is divided by its root mean square first
layout(constant_id = 6) const int OUTPUT = 0;
layout(constant_id = 7) const int SPARSE = 0; // 1: x has few values, and none below zero
layout(constant_id = 8) const int BYTES = 0;  // 1: weights are bytes, each row's scale behind them

const int OUTPUT_STORE = 0;
const int OUTPUT_SQUARE = 1; // the square of what is positive
const int OUTPUT_ADD = 2;    // to what is there

const float TINY = 1e-6;
