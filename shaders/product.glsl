// SPDX-License-Identifier: MIT
// The matrix product of the texel form: sums[r][b] += row r of this invocation times lane b's x.
//
// The includer defines HEIGHT, the rows of an invocation, and HEARD(x), what else is to be done with
// each quad that it fetches (of lane me % TILE). Weights are bfloat16, eight in a texel:
// the low halves of x, y, z, w hold columns 0 to 3 of a block, the high halves 4 to 7. Texels lie
// [row group][block][row][invocation]. Activations are as in activation.glsl: each invocation
// fetches one quad, and shuffles hand them round.
//
// Loops are do-while because a CPU driver (lavapipe) runs the body of a for loop once more with
// every invocation masked off before it leaves it.

layout(binding = 0) uniform usamplerBuffer weights;

float sums[HEIGHT][TILE];

void multiply_block(int at, vec4 low, vec4 high, int low_from, int high_from)
{
    uvec4 w[HEIGHT];
    [[unroll]] for (int r = 0; r < HEIGHT; r++)
        w[r] = texelFetch(weights, at + r * WIDTH);
    [[unroll]] for (int b = 0; b < TILE; b++) {
        vec4 x = subgroupShuffle(low, uint(low_from + b));
        [[unroll]] for (int r = 0; r < HEIGHT; r++) {
            vec4 v = uintBitsToFloat(w[r] << 16);
            float sum = sums[r][b];
            sum = fma(v.x, x.x, sum);
            sum = fma(v.y, x.y, sum);
            sum = fma(v.z, x.z, sum);
            sums[r][b] = fma(v.w, x.w, sum);
        }
        x = subgroupShuffle(high, uint(high_from + b));
        [[unroll]] for (int r = 0; r < HEIGHT; r++) {
            vec4 v = uintBitsToFloat(w[r] & 0xffff0000u);
            float sum = sums[r][b];
            sum = fma(v.x, x.x, sum);
            sum = fma(v.y, x.y, sum);
            sum = fma(v.z, x.z, sum);
            sums[r][b] = fma(v.w, x.w, sum);
        }
    }
}

#define BLOCK (HEIGHT * WIDTH)

// Adds the product with `blocks` * 8 columns. This invocation's values begin at texel `from` of X,
// its weights at texel `at`.
#define MULTIPLY(X, blocks, from, at)                                                              \
    {                                                                                              \
        int k = 0;                                                                                 \
        if (SPAN == 1) {                                                                           \
            do {                                                                                   \
                vec4 low = texelFetch(X, (from) + 2 * k * TILES * WIDTH);                          \
                vec4 high = texelFetch(X, (from) + (2 * k + 1) * TILES * WIDTH);                   \
                HEARD(low)                                                                         \
                HEARD(high)                                                                        \
                multiply_block((at) + k * BLOCK, low, high, 0, 0);                                 \
            } while (++k < (blocks));                                                              \
        } else {                                                                                   \
            do {                                                                                   \
                vec4 x = texelFetch(X, (from) + 2 * k / SPAN * TILES * WIDTH);                     \
                HEARD(x)                                                                           \
                [[unroll]] for (int i = 0; i < SPAN / 2; i++)                                      \
                    multiply_block((at) + (k + i) * BLOCK, x, x, 2 * i * TILE,                     \
                                   (2 * i + 1) * TILE);                                            \
                k += SPAN / 2;                                                                     \
            } while (k < (blocks));                                                                \
        }                                                                                          \
    }
