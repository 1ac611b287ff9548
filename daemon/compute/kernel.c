// SPDX-License-Identifier: MIT
#include "compute/kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/buffer_vulkan.h"
#include "compute/device_vulkan.h"
#include "compute/kernel_vulkan.h"

struct kernel {
    struct device *device;
    uint32_t buffer_count;
    VkDescriptorType types[KERNEL_MAX_BUFFERS];
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
};

struct binding {
    struct kernel *kernel;
    VkDescriptorPool pool;
    VkDescriptorSet set;
};

static VkResult make_layouts(struct kernel *kernel)
{
    VkDevice device = device_vulkan(kernel->device)->handle;
    VkDescriptorSetLayoutBinding slots[KERNEL_MAX_BUFFERS];
    for (uint32_t i = 0; i < kernel->buffer_count; i++)
        slots[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = kernel->types[i],
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = kernel->buffer_count,
        .pBindings = slots,
    };
    VkResult result = vkCreateDescriptorSetLayout(device, &set, NULL, &kernel->set_layout);
    if (result != VK_SUCCESS)
        return result;
    VkPushConstantRange push = {
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        .size = KERNEL_PUSH_BYTES,
    };
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &kernel->set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &push,
    };
    return vkCreatePipelineLayout(device, &layout, NULL, &kernel->layout);
}

static VkResult make_pipeline(struct kernel *kernel, const struct kernel_config *config)
{
    const struct device_vulkan *vulkan = device_vulkan(kernel->device);
    VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = config->code_bytes,
        .pCode = config->code,
    };
    VkShaderModule module;
    VkResult result = vkCreateShaderModule(vulkan->handle, &module_info, NULL, &module);
    if (result != VK_SUCCESS)
        return result;

    VkSpecializationMapEntry entries[KERNEL_MAX_CONSTANTS];
    for (uint32_t i = 0; i < config->constant_count; i++)
        entries[i] = (VkSpecializationMapEntry){i, i * sizeof(uint32_t), sizeof(uint32_t)};
    VkSpecializationInfo constants = {
        .mapEntryCount = config->constant_count,
        .pMapEntries = entries,
        .dataSize = config->constant_count * sizeof(uint32_t),
        .pData = config->constants,
    };
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = device_info(kernel->device)->subgroup_size,
    };
    bool require = config->whole_subgroup && vulkan->can_require_size;
    bool full = config->whole_subgroup && vulkan->can_require_full;
    VkComputePipelineCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = require ? &size : NULL,
                .flags = full ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0u,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = config->constant_count ? &constants : NULL,
            },
        .layout = kernel->layout,
    };
    result = vkCreateComputePipelines(vulkan->handle, vulkan->cache, 1, &create, NULL,
                                      &kernel->pipeline);
    vkDestroyShaderModule(vulkan->handle, module, NULL);
    return result;
}

int kernel_new(struct device *device, const struct kernel_config *config,
               struct kernel **ret_kernel)
{
    size_t count = strlen(config->buffers);
    assert(count > 0 && count <= KERNEL_MAX_BUFFERS);
    assert(config->constant_count <= KERNEL_MAX_CONSTANTS);
    struct kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return -ENOMEM;
    kernel->device = device;
    kernel->buffer_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        kernel->types[i] = config->buffers[i] == 't'   ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                           : config->buffers[i] == 'i' ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER
                                                       : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;

    VkResult result = make_layouts(kernel);
    if (result == VK_SUCCESS)
        result = make_pipeline(kernel, config);
    if (result != VK_SUCCESS) {
        char what[64];
        snprintf(what, sizeof what, "compile the kernel %s", config->name);
        kernel_free(kernel);
        return device_fail(device, result, what);
    }
    *ret_kernel = kernel;
    return 0;
}

void kernel_free(struct kernel *kernel)
{
    if (!kernel)
        return;
    if (!device_is_abandoned(kernel->device)) {
        VkDevice device = device_vulkan(kernel->device)->handle;
        vkDestroyPipeline(device, kernel->pipeline, NULL);
        vkDestroyPipelineLayout(device, kernel->layout, NULL);
        vkDestroyDescriptorSetLayout(device, kernel->set_layout, NULL);
    }
    free(kernel);
}

static VkResult make_set(struct binding *binding)
{
    VkDevice device = device_vulkan(binding->kernel->device)->handle;
    VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, KERNEL_MAX_BUFFERS},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, KERNEL_MAX_BUFFERS},
        {VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, KERNEL_MAX_BUFFERS},
    };
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 1,
        .poolSizeCount = 3,
        .pPoolSizes = sizes,
    };
    VkResult result = vkCreateDescriptorPool(device, &pool, NULL, &binding->pool);
    if (result != VK_SUCCESS)
        return result;
    VkDescriptorSetAllocateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = binding->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &binding->kernel->set_layout,
    };
    return vkAllocateDescriptorSets(device, &set, &binding->set);
}

int binding_new(struct kernel *kernel, struct buffer *const *buffers, struct binding **ret_binding)
{
    struct binding *binding = calloc(1, sizeof *binding);
    if (!binding)
        return -ENOMEM;
    binding->kernel = kernel;
    VkResult result = make_set(binding);
    if (result != VK_SUCCESS) {
        binding_free(binding);
        return device_fail(kernel->device, result, "bind buffers to a kernel");
    }

    VkDescriptorBufferInfo ranges[KERNEL_MAX_BUFFERS];
    VkBufferView views[KERNEL_MAX_BUFFERS];
    VkWriteDescriptorSet writes[KERNEL_MAX_BUFFERS];
    for (uint32_t i = 0; i < kernel->buffer_count; i++) {
        ranges[i] = (VkDescriptorBufferInfo){buffer_handle(buffers[i]), 0, VK_WHOLE_SIZE};
        views[i] = buffer_view(buffers[i]);
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = binding->set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = kernel->types[i],
            .pBufferInfo = &ranges[i],
            .pTexelBufferView = &views[i],
        };
    }
    vkUpdateDescriptorSets(device_vulkan(kernel->device)->handle, kernel->buffer_count, writes, 0,
                           NULL);
    *ret_binding = binding;
    return 0;
}

void binding_free(struct binding *binding)
{
    if (!binding)
        return;
    if (!device_is_abandoned(binding->kernel->device))
        vkDestroyDescriptorPool(device_vulkan(binding->kernel->device)->handle, binding->pool,
                                NULL);
    free(binding);
}

struct binding_vulkan binding_vulkan(const struct binding *binding)
{
    return (struct binding_vulkan){binding->kernel->pipeline, binding->kernel->layout,
                                   binding->set};
}
