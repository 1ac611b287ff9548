// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_HANDOVER_H
#define FERMATA_NETS_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct form;
struct kernel;

/**
 * handover: gives what a lane of one net keeps from run to run to a lane of another net of the same
 * file on the same device, so that this one goes on as the other would have, to the last bit.
 */
struct handover_end {
    const struct form *form;
    const struct engine *engine;
    uint32_t lane;
};

/** Whether states of the one are laid out as in the other, but for where their lanes lie. */
bool handover_fits(const struct form *a, const struct form *b);

/** Copies, and waits. Where it fails the lane that was to have the state has none. `kernel` belongs
 * to the net of `to`: NULL at first, made when it is wanted. Returns 0, -ENOMEM, -ENODEV,
 * -ETIMEDOUT or -EIO. */
int handover_run(const struct handover_end *from, const struct handover_end *to,
                 struct kernel **kernel);

#endif
