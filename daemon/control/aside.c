// SPDX-License-Identifier: MIT
#include "control/aside.h"

#include "music/note.h"

#define FIRST_US (60 * NOTE_SECOND)
#define LONGEST_US (16 * FIRST_US)

/** Its place, or `count` where it has none. */
static size_t find(const struct aside *aside, const struct repertoire_net *net)
{
    size_t i = 0;
    while (i < aside->count && aside->of[i].net != net)
        i++;
    return i;
}

void aside_put(struct aside *aside, const struct repertoire_net *net, int64_t now)
{
    size_t at = find(aside, net);
    if (at == ASIDE_NETS)
        return;
    if (at == aside->count) {
        aside->of[at].net = net;
        aside->of[at].wait = FIRST_US;
        aside->count++;
    } else if (aside->of[at].wait < LONGEST_US) {
        aside->of[at].wait *= 2;
    }
    aside->of[at].until = now + aside->of[at].wait;
}

bool aside_holds(const struct aside *aside, const struct repertoire_net *net, int64_t now)
{
    size_t at = find(aside, net);
    return at < aside->count && now < aside->of[at].until;
}

bool aside_knows(const struct aside *aside, const struct repertoire_net *net)
{
    return find(aside, net) < aside->count;
}

void aside_forget(struct aside *aside, const struct repertoire_net *net)
{
    size_t at = find(aside, net);
    if (at < aside->count)
        aside->of[at] = aside->of[--aside->count];
}
