// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_DEVICE_VULKAN_H
#define FERMATA_COMPUTE_DEVICE_VULKAN_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "compute/device.h"

/** The handles of a device, for the other files of this room only. */
struct device_vulkan {
    VkPhysicalDevice physical;
    VkDevice handle;
    VkQueue queue;
    VkCommandPool pool;
    VkPipelineCache cache;
    VkPhysicalDeviceMemoryProperties memory;
    bool can_require_size; ///< VK_EXT_subgroup_size_control is on, for compute
    bool can_require_full; ///< computeFullSubgroups is on
};

const struct device_vulkan *device_vulkan(const struct device *device);

/** Logs that `what` ("allocate 4096 bytes") failed, marks a lost device, returns the errno. */
int device_fail(struct device *device, VkResult result, const char *what);

#endif
