// SPDX-License-Identifier: MIT
#ifndef FERMATA_COMPUTE_RESULT_H
#define FERMATA_COMPUTE_RESULT_H

#include <vulkan/vulkan.h>

/** result: Vulkan's results as names and as the errnos that this room returns. */

/** Such as "VK_ERROR_DEVICE_LOST", or "an unknown VkResult". */
const char *result_name(VkResult result);

/** -ENOMEM, -ENODEV (no driver, device lost), -ETIMEDOUT, or -EIO for all else; 0 for success. */
int result_errno(VkResult result);

#endif
