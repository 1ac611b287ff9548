// SPDX-License-Identifier: MIT
#include "compute/instance.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compute/result.h"
#include "log.h"

static const char validation_layer[] = "VK_LAYER_KHRONOS_validation";

// Of the process rather than of an instance: some come while the last objects are destroyed.
static atomic_uint complaints;

static bool validation_wanted(void)
{
    const char *value = getenv("FERMATA_VALIDATION");
    return value && *value && strcmp(value, "0") != 0;
}

static bool validation_there(void)
{
    VkLayerProperties layers[64];
    uint32_t count = 64;
    VkResult result = vkEnumerateInstanceLayerProperties(&count, layers);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(layers[i].layerName, validation_layer) == 0)
            return true;
    return false;
}

static VKAPI_ATTR VkBool32 VKAPI_CALL complain(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                               VkDebugUtilsMessageTypeFlagsEXT types,
                                               const VkDebugUtilsMessengerCallbackDataEXT *data,
                                               void *user)
{
    // What the loader has to say about other people's layers is no complaint about us.
    if (types == VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT) {
        log_debug("vulkan: %s", data->pMessage);
        return VK_FALSE;
    }
    atomic_fetch_add_explicit(&complaints, 1, memory_order_relaxed);
    log_error("vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

int instance_init(struct instance *instance)
{
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "fermata",
        .apiVersion = VK_API_VERSION_1_3,
    };
    const VkValidationFeatureEnableEXT enables[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
    };
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = complain,
    };
    VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enables,
    };
    const char *const layers[] = {validation_layer};
    const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                      VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
    VkInstanceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
    };
    memset(instance, 0, sizeof *instance);
    bool validate = validation_wanted();
    if (validate) {
        if (!validation_there()) {
            log_error("cannot validate the use of Vulkan: %s is missing (install "
                      "vulkan-validationlayers, or unset FERMATA_VALIDATION)",
                      validation_layer);
            return -ENODEV;
        }
        create.pNext = &features;
        create.enabledLayerCount = 1;
        create.ppEnabledLayerNames = layers;
        create.enabledExtensionCount = 2;
        create.ppEnabledExtensionNames = extensions;
    }

    VkResult result = vkCreateInstance(&create, NULL, &instance->handle);
    if (result != VK_SUCCESS) {
        log_error("cannot open Vulkan: %s (is a driver installed, such as mesa-vulkan-drivers?)",
                  result_name(result));
        return result_errno(result);
    }
    if (validate) {
        PFN_vkCreateDebugUtilsMessengerEXT create_messenger =
            (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                instance->handle, "vkCreateDebugUtilsMessengerEXT");
        if (create_messenger)
            create_messenger(instance->handle, &messenger, NULL, &instance->messenger);
        log_info("vulkan: validating, synchronization included");
    }
    return 0;
}

void instance_finish(struct instance *instance)
{
    if (!instance->handle)
        return;
    if (instance->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                instance->handle, "vkDestroyDebugUtilsMessengerEXT");
        if (destroy_messenger)
            destroy_messenger(instance->handle, instance->messenger, NULL);
    }
    vkDestroyInstance(instance->handle, NULL);
    instance->handle = NULL;
    instance->messenger = NULL;
}

unsigned instance_complaints(void)
{
    return atomic_load_explicit(&complaints, memory_order_relaxed);
}
