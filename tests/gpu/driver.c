// SPDX-License-Identifier: MIT
#include "driver.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "compute/device.h"

static const char *want = "auto";
/** Open until the process ends, so that drivers are not unloaded: the leak checker could not tell
 * any more what was theirs. */
static struct device *keeper;
static char scratch[] = "/tmp/fermata-gpu-XXXXXX";

/** What the drivers and layers of others leave behind is no leak of ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libvulkan\nleak:libVkLayer\nleak:libvk_swiftshader\nleak:libLLVM\n";
}

/** Nor are races that the thread checker, which cannot see into them, thinks they have. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libVkLayer\nrace:libvulkan\nrace:libvk_swiftshader\nrace:libLLVM\n";
}

static void clean(void)
{
    glob_t found;
    char pattern[64];
    snprintf(pattern, sizeof pattern, "%s/*", scratch);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            unlink(found.gl_pathv[i]);
        globfree(&found);
    }
    rmdir(scratch);
}

static void leave_out(const char *why)
{
    printf("skipped: %s\n", why);
    exit(77);
}

/** Lets the loader see only the driver whose manifest matches one of the patterns. */
static void use_manifest(const char *const *patterns, const char *missing)
{
    for (; *patterns; patterns++) {
        glob_t found;
        if (glob(*patterns, 0, NULL, &found) == 0) {
            setenv("VK_ICD_FILENAMES", found.gl_pathv[0], 1);
            setenv("VK_DRIVER_FILES", found.gl_pathv[0], 1);
            globfree(&found);
            return;
        }
    }
    leave_out(missing);
}

void driver_choose(int argc, char **argv)
{
    static const char *const lavapipe[] = {"/usr/share/vulkan/icd.d/lvp_icd*.json",
                                           "/usr/local/share/vulkan/icd.d/lvp_icd*.json", NULL};
    static const char *const swiftshader[] = {"/usr/lib/chromium/vk_swiftshader_icd.json",
                                              "/usr/lib64/chromium*/vk_swiftshader_icd.json",
                                              "/opt/google/chrome/vk_swiftshader_icd.json", NULL};
    if (argc > 1)
        want = argv[1];
    if (argc > 2)
        setenv("FERMATA_KERNELS", argv[2], 1);
    if (strcmp(want, "lavapipe") == 0) {
        use_manifest(lavapipe, "no lavapipe (package mesa-vulkan-drivers)");
        want = "auto";
    } else if (strcmp(want, "swiftshader") == 0) {
        use_manifest(swiftshader, "no SwiftShader (package chromium-common)");
        want = "auto";
    }
    setenv("FERMATA_VALIDATION", "1", 0);

    if (device_new(want, &keeper) < 0)
        leave_out("no such device, or no validation layer (packages mesa-vulkan-drivers and "
                  "vulkan-validationlayers; FERMATA_VALIDATION=0 does without)");
    if (!mkdtemp(scratch))
        abort();
    atexit(clean);
    // Pipelines kept by one test must not hide from another that they do not compile.
    setenv("XDG_CACHE_HOME", scratch, 1);
}

struct device *driver_open(void)
{
    struct device *device = NULL;
    assert_int_equal(device_new(want, &device), 0);
    return device;
}

void driver_close(struct device *device)
{
    device_free(device);
    // Only now: objects that nobody destroyed are complained of with the device.
    assert_int_equal(device_complaints(), 0);
}

const char *driver_scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}
