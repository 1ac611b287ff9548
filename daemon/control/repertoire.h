// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_REPERTOIRE_H
#define FERMATA_CONTROL_REPERTOIRE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * repertoire: the nets of the models folder, as their files describe them: what they are called,
 * whom they offer, who may use them, and the human phrases and quotes that belong to them. It fits
 * what a person asked to hear to what is there to play it. Knows no device. From any thread; nets
 * may come to those that are there, which never change.
 */
struct repertoire;
struct curator_bounds;
struct quotes;
struct seedbook;
struct settings;

struct repertoire_net {
    char name[64]; ///< the file's, without its ending: "transformer-open"
    char path[768];
    char family[32];              ///< "open"
    char licence[96];             ///< as the file says it
    bool commercial;              ///< licence_is_commercial()
    const char *const *composers; ///< offered; ends with NULL
    const char *stats;            ///< of the human composers, as the file has them; "" or JSON
    /** Phrases of its family (seeds-FAMILY.txt), or NULL where there are none. */
    const struct seedbook *book;
    /** The runs of the music it has learnt from (quotes-NET.safetensors where that is more than its
     * family's, else quotes-FAMILY.safetensors), or NULL. */
    const struct quotes *quotes;
    /** For a net whose file cannot be read: it has the licence of the phrases and the composers of
     * its family, or else of the phrases, and nothing to play on. Once the file can be read,
     * another net of that name is found. */
    bool stands_in;
};

/**
 * Reads the folder. A file that is no net is left out with a warning; so is one that `commercial`
 * forbids. Returns 0; -ENOENT where no net is left, logged with those left out and the remedy;
 * -ENOMEM, or what scandir(3) says. Broken seeds and quotes are done without, with a warning.
 */
int repertoire_new(const char *folder, bool commercial, struct repertoire **ret_repertoire);
/** The same for who can wait: there is something that stands in for each net whose file cannot be
 * read and whose family has phrases that may be played. */
int repertoire_new_patient(const char *folder, bool commercial, struct repertoire **ret_repertoire);
void repertoire_free(struct repertoire *repertoire);

/** Whether something stands in for a net that can still not be read. */
bool repertoire_lacks(const struct repertoire *repertoire);

/** Takes in those whose files are others than when they could not be read; with `all` also those
 * that were not broken, but out of reach. Returns how many nets there are more. From one thread at
 * a time; others may go on reading. */
size_t repertoire_look_again(struct repertoire *repertoire, bool all);

size_t repertoire_count(const struct repertoire *repertoire);
const struct repertoire_net *repertoire_net(const struct repertoire *repertoire, size_t index);
/** NULL: there is none of that name. */
const struct repertoire_net *repertoire_find(const struct repertoire *repertoire, const char *name);

/** Whether there is a net of that name which the licence setting leaves out. */
bool repertoire_forbids(const struct repertoire *repertoire, const char *name);

bool repertoire_offers(const struct repertoire_net *net, const char *composer);

/** What is human for a composer by the net's file; where it does not say, that of any composer. */
void repertoire_bounds(const struct repertoire_net *net, const char *composer,
                       struct curator_bounds *ret_bounds);

/** The net to play on where nobody asked for one: transformer-open, else another of the family
 * "open", else the first; of two alike, not what stands in for one. */
const struct repertoire_net *repertoire_default(const struct repertoire *repertoire);

/** `composer` itself where the net offers it; else the one who is played where nobody asks for one,
 * where the net offers him; else its first one. */
const char *repertoire_fit(const struct repertoire_net *net, const char *composer);

/** A net or composer of the settings that is not there gives way to one that is (logged, and
 * changed in `settings`). Returns 0, or -EINVAL where the command line demanded it. */
int repertoire_settle(const struct repertoire *repertoire, struct settings *settings);

#endif
