// SPDX-License-Identifier: MIT
#include "nets/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/block.h"
#include "nets/form.h"
#include "nets/matrix.h"
#include "nets/net.h"
#include "nets/programs.h"
#include "nets/safetensors.h"
#include "nets/shape.h"
#include "nets/tables.h"

/** Where a lane is in its music: Place in shaders/place.glsl. */
struct note_place {
    uint32_t number, ticks, last, heard, turn, lows, room[2];
};

_Static_assert(SHAPE_MOST_LAYERS + 1 <= ENGINE_MOST_VIEWS, "a ring of each, and the place");

struct note_engine {
    struct engine engine;
    const struct form *form;
    struct shape shape;
    struct tables tables;
    struct kernel *begin, *attend, *choose, *normed, *squared, *added, *few;
    struct buffer *places;
    struct buffer *x, *qkv, *mixed, *hidden; ///< activations
    struct buffer *heard;                    ///< [4 width], hidden layers of the heads
    struct buffer *logits;                   ///< [lane][TABLES_LOGITS]
    struct buffer *outs;                     ///< last matrices of the heads
    struct block *blocks[SHAPE_MOST_LAYERS];
    struct matrix heads; ///< first matrices of the heads
    struct binding *beginning, *choosing;
};

static void note_engine_free(struct engine *engine)
{
    struct note_engine *note = (struct note_engine *)engine;
    if (!note)
        return;
    for (int i = 0; i < SHAPE_MOST_LAYERS; i++)
        block_free(note->blocks[i]);
    matrix_finish(&note->heads);
    binding_free(note->beginning);
    binding_free(note->choosing);
    struct kernel *kernels[] = {note->begin,   note->attend, note->choose, note->normed,
                                note->squared, note->added,  note->few};
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        kernel_free(kernels[i]);
    struct buffer *buffers[] = {note->places, note->x,     note->qkv,    note->mixed,
                                note->hidden, note->heard, note->logits, note->outs};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        buffer_free(buffers[i]);
    tables_finish(&note->tables);
    free(note);
}

static int make_buffers(struct note_engine *note)
{
    const struct form *form = note->form;
    uint32_t width = note->shape.width;
    size_t logits = ((size_t)form->lanes * TABLES_LOGITS * sizeof(float) + 15) / 16 * 16;
    int r = form_new_activation(form, width, &note->x);
    if (r == 0)
        r = form_new_activation(form, 3 * width, &note->qkv);
    if (r == 0)
        r = form_new_activation(form, width, &note->mixed);
    if (r == 0)
        r = form_new_activation(form, note->shape.hidden, &note->hidden);
    if (r == 0)
        r = form_new_activation(form, TABLES_FIELDS * width, &note->heard);
    if (r == 0)
        r = buffer_new(form->device, form->lanes * sizeof(struct note_place), BUFFER_DEVICE,
                       BUFFER_NO_TEXEL, &note->places);
    if (r == 0)
        r = buffer_new(form->device, logits, BUFFER_DEVICE, BUFFER_NO_TEXEL, &note->logits);
    return r;
}

