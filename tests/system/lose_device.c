// SPDX-License-Identifier: MIT
// Preloaded into the real daemon: while the file that LOSE_DEVICE names exists, every wait for the
// device ends in its loss and no device is there; when it is gone, all is well again.
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <vulkan/vulkan.h>

static int is_lost(void)
{
    const char *path = getenv("LOSE_DEVICE");
    return path && access(path, F_OK) == 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice device, uint32_t count,
                                               const VkFence *fences, VkBool32 all,
                                               uint64_t timeout)
{
    PFN_vkWaitForFences real = (PFN_vkWaitForFences)dlsym(RTLD_NEXT, "vkWaitForFences");
    VkResult result = real(device, count, fences, all, timeout);
    return is_lost() ? VK_ERROR_DEVICE_LOST : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumeratePhysicalDevices(VkInstance instance, uint32_t *count,
                                                          VkPhysicalDevice *ret_devices)
{
    if (is_lost()) {
        *count = 0;
        return VK_SUCCESS;
    }
    PFN_vkEnumeratePhysicalDevices real =
        (PFN_vkEnumeratePhysicalDevices)dlsym(RTLD_NEXT, "vkEnumeratePhysicalDevices");
    return real(instance, count, ret_devices);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDevice(VkPhysicalDevice physical,
                                              const VkDeviceCreateInfo *info,
                                              const VkAllocationCallbacks *allocator,
                                              VkDevice *ret_device)
{
    if (is_lost())
        return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkCreateDevice real = (PFN_vkCreateDevice)dlsym(RTLD_NEXT, "vkCreateDevice");
    return real(physical, info, allocator, ret_device);
}
