// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_DRIVER_H
#define FERMATA_TESTS_GPU_DRIVER_H

struct device;

/**
 * driver: the Vulkan driver and the form of kernels that a test is to run on, from its arguments:
 *
 *     test_NAME [lavapipe|swiftshader|gpu|auto [texel|plain]]
 *
 * The Khronos validation layer is on, synchronization included, unless FERMATA_VALIDATION=0.
 */

/** Reads the arguments; exits with 77 (skipped), saying why, where the driver or the layer is not
 * there. Leaves a scratch directory that is removed at exit. */
void driver_choose(int argc, char **argv);

/** Opens the chosen device; fails the test otherwise. */
struct device *driver_open(void);

/** Closes it, and fails the test if the validation layer had anything to say. */
void driver_close(struct device *device);

/** A path in the scratch directory; valid until the next call. */
const char *driver_scratch(const char *name);

#endif
