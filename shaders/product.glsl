// SPDX-License-Identifier: MIT
// The matrix product of the texel form: sums[r][b] += row r of this invocation times lane b's x.
//
// The includer defines HEIGHT, the rows of an invocation, and HEARD(x, fetch, f), what else is to be
// done with each quad that it fetches (of lane me % TILE): the one that is fetched as number `fetch`,
// one of those whose numbers leave f when divided by FETCHES. A texel holds a block of a row's weights. Bfloat16:
// the low halves of x, y, z, w are columns 0 to 3 of the block, the high halves 4 to 7. Where the
// includer defines OCTETS as other than 0: bytes, 128 more than the weight, the lowest ones columns 0
// to 3, the highest ones 12 to 15; excess() is still to be taken off, and rows have scales. Texels lie
// [row group][block][row][invocation]. Activations are as in activation.glsl: each invocation
// fetches one quad, and shuffles hand them round.
//
// Loops are do-while because a CPU driver (lavapipe) runs the body of a for loop once more with
// every invocation masked off before it leaves it.

#ifndef OCTETS
#define OCTETS 0
#endif

#ifdef WEIGHTS_IN_IMAGE
layout(binding = 0, rgba32ui) uniform readonly uimageBuffer weights;
#define WEIGHT(index) imageLoad(weights, index)
#else
layout(binding = 0) uniform usamplerBuffer weights;
#define WEIGHT(index) texelFetch(weights, index)
#endif

const int BLOCK_QUADS = OCTETS != 0 ? 4 : 2;
const int FETCHES = SPAN < BLOCK_QUADS ? BLOCK_QUADS / SPAN : 1; // of x at a time
const int FETCHED = SPAN < BLOCK_QUADS ? 1 : SPAN / BLOCK_QUADS; // blocks that they serve

// Sums over the whole input, of the quads with the same number modulo WIDTH at first, so that they
// are added up in one order however many lanes are computed together: [t] of those that are fetched
// as number t modulo TILE.
#define GATHER(to, value, fetch, f)                                                                \
    [[unroll]] for (int t = 0; t < TILE; t++) {                                                    \
        if (t % FETCHES == f)                                                                      \
            to[t] += TILE <= FETCHES || (fetch) % TILE == t ? (value) : 0.0;                       \
    }

float gathered(float from[TILE], int b)
{
    float sum = 0.0;
    [[unroll]] for (int i = 0; i < WIDTH; i++)
        sum += subgroupShuffle(from[i / SPAN], uint(i % SPAN * TILE + b));
    return sum;
}

float totals[TILE]; // of x, where weights are bytes

void clear_totals()
{
    [[unroll]] for (int t = 0; t < TILE; t++)
        totals[t] = 0.0;
}

// What the bytes have added too much in lane b.
float excess(int b)
{
    return OCTETS != 0 ? 128.0 * gathered(totals, b) : 0.0;
}

// Of a row: the scales lie behind so many texels of bytes.
float scale_of(int texels, int row)
{
    return OCTETS != 0 ? uintBitsToFloat(WEIGHT(texels + (row >> 2))[row & 3]) : 1.0;
}

float sums[HEIGHT][TILE];

vec4 unpacked(uvec4 w, int part)
{
    if (OCTETS != 0)
        return vec4(ivec4(part == 3 ? w >> 24 : w & (0xffu << 8 * part)));
    return uintBitsToFloat(part == 0 ? w << 16 : w & 0xffff0000u);
}

// Bytes are not shifted down where they are unpacked, but x by as much where it is fetched.
vec4 levelled(vec4 x, int f)
{
    int part = (f * SPAN + int(gl_LocalInvocationID.x) / TILE) & 3;
    return OCTETS != 0 ? x * (part == 1 ? 1.0 / 256.0 : part == 2 ? 1.0 / 65536.0 : 1.0) : x;
}

