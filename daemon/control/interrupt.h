// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_INTERRUPT_H
#define FERMATA_CONTROL_INTERRUPT_H

#include <stdbool.h>

/**
 * interrupt: SIGINT and SIGTERM as a question, for what works in the foreground and wants to end
 * tidily. A second signal ends the process at once.
 */
void interrupt_watch(void);

/** Whether a signal has come since interrupt_watch(). */
bool interrupt_came(void);

#endif
