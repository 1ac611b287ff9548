// SPDX-License-Identifier: MIT
#include "control/offers.h"

#include <string.h>

#include "control/repertoire.h"

static void take_net(struct offers *offers, const struct repertoire_net *net)
{
    offers->licences[offers->net_count] = net->licence;
    offers->nets[offers->net_count++] = net->name;
    if (net->commercial)
        offers->commercial[offers->commercial_count++] = net->name;
    for (const char *const *names = net->composers; *names; names++) {
        size_t k = 0;
        while (k < offers->composer_count && strcmp(offers->composers[k], *names))
            k++;
        if (k == offers->composer_count && k < OFFERS)
            offers->composers[offers->composer_count++] = *names;
    }
}

bool offers_have(const struct offers *offers, const char *key, const char *value)
{
    bool net = !strcmp(key, "net");
    const char *const *names = net ? offers->nets : offers->composers;
    size_t count = net ? offers->net_count : offers->composer_count;
    size_t i = 0;
    if (!net && strcmp(key, "composer") != 0)
        return true;
    while (i < count && strcmp(names[i], value) != 0)
        i++;
    return i < count;
}

bool offers_take(struct offers *offers, const struct repertoire *repertoire)
{
    size_t count = repertoire_count(repertoire);
    if (count == offers->seen)
        return false;
    *offers = (struct offers){.seen = count};
    for (size_t i = 0; i < count && offers->net_count < OFFERS; i++) {
        const struct repertoire_net *net = repertoire_net(repertoire, i);
        if (repertoire_find(repertoire, net->name) == net)
            take_net(offers, net);
    }
    return true;
}
