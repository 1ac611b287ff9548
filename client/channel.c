// SPDX-License-Identifier: MIT
#include "client/channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/remote.h"
#include "client/status.h"
#include "client/verb.h"

static enum ending act_list(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    struct status status;
    enum ending ending = remote_status(remote, &status);
    if (ending != ENDING_OK)
        return ending;
    if (request->json)
        status_print_channels_json(&status, stdout);
    else
        status_print_channels(&status, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ENDING_OK;
    fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(errno));
    return ENDING_OUTPUT;
}

static enum ending act_add(const struct verb *verb, const struct request *request,
                           struct remote *remote)
{
    return remote_add_channel(remote, request->words[1], request->settings, request->setting_count);
}

static enum ending act_remove(const struct verb *verb, const struct request *request,
                              struct remote *remote)
{
    return remote_remove_channel(remote, request->words[1]);
}

enum ending channel_run(const struct verb *verb, const struct request *request)
{
    const char *what = request->argument ? request->argument : "list";
    if (!strcmp(what, "list") && request->word_count <= 1)
        return verb_with_remote(verb, request, act_list);
    bool adds = !strcmp(what, "add");
    if ((adds || !strcmp(what, "remove")) && request->word_count == 2 && !request->json)
        return verb_with_remote(verb, request, adds ? act_add : act_remove);
    fprintf(stderr, "fermatactl: use it as: channel list [--json], channel add NAME [--KEY "
                    "VALUE...], channel remove NAME\n");
    return ENDING_USAGE;
}
