// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_MANAGER_PARTS_H
#define FERMATA_CONTROL_MANAGER_PARTS_H

#include <stdbool.h>

/**
 * manager_parts: making, watching and ending the manager, for main.c alone; the bus sees
 * manager.h.
 */
struct manager;
struct pw_context;
struct pw_loop;
struct roster;
struct settings;

/**
 * Opens the device, loads the nets and the seeds, makes the channel "main", all as `settings` say,
 * and the others of the roster, and starts the threads. A channel other than "main" that cannot be
 * made is logged and left out. Settings and roster outlive the manager. Returns 0 or -errno,
 * logged. Where `context` is NULL, there is no PipeWire to be.
 */
int manager_new(struct settings *settings, struct roster *roster, struct pw_loop *loop,
                struct pw_context *context, struct manager **ret_manager);
void manager_free(struct manager *manager);

/** Ends the composing. Returns false where a device does not let it end within a second:
 * manager_free() would wait for it. Nothing that is to be kept is lost then. */
bool manager_stop(struct manager *manager);

/** False when a channel is stuck. For the watchdog; call it at regular times. */
bool manager_is_alive(struct manager *manager);

/** Lets the channels play as the settings say ("autostart"). */
void manager_resume(struct manager *manager);

/** Takes over settings that were read again into the roster, and into `settings` of "main" and the
 * daemon: channels that are new are made. What cannot be is logged and stays as it is. */
void manager_apply(struct manager *manager, struct settings *settings);

/** Fades all channels out; done within 100 ms of the loop going on. */
void manager_fade_out(struct manager *manager);

/** Fades out what plays, before the machine sleeps; returns whether anything did. */
bool manager_sleep(struct manager *manager);
/** Lets it play on. */
void manager_wake(struct manager *manager);

#endif
