// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_FOOTPRINT_H
#define FERMATA_CONTROL_FOOTPRINT_H

#include <stdint.h>

/** footprint: what the process takes of the machine. */

/** Bytes of memory that are resident (proc(5), statm); 0 where that cannot be read. */
int64_t footprint_resident(void);

/** Seconds of CPU time, of all threads, since the process began. */
double footprint_cpu(void);

#endif
