// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_CACHE_H
#define FERMATA_COMPUTE_CACHE_H

#include <vulkan/vulkan.h>

/**
 * cache: compiled pipelines kept on disk between starts, one file per device and driver under
 * $XDG_CACHE_HOME/fermata (or ~/.cache/fermata). Only for this room. A cache that cannot be read
 * or written costs time at the next start and nothing else: failures are debug lines.
 */

/** The cache with what the disk has for this device, or an empty one, or VK_NULL_HANDLE. */
VkPipelineCache cache_open(VkDevice device, const VkPhysicalDeviceProperties *properties);

/** Writes the cache to disk (atomic replace). */
void cache_keep(VkDevice device, VkPipelineCache cache,
                const VkPhysicalDeviceProperties *properties);

#endif
