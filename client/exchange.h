// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_EXCHANGE_H
#define FERMATA_CLIENT_EXCHANGE_H

#include "client/ending.h"

/** exchange: the verbs that pass music between files and the daemon. */
struct remote;
struct request;
struct verb;

/** Writes the last seconds of the channel to the file that is named. */
enum ending exchange_keep(const struct verb *verb, const struct request *request);

/** What of a message is needed to hold a path. */
#define EXCHANGE_ROOM 1024

/** Writes the last `seconds` to `path`, whose ending says in which form. `ret_said` gets what to
 * tell the person; "" where remote_why() says it. */
enum ending exchange_write(struct remote *remote, double seconds, const char *path,
                           char ret_said[EXCHANGE_ROOM]);

/** Has the channel begin a piece with the MIDI file that is the argument, and go on from it. */
enum ending exchange_seed(const struct verb *verb, const struct request *request);

#endif
