// SPDX-License-Identifier: MIT
#include "nets/net.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/device.h"
#include "compute/kernel.h"
#include "nets/card.h"
#include "nets/engine.h"
#include "nets/form.h"
#include "nets/handover.h"
#include "nets/net_debug.h"
#include "nets/safetensors.h"
#include "nets/tables.h"
#include "nets/tuning.h"
#include "log.h"

#define MAX_LANES 64

struct net {
    struct device *device;
    struct card card;
    struct form form;
    struct engine *engine;
    struct buffer *forced;       ///< [lane][steps][token_bytes]
    struct buffer *tokens;       ///< the same, of what comes out
    struct batch *batch;         ///< net_info.steps steps
    struct kernel *handover;     ///< NULL until a state is adopted
    uint32_t pending[MAX_LANES]; ///< LANE_CLEAR_* with the next run
};

static int record(const struct net *net, struct batch *batch, uint32_t steps)
{
    int r = batch_begin(batch);
    if (r < 0)
        return r;
    net->engine->kind->record(net->engine, batch, steps);
    return batch_end(batch);
}

static struct lane_words words_of(const struct net_info *info, const struct net_lane *lane,
                                  uint32_t clear)
{
    float t = isnan(lane->threshold) ? 0.5f : fminf(fmaxf(lane->threshold, 0.001f), 0.999f);
    float off = 2.0f * t - 1.0f; // see net.h
    float warmth = (float)info->temperature;
    uint32_t control[2] = {0, 0};
    for (int i = 0; i < NET_CONTROLS; i++)
        control[i / 4] |= (uint32_t)(uint8_t)lane->control[i] << 8 * (i % 4);
    return (struct lane_words){
        .flags = clear | (lane->active ? LANE_ACTIVE : 0u) |
                 (lane->sampling == NET_HARD ? LANE_HARD : 0u),
        .composer = lane->composer,
        .threshold = logf(t / (1.0f - t)),
        .seed = {(uint32_t)lane->seed, (uint32_t)(lane->seed >> 32)},
        .step = {(uint32_t)lane->step, (uint32_t)(lane->step >> 32)},
        .forced = lane->forced_count,
        .kind = lane->kind,
        .control = {control[0], control[1]},
        .scale = (off < 0 ? 1.0f / (1.0f - 0.4f * off) : 1.0f) / warmth,
        .cut = off > 0 ? -logf(0.2f * off * off) * warmth : 1e30f,
    };
}

static void check_lane(const struct net *net, const struct net_lane *lane, uint32_t steps)
{
    const struct net_info *info = &net->card.info;
    if (!lane->active)
        return;
    assert(lane->composer < info->composer_count);
    assert(lane->kind < info->kind_count || lane->kind == 0);
    assert(lane->forced_count <= steps);
    for (int i = 0; i < NET_CONTROLS; i++)
        assert(info->vocabulary == NET_ROLL || lane->control[i] < (int)info->buckets[i]);
    for (uint32_t i = 0; info->vocabulary == NET_NOTES && i < lane->forced_count; i++)
        for (uint32_t k = 0; k < NET_NOTE_FIELDS; k++)
            assert(lane->forced[i * NET_NOTE_FIELDS + k] < tables_sizes[k]);
}

static int run(struct net *net, struct batch *batch, const struct net_lane *lanes, uint32_t steps,
               uint8_t *ret_tokens)
{
    const struct net_info *info = &net->card.info;
    size_t room = (size_t)info->steps * info->token_bytes;
    struct lane_words *words = buffer_map(net->form.lane_words);
    uint8_t *forced = buffer_map(net->forced);
    for (uint32_t i = 0; i < info->lanes; i++) {
        check_lane(net, &lanes[i], steps);
        words[i] = words_of(info, &lanes[i], net->pending[i]);
        if (lanes[i].active && lanes[i].forced_count)
            memcpy(forced + i * room, lanes[i].forced,
                   (size_t)lanes[i].forced_count * info->token_bytes);
    }
    int r = batch_run(batch);
    if (r < 0)
        return r;
    memset(net->pending, 0, sizeof net->pending);
    const uint8_t *tokens = buffer_map(net->tokens);
    size_t wanted = (size_t)steps * info->token_bytes;
    for (uint32_t i = 0; i < info->lanes; i++)
        memcpy(ret_tokens + i * wanted, tokens + i * room, wanted);
    return 0;
}

