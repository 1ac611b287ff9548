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

/** Weights in a texel: eight bfloat16. */
#define TEXEL_WEIGHTS 8
/** Features of a buffer are a multiple of this, so that the widest subgroup divides them. */
#define FEATURE_MULTIPLE 128

static bool texel_possible(const struct device *device, uint64_t weights)
{
    const struct device_limits *limits = device_limits(device);
    uint32_t width = device_info(device)->subgroup_size;
    return limits->shuffle && limits->whole_subgroups && width >= 4 && width <= 64 &&
           (width & (width - 1)) == 0 && weights / TEXEL_WEIGHTS <= limits->texels;
}

static int choose(struct form *form, uint32_t lanes, uint64_t weights)
{
    const char *forced = getenv("FERMATA_KERNELS");
    bool possible = texel_possible(form->device, weights);
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
        while (form->tile < lanes && form->tile < 8 && form->tile < form->width)
            form->tile *= 2;
        // A CPU gains by handing each value to four rows; a GPU has invocations to spare.
        form->rows = device_info(form->device)->kind == DEVICE_CPU ? 4 : 1;
    }
    form->lanes = (lanes + form->tile - 1) / form->tile * form->tile;
    log_debug("%s kernels: %u lanes in tiles of %u, %u invocations",
              form->texel ? "texel" : "plain", form->lanes, form->tile, form->width);
    return 0;
}

uint32_t form_constants(const struct form *form, uint32_t local_size, uint32_t *ret_constants)
{
    ret_constants[0] = local_size;
    ret_constants[1] = form->width;
    ret_constants[2] = form->tile;
    ret_constants[3] = form->lanes / form->tile;
    ret_constants[4] = form->rows;
    return 5;
}

static int compile(const struct form *form, const struct program *program, const char *buffers,
                   struct kernel **ret_kernel)
{
    struct kernel_config config = {
        .name = program->name,
        .code = program->code,
        .code_bytes = program->bytes,
        .buffers = buffers,
        .whole_subgroup = form->texel && buffers[0] == 't',
    };
    config.constant_count =
        form_constants(form, form->texel ? form->width : FORM_PLAIN_LOCAL_SIZE, config.constants);
    return kernel_new(form->device, &config, ret_kernel);
}

int form_init(struct form *form, struct device *device, uint32_t lanes, uint64_t weights)
{
    memset(form, 0, sizeof *form);
    form->device = device;
    int r = choose(form, lanes, weights);
    if (r == 0)
        r = buffer_new(device, form->lanes * sizeof(struct lane_words), BUFFER_UPLOAD,
                       BUFFER_NO_TEXEL, &form->lane_words);
    if (r == 0)
        r = compile(form, form->texel ? &program_recurrent_texel : &program_recurrent_plain,
                    form->texel ? "ttttsss" : "sssssss", &form->recurrent);
    if (r == 0)
        r = compile(form, form->texel ? &program_dense_texel : &program_dense_plain,
                    form->texel ? "tttss" : "sssss", &form->dense);
    if (r == 0)
        r = compile(form, &program_clear, "ss", &form->clear);
    if (r < 0)
        form_finish(form);
    return r;
}

void form_finish(struct form *form)
{
    kernel_free(form->recurrent);
    kernel_free(form->dense);
    kernel_free(form->clear);
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
