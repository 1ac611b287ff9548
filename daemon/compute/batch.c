// SPDX-License-Identifier: MIT
#include "compute/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "compute/buffer_vulkan.h"
#include "compute/device_vulkan.h"
#include "compute/kernel_vulkan.h"
#include "log.h"

/** Seconds until a device counts as hung. */
#define GPU_PATIENCE_S 10
#define CPU_PATIENCE_S 60

struct batch {
    struct device *device;
    VkCommandBuffer commands;
    VkFence fence;
    VkPipeline pipeline; ///< bound last, while recording
};

int batch_new(struct device *device, struct batch **ret_batch)
{
    const struct device_vulkan *vulkan = device_vulkan(device);
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return -ENOMEM;
    batch->device = device;

    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = vulkan->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkResult result = vkAllocateCommandBuffers(vulkan->handle, &allocate, &batch->commands);
    if (result == VK_SUCCESS)
        result = vkCreateFence(vulkan->handle, &fence, NULL, &batch->fence);
    if (result != VK_SUCCESS) {
        batch_free(batch);
        return device_fail(device, result, "create a command buffer");
    }
    *ret_batch = batch;
    return 0;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    const struct device_vulkan *vulkan = device_vulkan(batch->device);
    if (!device_is_abandoned(batch->device)) {
        // The specification has this return at once where the device is lost.
        if (device_is_lost(batch->device))
            vkDeviceWaitIdle(vulkan->handle);
        vkDestroyFence(vulkan->handle, batch->fence, NULL);
        if (batch->commands)
            vkFreeCommandBuffers(vulkan->handle, vulkan->pool, 1, &batch->commands);
    }
    free(batch);
}

static void barrier(struct batch *batch, VkPipelineStageFlags to, VkAccessFlags access)
{
    VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = access,
    };
    vkCmdPipelineBarrier(batch->commands,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, to,
                         0, 1, &memory, 0, NULL, 0, NULL);
}

void batch_barrier(struct batch *batch)
{
    barrier(batch, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                VK_ACCESS_TRANSFER_WRITE_BIT);
}

int batch_begin(struct batch *batch)
{
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkResult result = vkBeginCommandBuffer(batch->commands, &begin);
    if (result != VK_SUCCESS)
        return device_fail(batch->device, result, "record a command buffer");
    batch->pipeline = VK_NULL_HANDLE;
    // Against what the runs before this one wrote.
    batch_barrier(batch);
    return 0;
}

void batch_dispatch(struct batch *batch, const struct binding *binding, const void *push,
                    size_t push_bytes, uint32_t x, uint32_t y)
{
    struct binding_vulkan bound = binding_vulkan(binding);
    assert(push_bytes <= KERNEL_PUSH_BYTES && push_bytes % 4 == 0);
    if (bound.pipeline != batch->pipeline) {
        vkCmdBindPipeline(batch->commands, VK_PIPELINE_BIND_POINT_COMPUTE, bound.pipeline);
        batch->pipeline = bound.pipeline;
    }
    vkCmdBindDescriptorSets(batch->commands, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                            &bound.set, 0, NULL);
    if (push && push_bytes)
        vkCmdPushConstants(batch->commands, bound.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           (uint32_t)push_bytes, push);
    vkCmdDispatch(batch->commands, x, y, 1);
}

void batch_copy(struct batch *batch, const struct buffer *from, size_t from_offset,
                struct buffer *to, size_t to_offset, size_t size)
{
    VkBufferCopy region = {from_offset, to_offset, size};
    vkCmdCopyBuffer(batch->commands, buffer_handle(from), buffer_handle(to), 1, &region);
}

void batch_fill(struct batch *batch, struct buffer *buffer)
{
    vkCmdFillBuffer(batch->commands, buffer_handle(buffer), 0, VK_WHOLE_SIZE, 0);
}

int batch_end(struct batch *batch)
{
    barrier(batch, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    VkResult result = vkEndCommandBuffer(batch->commands);
    if (result != VK_SUCCESS)
        return device_fail(batch->device, result, "record a command buffer");
    return 0;
}

int batch_run(struct batch *batch)
{
    const struct device_info *info = device_info(batch->device);
    uint64_t patience = info->kind == DEVICE_CPU ? CPU_PATIENCE_S : GPU_PATIENCE_S;
    const struct device_vulkan *vulkan = device_vulkan(batch->device);
    if (device_is_lost(batch->device))
        return -ENODEV;
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &batch->commands,
    };
    VkResult result = vkResetFences(vulkan->handle, 1, &batch->fence);
    if (result == VK_SUCCESS)
        result = vkQueueSubmit(vulkan->queue, 1, &submit, batch->fence);
    if (result == VK_SUCCESS)
        result = vkWaitForFences(vulkan->handle, 1, &batch->fence, VK_TRUE,
                                 patience * UINT64_C(1000000000));
    if (result == VK_SUCCESS)
        return 0;
    if (result == VK_TIMEOUT) {
        device_abandon(batch->device);
        log_error("%s has not answered for %u s: it counts as lost and will be opened again",
                  info->name, (unsigned)patience);
        return -ETIMEDOUT;
    }
    return device_fail(batch->device, result, "run a command buffer");
}
