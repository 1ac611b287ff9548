// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_CACHE_H
#define FERMATA_COMPUTE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <vulkan/vulkan.h>

/**
 * cache: compiled pipelines, and what else was found out, kept on disk between starts: files per
 * device and driver under $XDG_CACHE_HOME/fermata (or ~/.cache/fermata). Only for this room. A
 * cache that cannot be read or written costs time at the next start and nothing else: failures are
 * debug lines.
 */

/** The path of the file of `kind` for this device, its folders made if `make`; false where there is
 * no place for it. */
bool cache_path(const VkPhysicalDeviceProperties *properties, const char *kind, bool make,
                char *ret_path, size_t size);

/** The whole file, to be freed, or NULL. */
void *cache_read(const char *path, size_t *ret_size);

/** Replaces the file at once. Returns 0 or -errno. */
int cache_write(const char *path, const void *data, size_t size);

/** The cache with what the disk has for this device, or an empty one, or VK_NULL_HANDLE. */
VkPipelineCache cache_open(VkDevice device, const VkPhysicalDeviceProperties *properties);

/** Writes the cache to disk (atomic replace). */
void cache_keep(VkDevice device, VkPipelineCache cache,
                const VkPhysicalDeviceProperties *properties);

#endif
