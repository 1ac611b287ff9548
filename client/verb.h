// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_VERB_H
#define FERMATA_CLIENT_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "client/ending.h"
#include "client/remote.h"

/** Most words of a command line, and most settings of a channel that is added. */
#define REQUEST_WORDS 32
#define REQUEST_SETTINGS 32

/** "--composer bach" after "channel add NAME". */
struct request_setting {
    const char *key;
    const char *value;
};

/** What a command line asks for; one verb uses its own part of it. */
struct request {
    const char *channel;
    const char *only; ///< the channel, where one was named; else NULL
    enum remote_bus bus;
    const char *argument;     ///< after the verb, or NULL
    const char *const *words; ///< all after the verb
    size_t word_count;
    struct request_setting settings[REQUEST_SETTINGS];
    size_t setting_count;
    const char *format; ///< of a pipe, or NULL; so are these
    const char *rate;
    const char *channels;
    const char *png;
    double seconds;
    double every; ///< seconds between announcements; 0: once
    bool json, list, live, quiet, stop;
};

/** verb: the one table of what fermatactl can do; help and completions are tested against it. */
struct verb {
    const char *name;
    const char *argument; ///< as help shows it; NULL: takes none
    /** Letters of main.c's options it takes besides -c: e f j l L n p q r s t. */
    const char *options;
    const char *help;    ///< one line
    const char *example; ///< a command line that makes sense, without the "fermatactl "
    enum ending (*run)(const struct verb *verb, const struct request *request);
    const char *property; ///< that it shows and sets; or the method it calls
    bool many;            ///< takes any number of values
    /** The ways to use it, where there are several, each without the "fermatactl " and with a new
     * line behind it; or NULL. */
    const char *ways;
};

struct remote;
typedef enum ending verb_act(const struct verb *verb, const struct request *request,
                             struct remote *remote);

/** Runs `act` with a remote and tells on standard error why it did not succeed. */
enum ending verb_with_remote(const struct verb *verb, const struct request *request, verb_act *act);

extern const struct verb verbs[]; ///< ends with a NULL name

const struct verb *verb_find(const char *name);

/** One verb's help, or that of all for NULL, on standard output. */
void verb_print_help(const struct verb *verb);

#endif
