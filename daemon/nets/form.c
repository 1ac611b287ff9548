// SPDX-License-Identifier: MIT
#include "nets/form.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compute/buffer.h"
#include "compute/device.h"
#include "compute/kernel.h"
#include "nets/programs.h"
#include "log.h"

/** Features of a buffer are a multiple of this, so that the widest subgroup divides them. */
#define FEATURE_MULTIPLE 128
/** Those of shaders/activation.glsl, and the workgroup's size. */
#define SHARED_CONSTANTS 5

static bool is_power(uint32_t number)
{
    return number > 0 && (number & (number - 1)) == 0;
}

static bool texel_possible(const struct device *device, uint64_t texels)
{
    const struct device_limits *limits = device_limits(device);
    uint32_t width = device_info(device)->subgroup_size;
    return limits->shuffle && limits->whole_subgroups && width >= 4 && width <= 64 &&
           is_power(width) && texels <= limits->texels;
}

/** One fetch of a subgroup must not reach beyond FEATURE_MULTIPLE. */
static bool tile_fits(const struct form *form, uint32_t tile)
{
    return is_power(tile) && tile <= form->most && form->width / tile <= FEATURE_MULTIPLE / 4;
}

bool form_fits(const struct form *form, uint32_t tile, uint32_t rows)
{
    if (!form->texel)
        return tile == 1 && rows == 1;
    return tile_fits(form, tile) && is_power(rows) && rows <= FORM_MOST_ROWS &&
           rows * form->width <= FEATURE_MULTIPLE;
}

void form_lay(struct form *form, uint32_t lanes, uint32_t tile, uint32_t rows)
{
    assert(form_fits(form, tile, rows));
    form->tile = tile;
    form->rows = rows;
    form->lanes = (lanes + tile - 1) / tile * tile;
    log_debug("%s kernels: %u lanes in tiles of %u, %u rows, %u invocations",
              form->texel ? "texel" : "plain", form->lanes, tile, rows, form->width);
}

static int choose(struct form *form, const struct form_wish *wish)
{
    const struct device_info *info = device_info(form->device);
    const char *forced = getenv("FERMATA_KERNELS");
    bool possible = texel_possible(form->device, wish->texels);
    form->texel = possible;
    if (forced && strcmp(forced, "plain") == 0) {
        form->texel = false;
    } else if (forced && strcmp(forced, "texel") == 0 && !possible) {
        log_error("FERMATA_KERNELS=texel, but %s lacks what that form needs (unset it)",
                  info->name);
        return -ENODEV;
    }

    form->width = form->most = 1;
    uint32_t tile = 1, rows = 1;
    if (form->texel) {
        form->width = info->subgroup_size;
        while (form->width / form->most > FEATURE_MULTIPLE / 4 ||
               (form->most < wish->lanes && form->most < 8 && form->most < form->width))
            form->most *= 2;
        tile = form->most;
        // A CPU gains by handing each value to many rows, as long as their sums have room in
        // registers; a GPU has invocations to spare. tune.h looks at the others.
        if (info->kind == DEVICE_CPU) {
            while (tile > wish->cpu_tile && tile_fits(form, tile / 2))
                tile /= 2;
            rows = tile == 1 ? 16 : 8;
            while (!form_fits(form, tile, rows))
                rows /= 2;
        }
    }
    form_lay(form, wish->lanes, tile, rows);
    return 0;
}

int form_new_kernel(const struct form *form, const struct form_kernel *kernel,
                    struct kernel **ret_kernel)
{
    const struct program *program = form->texel ? kernel->texel : kernel->plain;
    char buffers[KERNEL_MAX_BUFFERS + 1];
    size_t count = strlen(kernel->buffers);
    assert(count <= KERNEL_MAX_BUFFERS);
    for (size_t i = 0; i <= count; i++)
        buffers[i] = form->texel ? kernel->buffers[i] : kernel->buffers[i] ? 's' : '\0';
    struct kernel_config config = {
        .name = program->name,
        .code = program->code,
        .code_bytes = program->bytes,
        .buffers = buffers,
        .constants = {form->texel ? form->width : FORM_PLAIN_LOCAL_SIZE, form->width, form->tile,
                      form->lanes / form->tile, form->rows},
        .constant_count = SHARED_CONSTANTS + kernel->constant_count,
        .whole_subgroup = form->texel && buffers[0] != 's',
    };
    assert(config.constant_count <= KERNEL_MAX_CONSTANTS);
    memcpy(config.constants + SHARED_CONSTANTS, kernel->constants,
           kernel->constant_count * sizeof kernel->constants[0]);
    return kernel_new(form->device, &config, ret_kernel);
}

int form_init(struct form *form, struct device *device, const struct form_wish *wish)
{
    memset(form, 0, sizeof *form);
    form->device = device;
    int r = choose(form, wish);
    if (r == 0) {
        size_t room = ((size_t)wish->lanes + form->most - 1) / form->most * form->most;
        r = buffer_new(device, (room * sizeof(struct lane_words) + 15) / 16 * 16, BUFFER_UPLOAD,
                       BUFFER_NO_TEXEL, &form->lane_words);
    }
    if (r < 0)
        form_finish(form);
    return r;
}

void form_finish(struct form *form)
{
    buffer_free(form->lane_words);
    memset(form, 0, sizeof *form);
}

int form_new_activation(const struct form *form, uint32_t features, struct buffer **ret_buffer)
{
    assert(features % FEATURE_MULTIPLE == 0);
    return buffer_new(form->device, (size_t)features * form->lanes * sizeof(float), BUFFER_DEVICE,
                      form->texel ? BUFFER_RGBA32F : BUFFER_NO_TEXEL, ret_buffer);
}

size_t form_index(const struct form *form, uint32_t feature, uint32_t lane)
{
    uint32_t span = form->width / form->tile, tiles = form->lanes / form->tile;
    uint32_t quad = feature / 4;
    size_t index = (size_t)(quad / span) * tiles + lane / form->tile;
    index = index * form->width + (quad % span) * form->tile + lane % form->tile;
    return index * 4 + feature % 4;
}
