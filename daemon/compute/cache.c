// SPDX-License-Identifier: MIT
#include "compute/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define LARGEST (64u << 20)

/** The directory, made if `make`; false where there is no place for it. */
static bool find_directory(char *path, size_t size, bool make)
{
    // What systemd gives a service is the very folder.
    const char *own = getenv("CACHE_DIRECTORY");
    const char *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n;
    if (own && own[0] == '/') {
        n = snprintf(path, size, "%s", own);
        return n > 0 && (size_t)n < size && (!make || mkdir(path, 0700) == 0 || errno == EEXIST);
    }
    if (base && base[0] == '/')
        n = snprintf(path, size, "%s", base);
    else if (home && home[0] == '/')
        n = snprintf(path, size, "%s/.cache", home);
    else
        return false;
    if (n < 0 || (size_t)n >= size)
        return false;
    if (make)
        mkdir(path, 0700);
    size_t used = (size_t)n;
    n = snprintf(path + used, size - used, "/fermata");
    if (n < 0 || (size_t)n >= size - used)
        return false;
    return !make || mkdir(path, 0700) == 0 || errno == EEXIST;
}

bool cache_path(const VkPhysicalDeviceProperties *properties, const char *kind, bool make,
                char *ret_path, size_t size)
{
    char *path = ret_path;
    if (!find_directory(path, size, make))
        return false;
    size_t used = strlen(path);
    int n = snprintf(path + used, size - used, "/%s-%04x-%04x-", kind, properties->vendorID,
                     properties->deviceID);
    for (unsigned i = 0; n > 0 && i < VK_UUID_SIZE; i++) {
        used += (size_t)n;
        if (used >= size)
            return false;
        n = snprintf(path + used, size - used, "%02x", properties->pipelineCacheUUID[i]);
    }
    return n > 0 && used + (size_t)n < size;
}

/** Whether Vulkan would take the data for this very device and driver. */
static bool fits(const void *data, size_t size, const VkPhysicalDeviceProperties *properties)
{
    VkPipelineCacheHeaderVersionOne header;
    if (size < sizeof header)
        return false;
    memcpy(&header, data, sizeof header);
    return header.headerSize >= sizeof header && header.headerSize <= size &&
           header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
           header.vendorID == properties->vendorID && header.deviceID == properties->deviceID &&
           memcmp(header.pipelineCacheUUID, properties->pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

void *cache_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    void *data = NULL;
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        status.st_size <= LARGEST)
        data = malloc((size_t)status.st_size);
    if (data && fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size) {
        free(data);
        data = NULL;
    }
    if (data)
        *ret_size = (size_t)status.st_size;
    fclose(file);
    return data;
}

VkPipelineCache cache_open(VkDevice device, const VkPhysicalDeviceProperties *properties)
{
    char path[PATH_MAX];
    size_t size = 0;
    void *data = NULL;
    if (cache_path(properties, "pipelines", false, path, sizeof path))
        data = cache_read(path, &size);
    if (data && !fits(data, size, properties)) {
        log_debug("pipeline cache %s is not this driver's: ignored", path);
        size = 0;
    }
    VkPipelineCacheCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = size,
        .pInitialData = size ? data : NULL,
    };
    VkPipelineCache cache = VK_NULL_HANDLE;
    if (vkCreatePipelineCache(device, &create, NULL, &cache) != VK_SUCCESS)
        cache = VK_NULL_HANDLE;
    free(data);
    return cache;
}

int cache_write(const char *path, const void *data, size_t size)
{
    char temporary[PATH_MAX + 16];
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    errno = ENOSPC; // of a write that falls short
    bool written = write(fd, data, size) == (ssize_t)size;
    written = close(fd) == 0 && written;
    if (written && rename(temporary, path) == 0)
        return 0;
    int r = -errno;
    unlink(temporary);
    return r;
}

void cache_keep(VkDevice device, VkPipelineCache cache,
                const VkPhysicalDeviceProperties *properties)
{
    char path[PATH_MAX];
    size_t size = 0;
    if (!cache || vkGetPipelineCacheData(device, cache, &size, NULL) != VK_SUCCESS || size == 0 ||
        size > LARGEST)
        return;
    void *data = malloc(size);
    if (data && vkGetPipelineCacheData(device, cache, &size, data) == VK_SUCCESS &&
        cache_path(properties, "pipelines", true, path, sizeof path)) {
        int r = cache_write(path, data, size);
        if (r < 0)
            log_debug("cannot write the pipeline cache %s: %s", path, strerror(-r));
    }
    free(data);
}
