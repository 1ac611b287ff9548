// SPDX-License-Identifier: MIT
#include "control/repertoire.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/licence.h"
#include "control/stamp.h"
#include "log.h"
#include "music/curator.h"
#include "music/quotes.h"
#include "music/seedbook.h"
#include "nets/safetensors.h"
#include "nets/words.h"

#define NETS 32
#define ENDING ".safetensors"
#define QUOTES "quotes-"

struct family {
    char name[32];
    struct seedbook *book; ///< NULL: none there
    struct quotes *quotes; ///< the same
};

struct repertoire {
    char *folder;
    bool commercial;
    struct repertoire_net nets[NETS]; ///< those below `count` never change
    struct words *composers[NETS];
    const char **lists[NETS];
    char *stats[NETS];
    struct quotes *quotes[NETS]; ///< of a net that has learnt from more than its family has
    struct stamp tried[NETS];    ///< of a stand-in: its file, when it could not be read
    bool again[NETS];            ///< the same: nothing was wrong with what could be read of it
    _Atomic size_t count;
    struct family families[NETS];
    size_t family_count;
    bool made;
    char forbidden[NETS][64]; ///< names of the nets that the licence setting leaves out
    size_t forbidden_count;
    char forbidden_list[512]; ///< the same with their licences, for people
};

static int is_net(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && !strcmp(dot, ENDING) &&
           strncmp(entry->d_name, QUOTES, strlen(QUOTES)) != 0;
}

static const char *metadata(const struct safetensors *file, const char *key)
{
    const char *text = safetensors_metadata(file, key);
    return text ? text : "";
}

/** The list of composers, ended with NULL, of net number `index`. */
static int take_composers(struct repertoire *repertoire, size_t index,
                          const struct safetensors *file)
{
    struct words *words = NULL;
    const char *offered = safetensors_metadata(file, "offered");
    int r = words_parse(offered ? offered : metadata(file, "composers"), &words);
    if (r == -EBADMSG)
        log_warning("left out net %s: its metadata names no composers", safetensors_path(file));
    if (r < 0)
        return r;
    const char **list = calloc(words->count + 1, sizeof *list);
    if (!list) {
        words_free(words);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < words->count; i++)
        list[i] = words->words[i];
    repertoire->composers[index] = words;
    repertoire->lists[index] = list;
    repertoire->nets[index].composers = list;
    return 0;
}

static int take_stats(struct repertoire *repertoire, struct repertoire_net *net,
                      const struct safetensors *file)
{
    char **place = &repertoire->stats[repertoire->count];
    free(*place); // of a net that was left out after all
    *place = strdup(metadata(file, "stats"));
    net->stats = *place;
    return *place ? 0 : -ENOMEM;
}

/** The music goes on without them as well. */
static int read_book(const struct repertoire *repertoire, struct family *family)
{
    char path[768];
    snprintf(path, sizeof path, "%s/seeds-%s.txt", repertoire->folder, family->name);
    FILE *there = fopen(path, "re");
    if (!there)
        return 0;
    fclose(there);
    int r = seedbook_new(path, &family->book);
    if (r < 0 && r != -ENOMEM)
        log_warning("no human phrases for the nets of the family %s: they begin on their own, and "
                    "nothing but what was played stands in for them; install the file of this "
                    "version",
                    family->name);
    return r == -ENOMEM ? r : 0;
}

static int make_quotes(const struct safetensors *file, struct quotes **ret_quotes)
{
    const struct safetensors_tensor *filter = safetensors_find(file, "filter");
    const char *reference = metadata(file, "reference");
    struct curator_reference any;
    if (!filter || filter->type != SAFETENSORS_U8 ||
        strcmp(metadata(file, "format"), "fermata-quotes-1") != 0 ||
        curator_reference_parse(reference, "any", &any) < 0)
        return -EBADMSG;
    return quotes_new(filter->data, filter->size,
                      (unsigned)strtoul(metadata(file, "hashes"), NULL, 10), reference, ret_quotes);
}

