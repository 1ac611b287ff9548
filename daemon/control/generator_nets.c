// SPDX-License-Identifier: MIT
// The device and the nets on it. Whatever may hang is done by the hand.
#include "control/generator_private.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compute/device.h"
#include "control/hand.h"
#include "control/lane.h"
#include "control/repertoire.h"
#include "log.h"
#include "nets/net.h"
#include "nets/tune.h"
#include "nets/tuning.h"

double generator_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/** Marks a net as one that cannot be loaded, where the fault is not the device's. */
static void judge_load(struct generator *generator, struct entry *entry, int r)
{
    bool again = entry->broken > 0;
    entry->broken = 0;
    if (r != -EBADMSG && r != -ENOENT)
        return;
    entry->broken = generator_now() + generator->retry_seconds;
    if (!again)
        log_error("net %s cannot be loaded; where it is wanted another one plays, and it will be "
                  "tried again",
                  entry->known->name);
}

/** net_new(). What is loaded is not doubted. */
static int load(struct generator *generator, struct entry *entry)
{
    entry->stamp = stamp_of(entry->known->path); // what changes while it is read is another file
    entry->doubted = false;
    return net_new(generator->device, entry->known->path, entry->width, &entry->net);
}

static void unload(struct entry *entry)
{
    net_free(entry->net);
    net_free(entry->sketches);
    entry->net = entry->sketches = NULL;
    entry->sketcher = NULL;
    entry->no_sketches = false;
}

void generator_close(struct generator *generator)
{
    tune_free(generator->tune);
    generator->tune = NULL;
    for (size_t i = 0; i < generator->net_count; i++)
        unload(&generator->nets[i]);
    device_free(generator->device);
    generator->device = NULL;
}

size_t generator_resident(const struct generator *generator)
{
    size_t count = 0;
    for (size_t i = 0; i < generator->net_count; i++)
        count += (generator->nets[i].net != NULL) + (generator->nets[i].sketches != NULL);
    return count;
}

/** What the hand does: a call of net.h or device.h, for an entry. */
struct call {
    struct generator *generator;
    struct entry *entry;
    const struct net_lane *inputs;
    struct net *net;
    struct net *from;
    struct stamp stamp; ///< of the file that `net` was loaded from
    uint32_t lane, from_lane;
    uint32_t width;
    const char *want;
};

static int do_load(void *user)
{
    struct call *call = user;
    return load(call->generator, call->entry);
}

static int do_renew(void *user)
{
    struct call *call = user;
    unload(call->entry);
    return load(call->generator, call->entry);
}

/** Files that are others now; and every so often those that were out of reach. */
static int do_look(void *user)
{
    struct generator *generator = ((struct call *)user)->generator;
    bool all = generator_now() >= generator->next_try;
    if (all)
        generator->next_try = generator_now() + generator->retry_seconds;
    return (int)repertoire_look_again(generator->repertoire, all);
}

static int do_load_sketches(void *user)
{
    struct call *call = user;
    struct entry *entry = call->entry;
    entry->sketches_stamp = stamp_of(entry->known->path);
    return net_new(call->generator->device, entry->known->path, LANE_SKETCH_LANES,
                   &entry->sketches);
}

static int do_widen(void *user)
{
    struct call *call = user;
    call->stamp = stamp_of(call->entry->known->path);
    return net_new(call->generator->device, call->entry->known->path, call->width, &call->net);
}

static int do_free(void *user)
{
    net_free(((struct call *)user)->net);
    return 0;
}

static int do_adopt(void *user)
{
    struct call *call = user;
    return net_adopt(call->net, call->lane, call->from, call->from_lane);
}

static int do_run(void *user)
{
    struct call *call = user;
    return net_run(call->net, call->inputs, call->generator->tokens);
}

static int do_tune(void *user)
{
    struct call *call = user;
    return tune_next(call->generator->tune);
}

static int do_close(void *user)
{
    struct call *call = user;
    generator_close(call->generator);
    return 0;
}

