// SPDX-License-Identifier: MIT
#include "control/repertoire.h"

#include <stdio.h>
#include <string.h>

#include "control/generator.h"
#include "control/settings.h"
#include "log.h"
#include "music/seedbook.h"

/** A net or composer of the settings that is not there gives way to one that is. */
static void settle_names(const struct generator *generator, struct settings *settings)
{
    const char *const *offered = generator_composers(generator, settings->net);
    if (!offered) {
        const char *first = generator_net_name(generator, 0);
        log_warning("there is no net %s in %s; playing on %s", settings->net, settings->models,
                    first);
        snprintf(settings->net, sizeof settings->net, "%s", first);
        offered = generator_composers(generator, first);
    }
    for (const char *const *name = offered; *name; name++)
        if (!strcmp(*name, settings->composer))
            return;
    if (!offered[0])
        return;
    log_warning("net %s does not offer composer %s; playing %s", settings->net, settings->composer,
                offered[0]);
    snprintf(settings->composer, sizeof settings->composer, "%s", offered[0]);
}

int repertoire_settle(const struct generator *generator, struct settings *settings,
                      struct seedbook **ret_book)
{
    settle_names(generator, settings);
    const char *family = strrchr(settings->net, '-');
    char path[768];
    snprintf(path, sizeof path, "%s/seeds-%s.txt", settings->models,
             family ? family + 1 : settings->net);
    return seedbook_new(path, ret_book);
}
