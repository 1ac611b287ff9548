// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_PIPE_H
#define FERMATA_CLIENT_PIPE_H

#include "client/ending.h"
#include "client/verb.h"

/**
 * pipe: a channel's music as raw audio on standard output, as a PBX wants it of a feeder.
 *
 * Whole chunks of 40 ms, 200 ms of them ahead in a pipe, and nothing but what the reader takes
 * paces it. It ends, at once, when the reader has gone, or at HUP, INT or TERM; while the reader is
 * there it never does. Where the daemon is away, stalls or refuses, the reader hears what it heard
 * last backwards, fading within a chunk, then very low noise, and music again as soon as there is
 * some; a file is written nothing meanwhile. The bus is a matter of a thread of its own.
 */
enum ending pipe_run(const struct request *request);

#endif
