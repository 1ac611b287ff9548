// SPDX-License-Identifier: MIT
#include "reference.h"

#include <math.h>
#include <stddef.h>

void reference_encode(const uint8_t cells[128], float ret_x[256])
{
    for (int pitch = 0; pitch < 128; pitch++) {
        uint8_t cell = cells[pitch];
        ret_x[pitch] = cell ? 1.0f : 0.0f;
        ret_x[128 + pitch] = cell && cell < 128 ? 0.5f + (float)cell / 254.0f : 0.0f;
    }
}

static double dot(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void recurrent(const float *weight, const float *bias, const float *composer,
                      const float *input, int inputs, float *h, float *c)
{
    double gates[4][512];
    int columns = inputs + 512;
    for (int row = 0; row < 2048; row++)
        gates[row / 512][row % 512] = bias[row] + (composer ? composer[row] : 0.0) +
                                      dot(weight + (long)row * columns, input, inputs) +
                                      dot(weight + (long)row * columns + inputs, h, 512);
    for (int unit = 0; unit < 512; unit++) {
        double cell =
            sigmoid(gates[1][unit]) * c[unit] + sigmoid(gates[0][unit]) * tanh(gates[2][unit]);
        c[unit] = (float)cell;
        h[unit] = (float)(sigmoid(gates[3][unit]) * tanh(cell));
    }
}

static void dense(const float *weight, const float *bias, const float *composer, const float *input,
                  int inputs, int rows, int relu, float *output)
{
    for (int row = 0; row < rows; row++) {
        double sum = bias[row] + (composer ? composer[row] : 0.0) +
                     dot(weight + (long)row * inputs, input, inputs);
        output[row] = (float)(relu && sum < 0 ? 0 : sum);
    }
}

void reference_step(const struct weights *w, uint32_t composer, struct reference *s)
{
    float y1[256], y2[256];
    recurrent(w->lstm1, w->lstm1_bias, w->lstm1_composer + 2048 * composer, s->x, 256, s->h1,
              s->c1);
    recurrent(w->lstm2, w->lstm2_bias, NULL, s->h1, 512, s->h2, s->c2);
    dense(w->dense1, w->dense1_bias, w->dense1_composer + 256 * composer, s->h2, 512, 256, 1, y1);
    dense(w->dense2, w->dense2_bias, NULL, y1, 256, 256, 1, y2);
    dense(w->dense3, w->dense3_bias, NULL, y2, 256, 384, 0, s->logits);
}
