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

static bool texel_possible(const struct device *device, uint64_t texels)
{
    const struct device_limits *limits = device_limits(device);
    uint32_t width = device_info(device)->subgroup_size;
    return limits->shuffle && limits->whole_subgroups && width >= 4 && width <= 64 &&
           (width & (width - 1)) == 0 && texels <= limits->texels;
}

bool form_fits(const struct form *form, uint32_t rows)
{
    if (!form->texel)
        return rows == 1;
    return rows >= 1 && rows <= FORM_MOST_ROWS && (rows & (rows - 1)) == 0 &&
           rows * form->width <= FEATURE_MULTIPLE;
}

static int choose(struct form *form, uint32_t lanes, uint64_t texels)
{
    const char *forced = getenv("FERMATA_KERNELS");
    bool possible = texel_possible(form->device, texels);
    form->texel = possible;
    if (forced && strcmp(forced, "plain") == 0) {
        form->texel = false;
    } else if (forced && strcmp(forced, "texel") == 0 && !possible) {
        log_error("FERMATA_KERNELS=texel, but %s lacks what that form needs (unset it)",
                  device_info(form->device)->name);
        return -ENODEV;
    }

    form->width = form->tile = form->rows = 1;
    if (form->texel) {
        form->width = device_info(form->device)->subgroup_size;
        // One fetch of a subgroup must not reach beyond FEATURE_MULTIPLE.
        while (form->width / form->tile > FEATURE_MULTIPLE / 4 ||
               (form->tile < lanes && form->tile < 8 && form->tile < form->width))
            form->tile *= 2;
        // A CPU gains by handing each value to many rows, as long as their sums have room in
        // registers; a GPU has invocations to spare. tune.h looks at the others.
        if (device_info(form->device)->kind == DEVICE_CPU)
            form->rows = form->tile == 1 && form_fits(form, 16) ? 16 : 8;
    }
    form->lanes = (lanes + form->tile - 1) / form->tile * form->tile;
    log_debug("%s kernels: %u lanes in tiles of %u, %u invocations",
              form->texel ? "texel" : "plain", form->lanes, form->tile, form->width);
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

int form_init(struct form *form, struct device *device, uint32_t lanes, uint64_t texels)
{
    memset(form, 0, sizeof *form);
    form->device = device;
    int r = choose(form, lanes, texels);
    if (r == 0)
        r = buffer_new(device, (form->lanes * sizeof(struct lane_words) + 15) / 16 * 16,
                       BUFFER_UPLOAD, BUFFER_NO_TEXEL, &form->lane_words);
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