/** Of a family or a net of that name; the music goes on without them. */
static int read_quotes(const char *path, const char *name, struct quotes **ret_quotes)
{
    struct safetensors *file;
    int r = safetensors_new(path, &file);
    if (r == 0) {
        r = make_quotes(file, ret_quotes);
        safetensors_free(file);
        if (r == -EBADMSG)
            log_warning("%s holds no quotes: it keeps nothing of \"%s\" from copying; install the "
                        "file of this version",
                        path, name);
    }
    return r == -ENOMEM ? r : 0;
}

static int read_family_quotes(const struct repertoire *repertoire, struct family *family)
{
    char path[768];
    snprintf(path, sizeof path, "%s/" QUOTES "%s" ENDING, repertoire->folder, family->name);
    if (access(path, R_OK) == 0)
        return read_quotes(path, family->name, &family->quotes);
    log_warning("no quotes of the family %s (%s: %s): nothing keeps its nets from copying; "
                "install the file beside them",
                family->name, path, strerror(errno));
    return 0;
}

/** Of a net that has learnt from more than its family has, those of its own in their place. */
static int take_quotes(struct repertoire *repertoire, struct repertoire_net *net)
{
    char path[768];
    struct quotes **place = &repertoire->quotes[repertoire->count];
    snprintf(path, sizeof path, "%s/" QUOTES "%s" ENDING, repertoire->folder, net->name);
    quotes_free(*place); // of a net that was left out after all
    *place = NULL;
    int r = access(path, F_OK) == 0 ? read_quotes(path, net->name, place) : 0;
    if (*place)
        net->quotes = *place;
    return r;
}

/** Gives the net what belongs to its family, read once. */
static int take_family(struct repertoire *repertoire, struct repertoire_net *net)
{
    struct family *family = NULL;
    for (size_t i = 0; !family && i < repertoire->family_count; i++)
        if (!strcmp(repertoire->families[i].name, net->family))
            family = &repertoire->families[i];
    if (!family) {
        family = &repertoire->families[repertoire->family_count];
        memcpy(family->name, net->family, sizeof family->name);
        int r = read_book(repertoire, family);
        if (r == 0)
            r = read_family_quotes(repertoire, family);
        if (r < 0)
            return r;
        repertoire->family_count++;
    }
    net->book = family->book;
    net->quotes = family->quotes;
    return 0;
}

/** Of the place for the next net: what its file is called. */
static int name_net(struct repertoire *repertoire, const char *file_name,
                    struct repertoire_net **ret_net)
{
    struct repertoire_net *net = &repertoire->nets[repertoire->count];
    int length = (int)(strlen(file_name) - strlen(ENDING));
    if (repertoire->count == NETS || length >= (int)sizeof net->name) {
        log_warning("left out net %s: more than %d nets, or too long a name", file_name, NETS);
        return -ENOSPC;
    }
    *net = (struct repertoire_net){.name = ""};
    snprintf(net->name, sizeof net->name, "%.*s", length, file_name);
    snprintf(net->path, sizeof net->path, "%s/%s", repertoire->folder, file_name);
    const char *dash = strrchr(net->name, '-');
    snprintf(net->family, sizeof net->family, "%s", dash ? dash + 1 : net->name);
    *ret_net = net;
    return 0;
}

/** Whether it may be played. */
static bool take_licence(const struct repertoire *repertoire, struct repertoire_net *net,
                         const char *licence)
{
    snprintf(net->licence, sizeof net->licence, "%s", *licence ? licence : "none stated");
    net->commercial = licence_is_commercial(licence);
    return net->commercial || !repertoire->commercial;
}

static void forbid(struct repertoire *repertoire, const struct repertoire_net *net)
{
    size_t used = strlen(repertoire->forbidden_list);
    if (!repertoire_forbids(repertoire, net->name) && repertoire->forbidden_count < NETS)
        memcpy(repertoire->forbidden[repertoire->forbidden_count++], net->name, sizeof net->name);
    if (repertoire->made)
        log_warning("net %s (%s) may not be used commercially and is left out", net->name,
                    net->licence);
    else
        snprintf(repertoire->forbidden_list + used, sizeof repertoire->forbidden_list - used,
                 "%s%s (%s)", used ? ", " : "", net->name, net->licence);
}

/** Takes one file in, or leaves it out. Returns 0 also for what is left out, and a positive errno
 * for what cannot be read. */