static int do_open(void *user)
{
    struct call *call = user;
    struct generator *generator = call->generator;
    int r = device_new(call->want, &generator->device);
    if (r == 0) {
        repertoire_look_again(generator->repertoire, true);
        generator_take_nets(generator);
    }
    size_t loaded = 0;
    int unread = -EBADMSG;
    for (size_t i = 0; r == 0 && i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (!entry->wanted)
            continue;
        r = load(generator, entry);
        judge_load(generator, entry, r);
        loaded += r == 0;
        if (entry->broken > 0) {
            unread = r;
            r = 0;
        }
    }
    // Another net will do.
    for (size_t i = 0; r == 0 && !loaded && i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (entry->wanted || entry->broken > 0)
            continue;
        r = load(generator, entry);
        judge_load(generator, entry, r);
        loaded = entry->wanted = r == 0;
        r = entry->broken > 0 ? 0 : r;
    }
    if (r == 0 && !loaded)
        r = unread;
    if (r < 0)
        generator_close(generator);
    return r;
}

/** Makes a call by the hand, where there is one. */
static int call(int (*what)(void *user), struct call *how)
{
    struct generator *generator = how->generator;
    if (!generator->hand)
        return what(how);
    generator->making = what == do_load || what == do_renew || what == do_widen ||
                        what == do_load_sketches || what == do_open;
    return hand_do(generator->hand, what, how, generator_look, generator);
}

int generator_load(struct generator *generator, struct entry *entry)
{
    int r = call(do_load, &(struct call){.generator = generator, .entry = entry});
    entry->wanted = r == 0;
    judge_load(generator, entry, r);
    return r;
}

/** Sketches that cannot take over what the lanes' own net has heard are of no use: those of a file
 * that was another one then, or in another form. Returns false where there are none any more. */
static bool look_at_sketches(struct generator *generator, struct entry *entry)
{
    if (!entry->sketches || (net_is_kin(entry->net, entry->sketches) &&
                             stamp_is_same(&entry->stamp, &entry->sketches_stamp)))
        return true;
    call(do_free, &(struct call){.generator = generator, .net = entry->sketches});
    entry->sketches = NULL;
    return false;
}

int generator_widen(struct generator *generator, struct entry *entry, uint32_t width)
{
    struct call widening = {.generator = generator, .entry = entry, .width = width};
    int r = call(do_widen, &widening);
    if (r < 0)
        return r;
    struct net *old = entry->net;
    entry->net = widening.net;
    entry->stamp = widening.stamp;
    entry->width = width;
    log_debug("net %s has room for %u channels", entry->known->name, width);
    call(do_free, &(struct call){.generator = generator, .net = old});
    look_at_sketches(generator, entry);
    entry->no_sketches = false; // they may fit now
    return 0;
}

int generator_load_sketches(struct generator *generator, struct entry *entry)
{
    int r = call(do_load_sketches, &(struct call){.generator = generator, .entry = entry});
    entry->no_sketches = r == -EBADMSG || r == -ENOENT || r == -ENOMEM ||
                         (r == 0 && !look_at_sketches(generator, entry));
    if (entry->no_sketches)
        log_warning(
            "net %s cannot be loaded twice alike: refused drafts are drawn again one by one",
            entry->known->name);
    return entry->no_sketches ? 0 : r;
}

int generator_open(struct generator *generator, const char *want)
{
    return call(do_open, &(struct call){.generator = generator, .want = want});
}

void generator_take_names(struct generator *generator)
{
    static const struct device_info none = {.name = "none", .driver = "none"};
    const struct device_info *info = generator->device ? device_info(generator->device) : &none;
    unsigned next = !generator->name;
    snprintf(generator->names[next].device, sizeof generator->names[next].device, "%s", info->name);
    snprintf(generator->names[next].driver, sizeof generator->names[next].driver, "%s",
             info->driver);
    atomic_store(&generator->name, next);
}

/** Lanes may play on a net again that they had given up, and those that play on it are to prime it.
 */
static void welcome(struct generator *generator, const struct entry *entry)
{
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        if (generator->lanes[i])
            lane_welcome(generator->lanes[i], entry->known);
    pthread_mutex_unlock(&generator->lanes_mutex);
}

