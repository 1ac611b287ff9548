// SPDX-License-Identifier: MIT
#include "control/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/** Written by the handler, in any thread, and read in all that compose. */
static atomic_bool came;

_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "what a signal's handler may write");

static void on_signal(int number)
{
    (void)number;
    came = true;
}

void interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    came = false;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_came(void)
{
    return came;
}
