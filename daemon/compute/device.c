// SPDX-License-Identifier: MIT
#include "compute/device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "compute/cache.h"
#include "compute/device_vulkan.h"
#include "compute/instance.h"
#include "compute/result.h"
#include "log.h"

#define MAX_DEVICES 32
#define VENDOR_INTEL 0x8086

struct device {
    struct instance instance;
    struct device_vulkan vulkan;
    VkPhysicalDeviceProperties properties;
    char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE + 2];
    struct device_info info;
    struct device_limits limits;
    bool lost;
    bool abandoned;
};

static enum device_kind kind_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return DEVICE_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return DEVICE_CPU;
    default:
        return DEVICE_OTHER;
    }
}

static const char *kind_name(enum device_kind kind)
{
    static const char *const names[] = {"discrete GPU", "integrated GPU", "virtual GPU", "CPU",
                                        "other"};
    return names[kind];
}

/** The first queue family that computes, or UINT32_MAX. */
static uint32_t find_family(VkPhysicalDevice physical)
{
    VkQueueFamilyProperties families[16];
    uint32_t count = 16;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
    for (uint32_t i = 0; i < count; i++)
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
            return i;
    return UINT32_MAX;
}

/** Whether the device in place `place` is one that `want` means. */
static bool wanted(const VkPhysicalDeviceProperties *properties, uint32_t place, const char *want)
{
    enum device_kind kind = kind_of(properties->deviceType);
    if (!*want || strcmp(want, "auto") == 0)
        return true;
    if (strcmp(want, "cpu") == 0)
        return kind == DEVICE_CPU;
    if (strcmp(want, "gpu") == 0)
        return kind != DEVICE_CPU;
    if (want[strspn(want, "0123456789")] == '\0')
        return strtoul(want, NULL, 10) == place;
    return strcasestr(properties->deviceName, want) != NULL;
}

static int choose(struct device *device, const char *want)
{
    VkPhysicalDevice all[MAX_DEVICES];
    uint32_t count = MAX_DEVICES;
    VkResult result = vkEnumeratePhysicalDevices(device->instance.handle, &count, all);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return device_fail(device, result, "list the Vulkan devices");

    enum device_kind best = DEVICE_OTHER;
    char list[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties properties;
        vkGetPhysicalDeviceProperties(all[i], &properties);
        enum device_kind kind = kind_of(properties.deviceType);
        int n = snprintf(list + used, sizeof list - used, "%s%u: %s (%s)", i ? "; " : "", i,
                         properties.deviceName, kind_name(kind));
        if (n > 0 && (size_t)n < sizeof list - used)
            used += (size_t)n;
        if (properties.apiVersion < VK_API_VERSION_1_1 || find_family(all[i]) == UINT32_MAX ||
            !wanted(&properties, i, want))
            continue;
        if (!device->vulkan.physical || kind < best) {
            best = kind;
            device->vulkan.physical = all[i];
            device->properties = properties;
        }
    }
    if (!device->vulkan.physical) {
        if (count == 0)
            log_error("Vulkan has no device (install mesa-vulkan-drivers: it computes on the CPU "
                      "where there is no GPU)");
        else
            log_error("no Vulkan device fits \"%s\"; there are: %s (choose one of them, or auto)",
                      want, list);
        return -ENODEV;
    }
    return 0;
}

static bool has_extension(VkPhysicalDevice physical, const char *name)
{
    uint32_t count = 0;
    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL) != VK_SUCCESS)
        return false;
    VkExtensionProperties *all = calloc(count ? count : 1, sizeof *all);
    if (!all)
        return false;
    bool found = false;
    VkResult result = vkEnumerateDeviceExtensionProperties(physical, NULL, &count, all);
    if (result == VK_SUCCESS || result == VK_INCOMPLETE)
        for (uint32_t i = 0; i < count && !found; i++)
            found = strcmp(all[i].extensionName, name) == 0;
    free(all);
    return found;
}

