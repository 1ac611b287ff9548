// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_TUNER_H
#define FERMATA_CONTROL_TUNER_H

struct settings;

/**
 * tuner: `fermatad --tune`. Tunes (nets/tune.h) every net that the settings allow on the device
 * that they name, for one channel and for pieces side by side, and prints what it measured and
 * where it is kept, whatever was kept before.
 *
 * Returns 0 or -errno, logged.
 */
int tuner_run(struct settings *settings);

#endif
