// SPDX-License-Identifier: MIT

float sigmoid(float x)
{
    return 1.0 / (1.0 + exp(-x));
}

// Not the built-in, which drivers may compute as a quotient of overflowing exponentials.
float squash(float x)
{
    return 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
}