static int open_device(struct device *device)
{
    struct device_vulkan *vulkan = &device->vulkan;
    bool sizes = has_extension(vulkan->physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    bool names = device->properties.apiVersion >= VK_API_VERSION_1_2 ||
                 has_extension(vulkan->physical, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);

    VkPhysicalDeviceSubgroupSizeControlProperties size_properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES,
    };
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
        .pNext = sizes ? &size_properties : NULL,
    };
    VkPhysicalDeviceSubgroupProperties subgroups = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
        .pNext = names ? (void *)&driver : driver.pNext,
    };
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &subgroups,
    };
    vkGetPhysicalDeviceProperties2(vulkan->physical, &properties);

    VkPhysicalDeviceSubgroupSizeControlFeatures size_features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = sizes ? &size_features : NULL,
    };
    vkGetPhysicalDeviceFeatures2(vulkan->physical, &features);
    vulkan->can_require_size =
        size_features.subgroupSizeControl &&
        (size_properties.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
        subgroups.subgroupSize >= size_properties.minSubgroupSize &&
        subgroups.subgroupSize <= size_properties.maxSubgroupSize;
    vulkan->can_require_full = vulkan->can_require_size && size_features.computeFullSubgroups;

    size_features.subgroupSizeControl = vulkan->can_require_size;
    size_features.computeFullSubgroups = vulkan->can_require_full;
    const char *const extensions[] = {VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME};
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = find_family(vulkan->physical),
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = vulkan->can_require_size ? &size_features : NULL,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = vulkan->can_require_size,
        .ppEnabledExtensionNames = extensions,
    };
    VkResult result = vkCreateDevice(vulkan->physical, &create, NULL, &vulkan->handle);
    if (result != VK_SUCCESS)
        return device_fail(device, result, "open the Vulkan device");
    vkGetDeviceQueue(vulkan->handle, queue.queueFamilyIndex, 0, &vulkan->queue);

    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = queue.queueFamilyIndex,
    };
    result = vkCreateCommandPool(vulkan->handle, &pool, NULL, &vulkan->pool);
    if (result != VK_SUCCESS)
        return device_fail(device, result, "create a command pool");
    vkGetPhysicalDeviceMemoryProperties(vulkan->physical, &vulkan->memory);
    vulkan->cache = cache_open(vulkan->handle, &device->properties);

    if (names)
        snprintf(device->driver, sizeof device->driver, "%s %s", driver.driverName,
                 driver.driverInfo);
    else
        snprintf(device->driver, sizeof device->driver, "version %u",
                 device->properties.driverVersion);
    device->info = (struct device_info){
        .name = device->properties.deviceName,
        .driver = device->driver,
        .kind = kind_of(device->properties.deviceType),
        .subgroup_size = subgroups.subgroupSize,
    };
    const VkPhysicalDeviceLimits *limits = &device->properties.limits;
    device->limits = (struct device_limits){
        .texels = limits->maxTexelBufferElements,
        .shuffle = (subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
                   (subgroups.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT),
        // Intel's drivers may run a workgroup as several narrower subgroups unless told otherwise.
        .whole_subgroups = vulkan->can_require_size || device->properties.vendorID != VENDOR_INTEL,
    };
    return 0;
}

int device_new(const char *want, struct device **ret_device)
{
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return -ENOMEM;

    // Measured (tests/bench): its thread pool costs 5 us a dispatch, running inline 0.3 us.
    setenv("LP_NUM_THREADS", "0", 0);
    int r = instance_init(&device->instance);
    if (r == 0)
        r = choose(device, want ? want : "");
    if (r == 0)
        r = open_device(device);
    if (r < 0) {
        device_free(device);
        return r;
    }
    log_info("computing on %s (%s), %s, subgroups of %u", device->info.name,
             kind_name(device->info.kind), device->info.driver, device->info.subgroup_size);
    *ret_device = device;
    return 0;
}

void device_free(struct device *device)
{
    if (!device)
        return;
    if (device->abandoned) {
        free(device);
        return;
    }
    struct device_vulkan *vulkan = &device->vulkan;
    if (vulkan->handle) {
        vkDeviceWaitIdle(vulkan->handle);
        vkDestroyPipelineCache(vulkan->handle, vulkan->cache, NULL);
        vkDestroyCommandPool(vulkan->handle, vulkan->pool, NULL);
        vkDestroyDevice(vulkan->handle, NULL);
    }
    instance_finish(&device->instance);
    free(device);
}

const struct device_info *device_info(const struct device *device)
{
    return &device->info;
}

const struct device_limits *device_limits(const struct device *device)
{
    return &device->limits;
}

bool device_is_lost(const struct device *device)
{
    return device->lost;
}

void device_lose(struct device *device)
{
    device->lost = true;
}

void device_abandon(struct device *device)
{
    device->lost = true;
    device->abandoned = true;
}

bool device_is_abandoned(const struct device *device)
{
    return device->abandoned;
}

void device_keep_pipelines(struct device *device)
{
    cache_keep(device->vulkan.handle, device->vulkan.cache, &device->properties);
}

bool device_memory(const struct device *device, const char *kind, char *ret_path, size_t size)
{
    return cache_path(&device->properties, kind, false, ret_path, size);
}

void *device_recall(const struct device *device, const char *kind, size_t *ret_size)
{
    char path[PATH_MAX];
    return device_memory(device, kind, path, sizeof path) ? cache_read(path, ret_size) : NULL;
}

int device_remember(const struct device *device, const char *kind, const void *data, size_t size)
{
    char path[PATH_MAX];
    if (!cache_path(&device->properties, kind, true, path, sizeof path))
        return -ENOENT;
    return cache_write(path, data, size);
}

unsigned device_complaints(void)
{
    return instance_complaints();
}

const struct device_vulkan *device_vulkan(const struct device *device)
{
    return &device->vulkan;
}

int device_fail(struct device *device, VkResult result, const char *what)
{
    if (result == VK_ERROR_DEVICE_LOST)
        device->lost = true;
    log_error("cannot %s on %s: %s%s", what,
              device->properties.deviceName[0] ? device->properties.deviceName : "Vulkan",
              result_name(result),
              result == VK_ERROR_DEVICE_LOST ? " (the device will be opened again)" : "");
    return result_errno(result);
}
