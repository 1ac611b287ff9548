// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_INSTANCE_H
#define FERMATA_COMPUTE_INSTANCE_H

#include <vulkan/vulkan.h>

/**
 * instance: the door to the Vulkan loader, with the validation layer where it is asked for.
 *
 * Only for this room.
 */
struct instance {
    VkInstance handle;
    VkDebugUtilsMessengerEXT messenger;
};

/** Returns 0, -ENODEV (no loader, no driver, or no validation layer though asked for), -ENOMEM or
 * -EIO; logged. */
int instance_init(struct instance *instance);
void instance_finish(struct instance *instance);

/** Warnings and errors of the validation layer in this process so far. */
unsigned instance_complaints(void);

#endif