// What a block adds, row by row: for many lanes.
void add_rows(uvec4 w[HEIGHT], vec4 fetched[4], int first)
{
    [[unroll]] for (int b = 0; b < TILE; b++) {
        [[unroll]] for (int part = 0; part < BLOCK_QUADS; part++) {
            int quad = first + part;
            vec4 x = subgroupShuffle(fetched[quad / SPAN], uint(quad % SPAN * TILE + b));
            [[unroll]] for (int r = 0; r < HEIGHT; r++) {
                vec4 v = unpacked(w[r], part);
                float sum = sums[r][b];
                sum = fma(v.x, x.x, sum);
                sum = fma(v.y, x.y, sum);
                sum = fma(v.z, x.z, sum);
                sums[r][b] = fma(v.w, x.w, sum);
            }
        }
    }
}

// The same sums, each added up in the same order, column by column, two lanes and a few rows at a
// time: for few lanes, where a CPU driver (lavapipe) has registers for so many sums and takes a
// weight for both lanes. Which is faster was measured: models/report/speed.md.
const int PAIR = TILE < 2 ? 1 : 2;
const int FEW = HEIGHT < 4 ? HEIGHT : 4;

#define ADD_COLUMN(c)                                                                              \
    [[unroll]] for (int r = 0; r < FEW; r++) {                                                     \
        float v = unpacked(w[g * FEW + r], part).c;                                                \
        [[unroll]] for (int i = 0; i < PAIR; i++)                                                  \
            sums[g * FEW + r][p * PAIR + i] = fma(v, x[i].c, sums[g * FEW + r][p * PAIR + i]);     \
    }

void add_columns(uvec4 w[HEIGHT], vec4 fetched[4], int first)
{
    [[unroll]] for (int p = 0; p < TILE / PAIR; p++) {
        [[unroll]] for (int g = 0; g < HEIGHT / FEW; g++) {
            [[unroll]] for (int part = 0; part < BLOCK_QUADS; part++) {
                int quad = first + part;
                vec4 x[PAIR];
                [[unroll]] for (int i = 0; i < PAIR; i++)
                    x[i] = subgroupShuffle(fetched[quad / SPAN], uint(quad % SPAN * TILE + p * PAIR + i));
                ADD_COLUMN(x)
                ADD_COLUMN(y)
                ADD_COLUMN(z)
                ADD_COLUMN(w)
            }
        }
    }
}

// The block with texels from `at` on, and the quads from number `first` of those fetched.
void multiply_block(int at, vec4 fetched[4], int first)
{
    uvec4 w[HEIGHT];
    [[unroll]] for (int r = 0; r < HEIGHT; r++)
        w[r] = WEIGHT(at + r * WIDTH);
    if (TILE <= 4)
        add_columns(w, fetched, first);
    else
        add_rows(w, fetched, first);
}

#define BLOCK (HEIGHT * WIDTH)

// Adds the product with so many `blocks` of columns. This invocation's values begin at texel `from`
// of X, its weights at texel `at`.
#define MULTIPLY(X, blocks, from, at)                                                              \
    {                                                                                              \
        int k = 0;                                                                                 \
        do {                                                                                       \
            vec4 x[4];                                                                             \
            int fetch = k * BLOCK_QUADS / SPAN;                                                    \
            [[unroll]] for (int f = 0; f < FETCHES; f++) {                                         \
                x[f] = texelFetch(X, (from) + (fetch + f) * TILES * WIDTH);                        \
                HEARD(x[f], fetch + f, f)                                                          \
                if (OCTETS != 0)                                                                   \
                    GATHER(totals, dot(x[f], vec4(1.0)), fetch + f, f)                             \
                x[f] = levelled(x[f], f);                                                          \
            }                                                                                      \
            [[unroll]] for (int i = 0; i < FETCHED; i++)                                           \
                multiply_block((at) + (k + i) * BLOCK, x, i * BLOCK_QUADS);                        \
            k += FETCHED;                                                                          \
        } while (k < (blocks));                                                                    \
    }
