// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_DEVICE_H
#define FERMATA_COMPUTE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * device: one Vulkan device with one compute queue, its features probed and never assumed.
 *
 * Belongs to the thread that submits (the generator); nothing here is thread-safe. It knows
 * buffers and kernels, no nets and no music.
 *
 * Environment: FERMATA_VALIDATION=1 loads the Khronos validation layer with synchronization
 * validation; what it says is logged as errors and counted.
 */
struct device;

enum device_kind {
    DEVICE_DISCRETE,
    DEVICE_INTEGRATED,
    DEVICE_VIRTUAL,
    DEVICE_CPU,
    DEVICE_OTHER,
};

/** What a person wants to know of a device; owned by the device, valid as long as it. */
struct device_info {
    const char *name;   ///< as the driver says it, such as "llvmpipe (LLVM 15.0.6, 256 bits)"
    const char *driver; ///< driver name and version, such as "llvmpipe Mesa 22.3.6"
    enum device_kind kind;
    uint32_t subgroup_size;
};

/** What kernels have to know of a device. */
struct device_limits {
    uint32_t texels; ///< largest texel buffer, in elements
    bool shuffle;    ///< subgroupShuffle in compute kernels
    /** A workgroup of subgroup_size invocations is one full subgroup: required of the driver where
     * it can be (kernel_config.whole_subgroup), known of it elsewhere. */
    bool whole_subgroups;
};

/**
 * Opens a device.
 *
 * `want` is NULL or "" or "auto" (discrete before integrated before virtual before CPU), "cpu",
 * "gpu" (anything but a CPU), a number (place in the loader's list, from 0), or a part of a
 * device's name, case ignored. Blocks for some tens of milliseconds.
 *
 * The first call sets LP_NUM_THREADS=0 in the environment unless it is set: lavapipe, the CPU
 * driver, is cheapest by far where it runs kernels in its own queue thread. So the first call
 * belongs before the start of threads that read the environment.
 *
 * Returns 0, -ENODEV (no Vulkan, or no device that fits: logged with the devices there are),
 * -EINVAL, -ENOMEM or -EIO.
 */
int device_new(const char *want, struct device **ret_device);

/** Waits for the device and frees all; NULL is fine. Buffers and kernels go before it. */
void device_free(struct device *device);

const struct device_info *device_info(const struct device *device);
const struct device_limits *device_limits(const struct device *device);

/** True once a submit has failed with VK_ERROR_DEVICE_LOST or has not come back in time: free
 * everything and open anew. */
bool device_is_lost(const struct device *device);

/** It has not come back in time and may never: lost, and nothing of it is waited for or destroyed
 * any more, because a hung driver would hang us too. What it holds is leaked, once. */
void device_abandon(struct device *device);
bool device_is_abandoned(const struct device *device);

/** Treats the device as lost from now on: every later run fails with -ENODEV. For tests of what
 * becomes of the music then. */
void device_lose(struct device *device);

/** Keeps the pipelines compiled so far on disk ($XDG_CACHE_HOME/fermata), for the next start.
 * Does nothing where that fails, beyond a line at debug level. */
void device_keep_pipelines(struct device *device);

/** What was kept on disk of `kind` (a word) for this device and driver, to be freed, or NULL. */
void *device_recall(const struct device *device, const char *kind, size_t *ret_size);

/** Keeps `size` bytes for device_recall(), beside the pipelines. Returns 0 or -errno, not logged.
 */
int device_remember(const struct device *device, const char *kind, const void *data, size_t size);

/** Where that is: a path to show to people; false where there is no place for it. */
bool device_memory(const struct device *device, const char *kind, char *ret_path, size_t size);

/** Messages of the validation layer in this process so far; 0 without it. Any thread. */
unsigned device_complaints(void);

#endif