static int compile(struct note_engine *note)
{
    const struct tables *t = &note->tables;
    struct form_kernel begin = {&program_begin,
                                &program_begin,
                                "ssss",
                                {t->width, t->kinds, t->controls, t->seen, t->buckets[0],
                                 t->buckets[1], t->deltas, t->accent, t->accents},
                                9};
    struct form_kernel choose = begin;
    choose.texel = &program_choose_texel;
    choose.plain = &program_choose_plain;
    choose.buffers = "tttssssss";
    struct form_kernel attend = {&program_attend_texel, &program_attend_plain, "ttsssss", {0}, 0};
    // NORMED, OUTPUT, SPARSE and BYTES of shaders/mode.glsl
    struct form_kernel normed = {
        &program_matrix_texel, &program_matrix_plain, "ttss", {1, 0, 0, note->shape.bytes}, 4};
    struct form_kernel squared = normed, added = normed, few = normed;
    squared.constants[1] = 1;
    added.constants[0] = few.constants[0] = 0;
    added.constants[1] = few.constants[1] = 2;
    few.constants[2] = 1;

    int r = form_new_kernel(note->form, &begin, &note->begin);
    if (r == 0)
        r = form_new_kernel(note->form, &choose, &note->choose);
    if (r == 0)
        r = form_new_kernel(note->form, &attend, &note->attend);
    if (r == 0)
        r = form_new_kernel(note->form, &normed, &note->normed);
    if (r == 0)
        r = form_new_kernel(note->form, &squared, &note->squared);
    if (r == 0)
        r = form_new_kernel(note->form, &added, &note->added);
    if (r == 0)
        r = form_new_kernel(note->form, &few, &note->few);
    return r;
}

static int make_blocks(struct note_engine *note, const struct engine_place *place)
{
    struct block_place blocks = {
        .engine = place,
        .attend = note->attend,
        .normed = note->normed,
        .squared = note->squared,
        .added = note->added,
        .few = note->few,
        .places = note->places,
        .x = note->x,
        .qkv = note->qkv,
        .mixed = note->mixed,
        .hidden = note->hidden,
        .shape = &note->shape,
    };
    int r = 0;
    for (uint32_t i = 0; i < note->shape.layers && r == 0; i++)
        r = block_new(&blocks, i, &note->blocks[i]);
    return r;
}

static int load_outs(struct note_engine *note, const struct matrix_source *outs)
{
    const struct form *form = note->form;
    uint32_t height = form->texel && form->width < 32 ? 32 / form->width : 1;
    uint32_t group = form->texel ? height * form->width : 1;
    size_t rows = 0;
    for (int i = 0; i < TABLES_FIELDS; i++)
        rows += (tables_sizes[i] + group - 1) / group * group;
    size_t size = rows * note->shape.width * 2;
    uint32_t *texels = malloc(size), *out = texels;
    if (!texels)
        return -ENOMEM;
    for (int i = 0; i < TABLES_FIELDS; i++) {
        struct matrix_source one = {{outs->tensors[i]}, 1};
        struct matrix_order order = {
            .rows = (tables_sizes[i] + group - 1) / group * group,
            .columns = note->shape.width,
            .height = height,
            .width = form->texel ? form->width : tables_sizes[i],
            .gates = 1,
        };
        out = matrix_pack(&order, &one, out);
    }
    int r = matrix_upload(form, texels, size, &note->outs);
    free(texels);
    return r;
}

static int make_heads(struct note_engine *note, const struct engine_place *place)
{
    struct matrix_source hidden = {.count = TABLES_FIELDS}, outs = {.count = TABLES_FIELDS};
    uint32_t width = note->shape.width;
    int r = 0;
    for (int i = 0; i < TABLES_FIELDS && r == 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "head%d.hidden", i);
        r = shape_matrix(&note->shape, place->file, name, width, width, &hidden.tensors[i]);
        if (r == 0) {
            snprintf(name, sizeof name, "head%d.out", i);
            r = safetensors_matrix(place->file, name, tables_sizes[i], width, &outs.tensors[i]);
        }
    }
    if (r == 0)
        r = matrix_init(&note->heads, note->form, note->normed, &hidden, note->x, note->heard);
    if (r == 0)
        r = load_outs(note, &outs);
    return r;
}

static int bind(struct note_engine *note, const struct engine_place *place)
{
    struct buffer *words = note->form->lane_words, *rows = note->tables.rows;
    int r = binding_new(note->begin, (struct buffer *[]){rows, words, note->places, note->x},
                        &note->beginning);
    if (r == 0)
        r = binding_new(note->choose,
                        (struct buffer *[]){rows, note->outs, note->heard, words, note->places,
                                            place->forced, place->tokens, note->logits, note->x},
                        &note->choosing);
    return r;
}