static int take_net(struct repertoire *repertoire, const char *file_name)
{
    struct repertoire_net *net;
    struct safetensors *file;
    if (name_net(repertoire, file_name, &net) < 0)
        return 0;
    int r = safetensors_new(net->path, &file);
    if (r < 0)
        return r == -ENOMEM ? r : -r;
    const char *family = metadata(file, "family");
    if (*family)
        snprintf(net->family, sizeof net->family, "%s", family);
    if (take_licence(repertoire, net, metadata(file, "licence"))) {
        r = take_composers(repertoire, repertoire->count, file);
        if (r == 0)
            r = take_stats(repertoire, net, file);
        if (r == 0)
            r = take_family(repertoire, net);
        if (r == 0)
            r = take_quotes(repertoire, net);
        if (r == 0)
            repertoire->count++;
        else if (r == -EBADMSG && !net->composers)
            r = 0;
    } else {
        forbid(repertoire, net);
    }
    safetensors_free(file);
    return r;
}

/** The composers of a net of that family that can be read; NULL: there is none. */
static const char *const *composers_of(const struct repertoire *repertoire, const char *family)
{
    for (size_t i = 0; i < repertoire->count; i++)
        if (!repertoire->nets[i].stands_in && !strcmp(repertoire->nets[i].family, family))
            return repertoire->nets[i].composers;
    return NULL;
}

/** Something of that name, with nothing to play on but the phrases of its family, where they may be
 * played. `why` it cannot be read. */
static int take_stand_in(struct repertoire *repertoire, const char *file_name, int why)
{
    struct repertoire_net *net;
    if (name_net(repertoire, file_name, &net) < 0)
        return 0;
    size_t index = repertoire->count;
    char seeds[768];
    snprintf(seeds, sizeof seeds, "%s/seeds-%s.txt", repertoire->folder, net->family);
    if (access(seeds, R_OK) < 0)
        return 0;
    repertoire->tried[index] = stamp_of(net->path);
    repertoire->again[index] = why != EBADMSG;
    int r = take_family(repertoire, net);
    if (r < 0 || !net->book || !seedbook_composers(net->book)[0])
        return r;
    if (!take_licence(repertoire, net, seedbook_licence(net->book))) {
        forbid(repertoire, net);
        return 0;
    }
    net->composers = composers_of(repertoire, net->family);
    if (!net->composers)
        net->composers = seedbook_composers(net->book);
    net->stats = "";
    net->stands_in = true;
    repertoire->count++;
    log_warning("net %s cannot be read; where it is wanted something else plays until it can",
                net->name);
    return 0;
}

/** Logs why there is no net. */
static int tell_none(const struct repertoire *repertoire)
{
    if (repertoire->forbidden_list[0])
        log_error(
            "no net in %s may be used commercially; left out: %s; where no business is "
            "done with the music, set `licence = any` (or FERMATA_LICENCE=any, --licence any)",
            repertoire->folder, repertoire->forbidden_list);
    else
        log_error("no net that can be read (*%s) in %s; set `models` to the folder that holds them",
                  ENDING, repertoire->folder);
    return -ENOENT;
}

static int take_all(struct repertoire *repertoire, bool patient)
{
    struct dirent **found;
    int n = scandir(repertoire->folder, &found, is_net, alphasort);
    if (n < 0) {
        int r = -errno;
        log_error("cannot read the folder of nets %s: %s; set `models` to the right one",
                  repertoire->folder, strerror(errno));
        return r;
    }
    int r = 0;
    int *unread = calloc((size_t)n + 1, sizeof *unread);
    if (!unread)
        r = -ENOMEM;
    for (int i = 0; i < n && r == 0; i++) {
        int taken = take_net(repertoire, found[i]->d_name);
        if (taken > 0)
            unread[i] = taken;
        else
            r = taken;
    }
    bool none = repertoire->count == 0;
    for (int i = 0; i < n && r == 0 && patient; i++)
        if (unread[i])
            r = take_stand_in(repertoire, found[i]->d_name, unread[i]);
    for (int i = 0; i < n; i++)
        free(found[i]);
    free(found);
    free(unread);
    if (r == 0 && repertoire->count == 0)
        return tell_none(repertoire);
    if (r == 0 && none)
        log_error("no net in %s can be read; human phrases are played until one can: install the "
                  "files of this version",
                  repertoire->folder);
    return r;
}