void generator_take_nets(struct generator *generator)
{
    size_t count = repertoire_count(generator->repertoire);
    while (generator->net_count < count && generator->net_count < NETS) {
        struct entry *entry = &generator->nets[generator->net_count];
        entry->known = repertoire_net(generator->repertoire, generator->net_count++);
        entry->wanted = !entry->known->stands_in && !strcmp(entry->known->name, generator->first);
        entry->width = entry->wanted ? generator->first_width : 1;
        // There is nothing to load. Once there is, that is another entry.
        entry->broken = entry->known->stands_in ? INFINITY : 0;
    }
}

int generator_look_next(struct generator *generator)
{
    if (!repertoire_lacks(generator->repertoire) ||
        !call(do_look, &(struct call){.generator = generator}))
        return 0;
    generator_take_nets(generator);
    if (generator->on_trouble) // the names are others
        generator->on_trouble(generator->user);
    return 1;
}

int generator_renew_next(struct generator *generator)
{
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (entry->known->stands_in || (!entry->broken && !(entry->doubted && entry->net)))
            continue;
        struct stamp now = stamp_of(entry->known->path);
        if (!now.inode || stamp_is_same(&now, &entry->stamp))
            continue;
        log_notice("net %s could not be played, but its file %s is another one now: it is loaded "
                   "anew",
                   entry->known->name, entry->known->path);
        int r = call(do_renew, &(struct call){.generator = generator, .entry = entry});
        entry->wanted = entry->wanted || r == 0;
        judge_load(generator, entry, r);
        welcome(generator, entry);
        return r < 0 && entry->broken == 0 ? r : 1;
    }
    return 0;
}

int generator_load_next(struct generator *generator)
{
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (entry->net || entry->broken > generator_now())
            continue;
        int r = generator_load(generator, entry);
        return r < 0 && entry->broken == 0 ? r : 1;
    }
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (!entry->net || !entry->played || entry->sketches || entry->no_sketches)
            continue;
        int r = generator_load_sketches(generator, entry);
        return r < 0 ? r : 1;
    }
    return 0;
}

bool generator_is_on_cpu(const struct generator *generator)
{
    return generator->device && device_info(generator->device)->kind == DEVICE_CPU;
}

/** Whether the daemon tunes by itself. The usual layout is what was measured on CPUs, and one of
 * them has better things to do. FERMATA_TUNE=always or =never in the environment says otherwise. */
static bool tunes_itself(const struct generator *generator)
{
    const char *wish = getenv("FERMATA_TUNE");
    if (wish && (!strcmp(wish, "always") || !strcmp(wish, "never")))
        return !strcmp(wish, "always");
    return !generator_is_on_cpu(generator);
}

int generator_tune_next(struct generator *generator)
{
    size_t i = 0;
    while (i < generator->net_count && (generator->nets[i].tuned || !generator->nets[i].net))
        i++;
    if (i == generator->net_count || !tunes_itself(generator))
        return 0;
    struct entry *entry = &generator->nets[i];
    const char *path = entry->known->path;
    struct net_layout layout = net_layout(entry->net);
    struct tuning_layout known;
    int r = 0;
    if (layout.texel &&
        (generator->tune || !tuning_find(generator->device, path, layout.most, &known))) {
        if (!generator->tune)
            r = tune_new(generator->device, path, entry->width, &generator->tune);
        if (r == 0)
            r = call(do_tune, &(struct call){.generator = generator});
    }
    if (r > 0)
        return 1;
    entry->tuned = true;
    tune_free(generator->tune);
    generator->tune = NULL;
    return r < 0 && device_is_lost(generator->device) ? r : 1;
}

int generator_adopt(struct generator *generator, struct net *net, uint32_t lane, struct net *from,
                    uint32_t from_lane)
{
    return call(do_adopt, &(struct call){.generator = generator,
                                         .net = net,
                                         .lane = lane,
                                         .from = from,
                                         .from_lane = from_lane});
}

int generator_run(struct generator *generator, struct net *net, const struct net_lane *inputs)
{
    return call(do_run, &(struct call){.generator = generator, .net = net, .inputs = inputs});
}

void generator_close_gently(struct generator *generator)
{
    call(do_close, &(struct call){.generator = generator});
}
