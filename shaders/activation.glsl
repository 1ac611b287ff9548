// SPDX-License-Identifier: MIT
// Where values of many lanes lie side by side. Every activation and state buffer has this layout,
// in units of quads (vec4: four neighbouring features of one lane):
//
//     [quad / SPAN][tile][quad % SPAN][lane % TILE]     tile = lane / TILE, WIDTH = SPAN * TILE
//
// so that the WIDTH invocations of a subgroup fetch SPAN quads of TILE lanes at one go. The host's
// counterpart is form_index() in daemon/nets/form.c.

layout(constant_id = 1) const int WIDTH = 8; // invocations that fetch together
layout(constant_id = 2) const int TILE = 1;  // lanes that are computed together; divides WIDTH
layout(constant_id = 3) const int TILES = 1; // lanes / TILE
layout(constant_id = 4) const int ROWS = 4;  // rows of a dense layer per invocation

const int SPAN = WIDTH / TILE;

int quad_index(int quad, int lane)
{
    return ((quad / SPAN) * TILES + lane / TILE) * WIDTH + (quad % SPAN) * TILE + lane % TILE;
}

int lane_of_quad_index(int index)
{
    return (index / WIDTH) % TILES * TILE + index % WIDTH % TILE;
}

int feature_index(int feature, int lane)
{
    return quad_index(feature >> 2, lane) * 4 + (feature & 3);
}
