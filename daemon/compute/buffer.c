// SPDX-License-Identifier: MIT
#include "compute/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/batch.h"
#include "compute/buffer_vulkan.h"
#include "compute/device_vulkan.h"
#include "compute/result.h"

struct buffer {
    struct device *device;
    size_t size;
    enum buffer_place place;
    VkBuffer handle;
    VkBufferView view;
    VkDeviceMemory memory;
    void *mapped; ///< also of a BUFFER_DEVICE, where its memory happens to be the host's as well
};

static const VkFormat formats[] = {
    [BUFFER_NO_TEXEL] = VK_FORMAT_UNDEFINED,
    [BUFFER_R32F] = VK_FORMAT_R32_SFLOAT,
    [BUFFER_RGBA32F] = VK_FORMAT_R32G32B32A32_SFLOAT,
    [BUFFER_RGBA32UI] = VK_FORMAT_R32G32B32A32_UINT,
};

size_t buffer_texel_bytes(enum buffer_texel texel)
{
    static const size_t bytes[] = {
        [BUFFER_NO_TEXEL] = 0, [BUFFER_R32F] = 4, [BUFFER_RGBA32F] = 16, [BUFFER_RGBA32UI] = 16};
    return bytes[texel];
}

/** The memory type among `allowed` with all of `need` and the most of `like`; UINT32_MAX: none. */
static uint32_t find_type(const VkPhysicalDeviceMemoryProperties *memory, uint32_t allowed,
                          VkMemoryPropertyFlags need, VkMemoryPropertyFlags like)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        VkMemoryPropertyFlags flags = memory->memoryTypes[i].propertyFlags;
        if (!(allowed >> i & 1) || (flags & need) != need)
            continue;
        if (best == UINT32_MAX)
            best = i;
        if ((flags & like) == like)
            return i;
    }
    return best;
}

static int allocate(struct buffer *buffer)
{
    const struct device_vulkan *vulkan = device_vulkan(buffer->device);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(vulkan->handle, buffer->handle, &needs);

    const VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    uint32_t type;
    if (buffer->place == BUFFER_DEVICE) {
        type = find_type(&vulkan->memory, needs.memoryTypeBits, 0,
                         VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    } else {
        type = find_type(&vulkan->memory, needs.memoryTypeBits, host,
                         buffer->place == BUFFER_READ ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0);
    }
    if (type == UINT32_MAX)
        return device_fail(buffer->device, VK_ERROR_FEATURE_NOT_PRESENT,
                           "find memory for a buffer");

    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = type,
    };
    VkResult result = vkAllocateMemory(vulkan->handle, &info, NULL, &buffer->memory);
    if (result == VK_SUCCESS)
        result = vkBindBufferMemory(vulkan->handle, buffer->handle, buffer->memory, 0);
    if (result == VK_SUCCESS && (vulkan->memory.memoryTypes[type].propertyFlags & host) == host)
        result = vkMapMemory(vulkan->handle, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->mapped);
    if (result != VK_SUCCESS) {
        char what[64];
        snprintf(what, sizeof what, "allocate %zu bytes", buffer->size);
        return device_fail(buffer->device, result, what);
    }
    return 0;
}

/** Runs one copy (or, without `other`, a filling with zero) and waits. */
static int transfer(struct buffer *buffer, struct buffer *other, bool to_buffer, size_t offset,
                    size_t size)
{
    struct batch *batch = NULL;
    int r = batch_new(buffer->device, &batch);
    if (r < 0)
        return r;
    r = batch_begin(batch);
    if (r == 0) {
        if (!other)
            batch_fill(batch, buffer);
        else if (to_buffer)
            batch_copy(batch, other, 0, buffer, offset, size);
        else
            batch_copy(batch, buffer, offset, other, 0, size);
        r = batch_end(batch);
    }
    if (r == 0)
        r = batch_run(batch);
    batch_free(batch);
    return r;
}

int buffer_new(struct device *device, size_t size, enum buffer_place place, enum buffer_texel texel,
               struct buffer **ret_buffer)
{
    assert(size > 0 && size % 16 == 0);
    const struct device_vulkan *vulkan = device_vulkan(device);
    struct buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return -ENOMEM;
    buffer->device = device;
    buffer->size = size;
    buffer->place = place;

    VkBufferCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                 (texel == BUFFER_NO_TEXEL ? 0u : VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT) |
                 (texel == BUFFER_RGBA32UI ? VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT : 0u),
    };
    int r = 0;
    VkResult result = vkCreateBuffer(vulkan->handle, &create, NULL, &buffer->handle);
    if (result != VK_SUCCESS)
        r = device_fail(device, result, "create a buffer");
    if (r == 0)
        r = allocate(buffer);
    if (r == 0 && texel != BUFFER_NO_TEXEL) {
        VkBufferViewCreateInfo view = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
            .buffer = buffer->handle,
            .format = formats[texel],
            .range = VK_WHOLE_SIZE,
        };
        result = vkCreateBufferView(vulkan->handle, &view, NULL, &buffer->view);
        if (result != VK_SUCCESS)
            r = device_fail(device, result, "view a buffer as texels");
    }
    if (r == 0 && buffer->mapped)
        memset(buffer->mapped, 0, size);
    else if (r == 0)
        r = transfer(buffer, NULL, true, 0, size);
    if (r < 0) {
        buffer_free(buffer);
        return r;
    }
    *ret_buffer = buffer;
    return 0;
}

void buffer_free(struct buffer *buffer)
{
    if (!buffer)
        return;
    if (!device_is_abandoned(buffer->device)) {
        VkDevice device = device_vulkan(buffer->device)->handle;
        vkDestroyBufferView(device, buffer->view, NULL);
        vkDestroyBuffer(device, buffer->handle, NULL);
        vkFreeMemory(device, buffer->memory, NULL);
    }
    free(buffer);
}

size_t buffer_size(const struct buffer *buffer)
{
    return buffer->size;
}

void *buffer_map(struct buffer *buffer)
{
    return buffer->place == BUFFER_DEVICE ? NULL : buffer->mapped;
}

int buffer_write(struct buffer *buffer, size_t offset, const void *data, size_t size)
{
    assert(offset <= buffer->size && size <= buffer->size - offset);
    if (buffer->mapped) {
        memcpy((char *)buffer->mapped + offset, data, size);
        return 0;
    }
    struct buffer *staging = NULL;
    int r =
        buffer_new(buffer->device, (size + 15) / 16 * 16, BUFFER_UPLOAD, BUFFER_NO_TEXEL, &staging);
    if (r < 0)
        return r;
    memcpy(staging->mapped, data, size);
    r = transfer(buffer, staging, true, offset, size);
    buffer_free(staging);
    return r;
}

int buffer_read(struct buffer *buffer, size_t offset, void *ret_data, size_t size)
{
    assert(offset <= buffer->size && size <= buffer->size - offset);
    if (buffer->mapped) {
        memcpy(ret_data, (char *)buffer->mapped + offset, size);
        return 0;
    }
    struct buffer *staging = NULL;
    int r =
        buffer_new(buffer->device, (size + 15) / 16 * 16, BUFFER_READ, BUFFER_NO_TEXEL, &staging);
    if (r < 0)
        return r;
    r = transfer(buffer, staging, false, offset, size);
    if (r == 0)
        memcpy(ret_data, staging->mapped, size);
    buffer_free(staging);
    return r;
}

VkBuffer buffer_handle(const struct buffer *buffer)
{
    return buffer->handle;
}

VkBufferView buffer_view(const struct buffer *buffer)
{
    return buffer->view;
}
