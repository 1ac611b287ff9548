// SPDX-License-Identifier: MIT
// What a person asked to hear, fitted to what is there to play it.
#include "control/repertoire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/settings.h"
#include "log.h"

const struct repertoire_net *repertoire_default(const struct repertoire *repertoire)
{
    const struct repertoire_net *best = NULL;
    int most = -1;
    for (size_t i = 0; i < repertoire_count(repertoire); i++) {
        const struct repertoire_net *net = repertoire_net(repertoire, i);
        int merit = 4 * !strcmp(net->name, "transformer-open") + 2 * !strcmp(net->family, "open") +
                    !net->stands_in;
        if (merit > most)
            best = net;
        most = merit > most ? merit : most;
    }
    return best;
}

/** "a, b, c" */
static void list_composers(const struct repertoire_net *net, char ret_text[512])
{
    size_t used = 0;
    *ret_text = '\0';
    for (const char *const *name = net->composers; *name && used < 400; name++)
        used += (size_t)snprintf(ret_text + used, 512 - used, "%s%s", used ? ", " : "", *name);
}

/** Some net's name that offers the composer, or NULL. */
static const char *find_offer(const struct repertoire *repertoire, const char *composer)
{
    for (size_t i = 0; i < repertoire_count(repertoire); i++)
        if (repertoire_offers(repertoire_net(repertoire, i), composer))
            return repertoire_net(repertoire, i)->name;
    return NULL;
}

const char *repertoire_fit(const struct repertoire_net *net, const char *composer)
{
    struct settings defaults;
    settings_init(&defaults);
    if (repertoire_offers(net, composer) || !net->composers[0])
        return composer;
    for (const char *const *name = net->composers; *name; name++)
        if (!strcmp(*name, defaults.composer))
            return *name;
    return net->composers[0];
}

/** A net that is not there gives way to one that is. */
static int settle_net(const struct repertoire *repertoire, struct settings *settings)
{
    const struct repertoire_net *net = repertoire_default(repertoire);
    if (!net)
        return 0; // nothing is there at all
    bool demanded = settings_demands(settings, "net");
    enum log_level level = demanded ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
    bool named = settings->net[0];
    if (repertoire_forbids(repertoire, settings->net))
        log_line(level, "net %s may not be used commercially (licence = any takes it in)%s%s",
                 settings->net, demanded ? "" : "; playing on ", demanded ? "" : net->name);
    else if (named)
        log_line(level, "there is no net %s in %s%s%s", settings->net, settings->models,
                 demanded ? " that can be read; one there is: " : "; playing on ", net->name);
    memcpy(settings->net, net->name, sizeof settings->net);
    return demanded && named ? -EINVAL : 0;
}

int repertoire_settle(const struct repertoire *repertoire, struct settings *settings)
{
    int r = 0;
    if (!repertoire_count(repertoire))
        return 0;
    if (!repertoire_find(repertoire, settings->net))
        r = settle_net(repertoire, settings);
    const struct repertoire_net *net = repertoire_find(repertoire, settings->net);
    const char *fit = repertoire_fit(net, settings->composer);
    if (r < 0 || fit == settings->composer)
        return r;
    if (settings_demands(settings, "composer")) {
        char offered[512];
        const char *other = find_offer(repertoire, settings->composer);
        list_composers(net, offered);
        log_error("net %s does not offer composer %s, but %s%s%s", net->name, settings->composer,
                  offered, other ? "; one that does: " : "", other ? other : "");
        r = -EINVAL;
    } else {
        log_warning("net %s does not offer composer %s; playing %s", net->name, settings->composer,
                    fit);
    }
    snprintf(settings->composer, sizeof settings->composer, "%s", fit);
    return r;
}
