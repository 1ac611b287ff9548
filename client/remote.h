// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_REMOTE_H
#define FERMATA_CLIENT_REMOTE_H

#include <stddef.h>
#include <stdint.h>

#include "client/ending.h"
#include "client/status.h"

/**
 * remote: the daemon, seen over the session bus or the system bus. Connects when first needed;
 * every call blocks, for a few seconds at most once the daemon runs.
 *
 * Each function returns how fermatactl should end if that was its purpose: ENDING_OK,
 * ENDING_REFUSED or ENDING_UNREACHABLE, and then remote_why() says what was wrong and what to do.
 */
struct remote;
struct request_setting;

/** On which bus the daemon is looked for. */
enum remote_bus {
    /** Where it runs, the session bus first; where it runs on neither, the one that can start it.
     */
    REMOTE_ANY,
    REMOTE_SESSION, ///< the user's own
    REMOTE_SYSTEM,  ///< the machine's, fermatad --system
};

/** `channel`: the name of the channel that calls are for; it outlives the remote. Returns 0 or
 * -ENOMEM. */
int remote_new(const char *channel, enum remote_bus bus, struct remote **ret_remote);
void remote_free(struct remote *remote);

/** From now on a daemon that does not run is not started by a call. */
void remote_do_not_start(struct remote *remote);

/** Why the last call did not succeed. */
const char *remote_why(const struct remote *remote);

/** Fills in everything. ENDING_REFUSED where there is no such channel. */
enum ending remote_status(struct remote *remote, struct status *ret_status);

/** Calls a method of the channel that takes and gives nothing. */
enum ending remote_call(struct remote *remote, const char *method);

enum ending remote_set_text(struct remote *remote, const char *property, const char *value);
enum ending remote_set_number(struct remote *remote, const char *property, double value);
enum ending remote_set_switch(struct remote *remote, const char *property, bool value);
enum ending remote_set_seconds(struct remote *remote, const char *property, uint32_t value);

/** Makes a channel with settings ("piece-length", "2-5"), or ends one. */
enum ending remote_add_channel(struct remote *remote, const char *name,
                               const struct request_setting *settings, size_t count);
enum ending remote_remove_channel(struct remote *remote, const char *name);

/** What the channel does by itself, and when: "Mon..Fri 18:00 composer=debussy". */
#define REMOTE_ENTRIES 32
struct remote_entry {
    char text[256];
    uint64_t next; ///< seconds since 1970; 0: never again
};
enum ending remote_schedule(struct remote *remote, struct remote_entry ret_entries[REMOTE_ENTRIES],
                            size_t *ret_count);
/** `method`: "AddSchedule" or "RemoveSchedule". */
enum ending remote_change_schedule(struct remote *remote, const char *method, const char *entry);

/** Has the channel continue the `size` bytes of a MIDI file; answers what the piece begins with. */
/** Has the channel announce a sound file, again every so many seconds where that is not 0; tells
 * how long it lasts. The descriptor stays the caller's. */
enum ending remote_announce(struct remote *remote, int fd, uint32_t every, double *ret_seconds);

enum ending remote_continue(struct remote *remote, const void *midi, size_t size,
                            uint32_t *ret_notes, double *ret_seconds);

/** The last `seconds` of the channel as a file of the form `ending` (".mid"): *ret_fd, the caller's
 * to close, gives it; *ret_length is how many seconds it has. */
enum ending remote_keep(struct remote *remote, double seconds, const char *ending, int *ret_fd,
                        double *ret_length);

/** A reading end of a pipe with the channel's music, the caller's to close. */
enum ending remote_open_pipe(struct remote *remote, const char *format, uint32_t rate,
                             uint32_t channels, uint32_t ahead_ms, int *ret_fd);

/** A reading end of the channel's feed, the caller's to close. */
enum ending remote_open_feed(struct remote *remote, int *ret_fd);

#endif