static int make(const char *folder, bool commercial, bool patient,
                struct repertoire **ret_repertoire)
{
    struct repertoire *repertoire = calloc(1, sizeof *repertoire);
    if (!repertoire)
        return -ENOMEM;
    repertoire->commercial = commercial;
    repertoire->folder = strdup(folder);
    int r = repertoire->folder ? take_all(repertoire, patient) : -ENOMEM;
    if (r < 0) {
        repertoire_free(repertoire);
        return r;
    }
    if (repertoire->forbidden_list[0])
        log_info("nets left out because they are non-commercial: %s (licence = any takes them in)",
                 repertoire->forbidden_list);
    repertoire->made = true;
    *ret_repertoire = repertoire;
    return 0;
}

int repertoire_new(const char *folder, bool commercial, struct repertoire **ret_repertoire)
{
    return make(folder, commercial, false, ret_repertoire);
}

int repertoire_new_patient(const char *folder, bool commercial, struct repertoire **ret_repertoire)
{
    return make(folder, commercial, true, ret_repertoire);
}

/** Of the stand-ins, whether this is one whose net is still lacking. */
static bool lacks(const struct repertoire *repertoire, const struct repertoire_net *net)
{
    return net->stands_in && repertoire_find(repertoire, net->name) == net;
}

bool repertoire_lacks(const struct repertoire *repertoire)
{
    for (size_t i = 0; i < repertoire->count; i++)
        if (lacks(repertoire, &repertoire->nets[i]))
            return true;
    return false;
}

size_t repertoire_look_again(struct repertoire *repertoire, bool all)
{
    size_t before = repertoire->count;
    for (size_t i = 0; i < before; i++) {
        const struct repertoire_net *net = &repertoire->nets[i];
        if (!lacks(repertoire, net))
            continue;
        struct stamp now = stamp_of(net->path);
        if (!now.inode ||
            (stamp_is_same(&now, &repertoire->tried[i]) && !(all && repertoire->again[i])))
            continue;
        char file_name[sizeof net->name + sizeof ENDING];
        snprintf(file_name, sizeof file_name, "%s" ENDING, net->name);
        repertoire->tried[i] = now;
        int r = take_net(repertoire, file_name);
        repertoire->again[i] = r > 0 && r != EBADMSG;
        if (!lacks(repertoire, net))
            log_notice("net %s can be read now", net->name);
    }
    return repertoire->count - before;
}

void repertoire_free(struct repertoire *repertoire)
{
    if (!repertoire)
        return;
    for (size_t i = 0; i < NETS; i++) {
        words_free(repertoire->composers[i]);
        free(repertoire->lists[i]);
        free(repertoire->stats[i]);
        quotes_free(repertoire->quotes[i]);
        seedbook_free(repertoire->families[i].book);
        quotes_free(repertoire->families[i].quotes);
    }
    free(repertoire->folder);
    free(repertoire);
}

size_t repertoire_count(const struct repertoire *repertoire)
{
    return repertoire->count;
}

const struct repertoire_net *repertoire_net(const struct repertoire *repertoire, size_t index)
{
    return &repertoire->nets[index];
}

const struct repertoire_net *repertoire_find(const struct repertoire *repertoire, const char *name)
{
    // What stood in for it came before it.
    for (size_t i = repertoire->count; i-- > 0;)
        if (!strcmp(repertoire->nets[i].name, name))
            return &repertoire->nets[i];
    return NULL;
}

bool repertoire_forbids(const struct repertoire *repertoire, const char *name)
{
    for (size_t i = 0; i < repertoire->forbidden_count; i++)
        if (!strcmp(repertoire->forbidden[i], name))
            return true;
    return false;
}

bool repertoire_offers(const struct repertoire_net *net, const char *composer)
{
    for (const char *const *name = net->composers; *name; name++)
        if (!strcmp(*name, composer))
            return true;
    return false;
}

void repertoire_bounds(const struct repertoire_net *net, const char *composer,
                       struct curator_bounds *ret_bounds)
{
    if (curator_bounds_parse(net->stats, composer, ret_bounds) < 0)
        *ret_bounds = curator_any_bounds;
}
