// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_BUFFER_VULKAN_H
#define FERMATA_COMPUTE_BUFFER_VULKAN_H

#include <vulkan/vulkan.h>

#include "compute/buffer.h"

/** The handles of a buffer, for the other files of this room only. */
VkBuffer buffer_handle(const struct buffer *buffer);
VkBufferView buffer_view(const struct buffer *buffer); ///< VK_NULL_HANDLE without a texel

#endif