/** Some drivers compile at the first dispatch: that must not wait for the first music. */
static int warm_up(struct net *net)
{
    const struct net_info *info = &net->card.info;
    struct net_lane *lanes = calloc(info->lanes, sizeof *lanes);
    uint8_t *tokens = malloc((size_t)info->lanes * info->token_bytes);
    int r = lanes && tokens ? net_debug_run(net, lanes, 1, tokens) : -ENOMEM;
    free(lanes);
    free(tokens);
    return r;
}

/** In the layout `wanted`; NULL: in that which was tuned. */
static int lay_out(struct net *net, const struct safetensors *file, const struct engine_kind *kind,
                   const struct tuning_layout *wanted)
{
    struct form_wish wish = {.lanes = net->card.info.lanes, .cpu_tile = kind->cpu_tile};
    int r = kind->texels(kind, file, wish.lanes, &wish.texels);
    if (r == 0)
        r = form_init(&net->form, net->device, &wish);
    if (r < 0)
        return r;
    struct tuning_layout tuned = {0};
    if (!wanted && tuning_find(net->device, safetensors_path(file), net->form.most, &tuned))
        wanted = &tuned;
    if (wanted && form_fits(&net->form, wanted->tile, wanted->rows))
        form_lay(&net->form, wish.lanes, wanted->tile, wanted->rows);
    return 0;
}

static int build(struct net *net, const struct safetensors *file, const struct engine_kind *kind,
                 const struct tuning_layout *wanted)
{
    const struct net_info *info = &net->card.info;
    int r = lay_out(net, file, kind, wanted);
    if (r < 0)
        return r;
    size_t size = (size_t)net->form.lanes * info->steps * info->token_bytes;
    r = buffer_new(net->device, size, BUFFER_UPLOAD, BUFFER_NO_TEXEL, &net->forced);
    if (r == 0)
        r = buffer_new(net->device, size, BUFFER_READ, BUFFER_NO_TEXEL, &net->tokens);
    struct engine_place place = {&net->form, file, info, net->forced, net->tokens};
    if (r == 0)
        r = kind->new (&place, kind, &net->engine);
    if (r == 0)
        r = batch_new(net->device, &net->batch);
    if (r == 0)
        r = record(net, net->batch, info->steps);
    if (r == 0)
        r = warm_up(net);
    for (uint32_t i = 0; i < info->lanes; i++)
        net_reset(net, i);
    return r;
}

static int find_kind(const struct net *net, const struct safetensors *file,
                     const struct engine_kind **ret_kind)
{
    const struct engine_kind *kind = &transformer_engine;
    for (int i = 0; i < ROLL_ENGINES; i++)
        if (strcmp(net->card.info.name, roll_engines[i].name) == 0)
            kind = &roll_engines[i];
    if (strcmp(net->card.info.name, kind->name) == 0) {
        *ret_kind = kind;
        return 0;
    }
    log_error("%s: this version knows no net of the kind \"%s\"", safetensors_path(file),
              net->card.info.name);
    return -EBADMSG;
}

static int open_net(struct device *device, const char *path, uint32_t lanes,
                    const struct tuning_layout *wanted, struct net **ret_net)
{
    assert(lanes >= 1 && lanes <= MAX_LANES);
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return -ENOMEM;
    net->device = device;
    struct safetensors *file = NULL;
    const struct engine_kind *kind = NULL;
    int r = safetensors_new(path, &file);
    if (r == 0)
        r = card_init(&net->card, file);
    if (r == 0)
        r = find_kind(net, file, &kind);
    if (r == 0) {
        net->card.info.lanes = lanes;
        net->card.info.vocabulary = kind->vocabulary;
        net->card.info.steps = kind->steps;
        net->card.info.token_bytes = kind->token_bytes;
        r = build(net, file, kind, wanted);
    }
    safetensors_free(file);
    if (r < 0) {
        net_free(net);
        return r;
    }
    device_keep_pipelines(device);
    *ret_net = net;
    return 0;
}

