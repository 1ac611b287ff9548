// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_KERNEL_VULKAN_H
#define FERMATA_COMPUTE_KERNEL_VULKAN_H

#include <vulkan/vulkan.h>

#include "compute/kernel.h"

/** The handles of a binding, for the other files of this room only. */
struct binding_vulkan {
    VkPipeline pipeline;
    VkPipelineLayout layout;
    VkDescriptorSet set;
};

struct binding_vulkan binding_vulkan(const struct binding *binding);

#endif
