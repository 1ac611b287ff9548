// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_TARGET_H
#define FERMATA_AUDIO_TARGET_H

#include <stdbool.h>

struct pw_core;
struct pw_stream;

/**
 * target: whether the sink that a stream asks for by name is in the PipeWire graph.
 *
 * PipeWire's session manager plays such a stream to another sink meanwhile, and says nothing of it.
 * Lives on the core's loop; no other thread.
 */
struct target;

/**
 * `name`: node.name or serial of the sink; copied. `on_change`: target_is_missed() may have
 * changed. Core and stream outlive it. Returns 0 or -errno.
 */
int target_new(struct pw_core *core, struct pw_stream *stream, const char *name,
               void (*on_change)(void *user), void *user, struct target **ret_target);
void target_free(struct target *target);

/** There is such a sink. */
bool target_is_there(const struct target *target);

/** There is no such sink, and nobody has moved the stream to another one himself. */
bool target_is_missed(const struct target *target);

#endif
