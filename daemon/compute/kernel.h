// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_KERNEL_H
#define FERMATA_COMPUTE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct device;

/**
 * kernel: a compute pipeline made of an embedded SPIR-V module and specialization constants.
 * binding: a kernel together with the buffers it works on, ready to be dispatched.
 *
 * Belong to the device's thread. A kernel goes before its device and after its bindings; a
 * binding after the batches that dispatch it.
 */
struct kernel;
struct binding;

#define KERNEL_MAX_BUFFERS 9
#define KERNEL_MAX_CONSTANTS 14
#define KERNEL_PUSH_BYTES 32

struct kernel_config {
    const char *name; ///< for messages
    const uint32_t *code;
    size_t code_bytes;
    /** One letter a binding, from 0: 's' a storage buffer, 't' a uniform texel buffer, 'i' a
     * storage texel buffer (of BUFFER_RGBA32UI only). */
    const char *buffers;
    /** Specialization constants 0, 1, ... */
    uint32_t constants[KERNEL_MAX_CONSTANTS];
    uint32_t constant_count;
    /** The workgroup has subgroup_size invocations and must be one full subgroup; only where
     * device_limits.whole_subgroups. */
    bool whole_subgroup;
};

/** Compiles (some drivers do so only at the first dispatch). Returns 0, -ENOMEM, -ENODEV or
 * -EIO. */
int kernel_new(struct device *device, const struct kernel_config *config,
               struct kernel **ret_kernel);
void kernel_free(struct kernel *kernel);

/** Binds one buffer for each letter of kernel_config.buffers. Returns 0, -ENOMEM or -EIO. */
int binding_new(struct kernel *kernel, struct buffer *const *buffers, struct binding **ret_binding);
void binding_free(struct binding *binding);

#endif