static int build(struct note_engine *note, const struct engine_place *place)
{
    int r = shape_init(&note->shape, place->file);
    if (r == 0)
        r = tables_init(&note->tables, place, note->shape.width);
    if (r == 0)
        r = make_buffers(note);
    if (r == 0)
        r = compile(note);
    if (r == 0)
        r = make_blocks(note, place);
    if (r == 0)
        r = make_heads(note, place);
    if (r == 0)
        r = bind(note, place);
    return r;
}

static int note_engine_new(const struct engine_place *place, const struct engine_kind *kind,
                           struct engine **ret_engine)
{
    struct note_engine *note = calloc(1, sizeof *note);
    if (!note)
        return -ENOMEM;
    note->engine.kind = kind;
    note->form = place->form;
    int r = build(note, place);
    if (r < 0) {
        note_engine_free(&note->engine);
        return r;
    }
    *ret_engine = &note->engine;
    return 0;
}

static void note_engine_record(const struct engine *engine, struct batch *batch, uint32_t steps)
{
    const struct note_engine *note = (const struct note_engine *)engine;
    uint32_t lanes = note->form->lanes;
    batch_dispatch(batch, note->beginning, NULL, 0, lanes, 1);
    batch_barrier(batch);
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t push[2] = {step, engine->kind->steps};
        for (uint32_t i = 0; i < note->shape.layers; i++)
            block_record(note->blocks[i], batch);
        matrix_record(&note->heads, batch);
        batch_dispatch(batch, note->choosing, push, sizeof push, lanes, 1);
        batch_barrier(batch);
    }
}

static uint32_t note_engine_keeps(const struct engine *engine,
                                  struct engine_view ret_views[ENGINE_MOST_VIEWS])
{
    const struct note_engine *note = (const struct note_engine *)engine;
    uint32_t layers = note->shape.layers;
    for (uint32_t i = 0; i < layers; i++) {
        ret_views[i].buffer = block_ring(note->blocks[i], &ret_views[i].features);
        ret_views[i].lane_by_lane = true;
    }
    // The next input is looked up anew when a run begins.
    ret_views[layers] = (struct engine_view){note->places, sizeof(struct note_place) / 4, true};
    return layers + 1;
}

static bool note_engine_look(const struct engine *engine, const char *name,
                             struct engine_view *ret_view)
{
    const struct note_engine *note = (const struct note_engine *)engine;
    if (strcmp(name, "x") == 0)
        *ret_view = (struct engine_view){note->x, note->shape.width, false};
    else if (strcmp(name, "logits") == 0)
        *ret_view = (struct engine_view){note->logits, TABLES_LOGITS, true};
    else
        return false;
    return true;
}

static int transformer_texels(const struct engine_kind *kind, const struct safetensors *file,
                              uint32_t lanes, uint64_t *ret_texels)
{
    (void)kind;
    struct shape shape;
    int r = shape_init(&shape, file);
    if (r < 0)
        return r;
    uint64_t most = (uint64_t)shape.hidden * shape.width / MATRIX_BLOCK;
    uint64_t qkv = (uint64_t)3 * shape.width * shape.width / MATRIX_BLOCK;
    most = qkv > most ? qkv : most;
    for (uint32_t i = 0; i < shape.layers; i++) {
        uint64_t ring = block_ring_texels(shape.heads, shape.windows[i]) * (lanes + 7);
        most = ring > most ? ring : most;
    }
    *ret_texels = most;
    return 0;
}

const struct engine_kind transformer_engine = {
    .name = "transformer",
    .vocabulary = NET_NOTES,
    .steps = NET_RUN_NOTES,
    .token_bytes = NET_NOTE_FIELDS,
    .cpu_tile = 4,
    .texels = transformer_texels,
    .new = note_engine_new,
    .free = note_engine_free,
    .record = note_engine_record,
    .keeps = note_engine_keeps,
    .look = note_engine_look,
};
