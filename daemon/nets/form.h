// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_FORM_H
#define FERMATA_NETS_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct device;
struct kernel;
struct program;

/** Invocations of a workgroup of the plain form. */
#define FORM_PLAIN_LOCAL_SIZE 32

/**
 * form: how the layers of one net are computed on one device.
 *
 * There are two. The *texel* form reads weights as 128-bit texels and hands activations round by
 * subgroup shuffles; it is the fast one. The *plain* form wants storage buffers and nothing else.
 * The texel form is taken where the device has shuffles, whole subgroups and texel buffers large
 * enough; FERMATA_KERNELS=texel or =plain in the environment forces one, for tests.
 *
 * Values of all lanes lie side by side as shaders/activation.glsl says.
 */
struct form {
    struct device *device;
    bool texel;
    uint32_t lanes;            ///< capacity: those asked for, rounded up to whole tiles
    uint32_t width;            ///< invocations that fetch together
    uint32_t most;             ///< the largest tile for so many lanes
    uint32_t tile;             ///< lanes computed together
    uint32_t rows;             ///< rows of a dense layer per invocation
    struct buffer *lane_words; ///< struct lane_words of each lane, written by the sampler
};

/** What the kernels know of a lane: Lane in shaders/lane.glsl. */
struct lane_words {
    uint32_t flags; ///< enum lane_flag
    uint32_t composer;
    float threshold; ///< as a logit
    uint32_t seed[2];
    uint32_t step[2];
    uint32_t forced; ///< steps of the run that are given
    uint32_t kind;
    uint32_t control[2]; ///< NET_CONTROLS buckets of eight bits
    float scale;         ///< logits are multiplied by it
    float cut;           ///< logits further below the best than this are not drawn
};

enum lane_flag {
    LANE_ACTIVE = 1,
    LANE_HARD = 2,
    LANE_CLEAR_STATE = 8,
    LANE_CLEAR_FRAME = 16,
};

struct form_wish {
    uint32_t lanes;    ///< at least one
    uint64_t texels;   ///< of the largest texel buffer that will be wanted
    uint32_t cpu_tile; ///< lanes that a CPU had best compute together
};

/** In the usual layout. Returns 0, -ENOMEM, -ENODEV (FERMATA_KERNELS asks for what the device
 * lacks, or it is lost) or -EIO. */
int form_init(struct form *form, struct device *device, const struct form_wish *wish);
void form_finish(struct form *form);

#define FORM_MOST_ROWS 16
/** Whether the kernels can be laid out so: powers of two, tiles up to `most` that leave no fetch of
 * a subgroup too wide, rows up to FORM_MOST_ROWS in groups that divide every matrix; the plain form
 * has 1 and 1. No layout changes the order in which anything is added up. */
bool form_fits(const struct form *form, uint32_t tile, uint32_t rows);

/** Lays out, for `lanes` lanes, what has no buffers and kernels yet; it must fit. */
void form_lay(struct form *form, uint32_t lanes, uint32_t tile, uint32_t rows);

/** A buffer of `features` (a multiple of 128) values for each lane. */
int form_new_activation(const struct form *form, uint32_t features, struct buffer **ret_buffer);

/** Where a lane's value lies in such a buffer, counted in floats. */
size_t form_index(const struct form *form, uint32_t feature, uint32_t lane);

/** A kernel of a net. */
struct form_kernel {
    const struct program *texel;
    const struct program *plain;
    const char *buffers; ///< of the texel form; in the plain form all are storage buffers
    /** Specialization constants behind those of shaders/activation.glsl. */
    uint32_t constants[9];
    uint32_t constant_count;
};

/** Compiles the kernel in this form; one that begins with a texel buffer, of either kind, runs in
 * whole subgroups.
 * Returns 0, -ENOMEM, -ENODEV or -EIO. */
int form_new_kernel(const struct form *form, const struct form_kernel *kernel,
                    struct kernel **ret_kernel);

#endif
