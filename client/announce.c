// SPDX-License-Identifier: MIT
#include "client/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/remote.h"
#include "client/verb.h"

static enum ending act_stop(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    return remote_call(remote, "StopAnnouncements");
}

static enum ending act_announce(const struct verb *verb, const struct request *request,
                                struct remote *remote)
{
    // Opened here: a daemon of the machine may not read this person's files. O_NONBLOCK, as nobody
    // may be writing into what is a pipe.
    int fd = open(request->argument, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fprintf(stderr, "fermatactl: cannot read %s: %s; give a sound file that is there\n",
                request->argument, strerror(errno));
        return ENDING_USAGE;
    }
    double seconds = 0;
    enum ending ending = remote_announce(remote, fd, (uint32_t)request->every, &seconds);
    close(fd);
    if (ending == ENDING_OK && request->every > 0)
        printf("%s, %.1f s, is announced every %.0f s\n", request->argument, seconds,
               request->every);
    else if (ending == ENDING_OK)
        printf("%s, %.1f s, is announced\n", request->argument, seconds);
    else if (ending == ENDING_REFUSED)
        fprintf(stderr, "fermatactl: %s is not announced\n", request->argument);
    return ending;
}

enum ending announce_run(const struct verb *verb, const struct request *request)
{
    if (request->stop && (request->argument || request->every > 0)) {
        fprintf(stderr, "fermatactl: announce --stop takes no file and no --every\n");
        return ENDING_USAGE;
    }
    if (request->stop)
        return verb_with_remote(verb, request, act_stop);
    if (!request->argument) {
        fprintf(stderr, "fermatactl: announce takes a sound file, or --stop, such as: fermatactl "
                        "announce welcome.wav --every 45s\n");
        return ENDING_USAGE;
    }
    return verb_with_remote(verb, request, act_announce);
}