int net_new(struct device *device, const char *path, uint32_t lanes, struct net **ret_net)
{
    return open_net(device, path, lanes, NULL, ret_net);
}

int net_new_laid(struct device *device, const char *path, uint32_t lanes,
                 struct tuning_layout layout, struct net **ret_net)
{
    return open_net(device, path, lanes, &layout, ret_net);
}

struct net_layout net_layout(const struct net *net)
{
    const struct form *form = &net->form;
    return (struct net_layout){form->texel, form->most, {form->tile, form->rows}};
}

bool net_takes_layout(const struct net *net, struct tuning_layout layout)
{
    return form_fits(&net->form, layout.tile, layout.rows);
}

void net_free(struct net *net)
{
    if (!net)
        return;
    batch_free(net->batch);
    kernel_free(net->handover);
    if (net->engine)
        net->engine->kind->free(net->engine);
    buffer_free(net->forced);
    buffer_free(net->tokens);
    form_finish(&net->form);
    card_finish(&net->card);
    free(net);
}

const struct net_info *net_info(const struct net *net)
{
    return &net->card.info;
}

int net_find_composer(const struct net *net, const char *name)
{
    const struct net_info *info = &net->card.info;
    for (uint32_t i = 0; i < info->composer_count; i++)
        if (strcmp(info->composers[i], name) == 0)
            return (int)i;
    return -ENOENT;
}

void net_reset(struct net *net, uint32_t lane)
{
    assert(lane < net->card.info.lanes);
    net->pending[lane] = LANE_CLEAR_STATE | LANE_CLEAR_FRAME;
}

bool net_is_kin(const struct net *net, const struct net *other)
{
    return handover_fits(&net->form, &other->form);
}

int net_adopt(struct net *net, uint32_t lane, const struct net *from, uint32_t from_lane)
{
    assert(lane < net->card.info.lanes && from_lane < from->card.info.lanes);
    assert(!from->pending[from_lane]);
    net->pending[lane] = 0;
    return handover_run(&(struct handover_end){&from->form, from->engine, from_lane},
                        &(struct handover_end){&net->form, net->engine, lane}, &net->handover);
}

int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_tokens)
{
    return run(net, net->batch, lanes, net->card.info.steps, ret_tokens);
}

int net_debug_run(struct net *net, const struct net_lane *lanes, uint32_t steps,
                  uint8_t *ret_tokens)
{
    assert(steps >= 1 && steps <= net->card.info.steps);
    struct batch *batch = NULL;
    int r = batch_new(net->device, &batch);
    if (r == 0)
        r = record(net, batch, steps);
    if (r == 0)
        r = run(net, batch, lanes, steps, ret_tokens);
    batch_free(batch);
    return r;
}

void net_debug_forget(struct net *net, uint32_t lane)
{
    assert(lane < net->card.info.lanes);
    net->pending[lane] |= LANE_CLEAR_STATE;
}

int net_debug_peek(struct net *net, uint32_t lane, const char *name, float *ret_values, size_t room)
{
    struct engine_view view;
    assert(lane < net->card.info.lanes);
    if (!net->engine->kind->look(net->engine, name, &view))
        return -ENOENT;
    size_t size = buffer_size(view.buffer);
    float *all = malloc(size);
    if (!all)
        return -ENOMEM;
    int r = buffer_read(view.buffer, 0, all, size);
    for (uint32_t i = 0; r == 0 && i < view.features && i < room; i++)
        ret_values[i] = all[view.lane_by_lane ? (size_t)lane * view.features + i
                                              : form_index(&net->form, i, lane)];
    free(all);
    return r < 0 ? r : (int)view.features;
}

const char *net_debug_form(const struct net *net)
{
    return net->form.texel ? "texel" : "plain";
}
