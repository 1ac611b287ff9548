// SPDX-License-Identifier: MIT
#include "stage.h"

#include <string.h>

#include "driver.h"

struct device *device;
struct net *net;

int stage_open(const char *path, uint32_t lanes)
{
    device = driver_open();
    return net_new(device, path, lanes, &net);
}

int stage_close(void **state)
{
    net_free(net);
    net = NULL;
    driver_close(device);
    return 0;
}

int stage_reset(void **state)
{
    for (uint32_t i = 0; i < net_info(net)->lanes; i++)
        net_reset(net, i);
    return 0;
}

struct net_lane lane(uint64_t seed, uint64_t step)
{
    struct net_lane one = {.active = true, .threshold = 0.5f, .seed = seed, .step = step};
    memset(one.control, -1, sizeof one.control);
    return one;
}
