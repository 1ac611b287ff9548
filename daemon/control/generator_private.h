// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_GENERATOR_PRIVATE_H
#define FERMATA_CONTROL_GENERATOR_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/generator.h"
#include "control/stamp.h"

/**
 * generator_private: what generator.c (steps, the thread), generator_seats.c (lanes and their
 * places) and generator_nets.c (the device and the nets on it, by the hand) share. For the
 * generator's thread, but where something else is said.
 */
struct device;
struct hand;
struct net;
struct net_lane;
struct repertoire_net;
struct tune;

#define NETS 32

/** A net of the repertoire, and who plays on it. Each lane keeps its seat, which is its place in
 * the net's batch, as long as it plays on the net. */
struct entry {
    const struct repertoire_net *known;
    struct net *net; ///< NULL: not resident
    uint32_t width;  ///< seats it has, or will have when it is loaded
    struct lane *seats[GENERATOR_LANES];
    /** The same once more, for what is drawn again; NULL: not resident. */
    struct net *sketches;
    struct lane *sketcher; ///< whom it is lent to
    bool no_sketches;      ///< there is no room for it
    bool tuned;            ///< looked at, or not to be
    bool played;           ///< some lane has played on it
    bool wanted;           ///< resident once, so it will be again after a reopening
    double loose;          ///< wider than needed since then; 0: it is not
    double narrow;         ///< could not be made wider: not tried again until then
    struct stamp stamp;    ///< of the file it was loaded from
    struct stamp sketches_stamp;
    bool doubted;  ///< it has failed a lane: once the file is another one it is loaded anew
    double broken; ///< could not be loaded: not tried again until then; 0: can be
};

struct generator {
    char want[128];
    double retry_seconds;
    double next_look;  ///< when files are looked at again, though there is work
    double next_try;   ///< when those that were out of reach are
    struct hand *hand; ///< NULL without the thread: then calls are made where they are wanted
    bool locked;       ///< a step is under way: the lanes' mutex is held
    bool making;       ///< a net is read and made, which takes its time
    struct device *device;
    struct {
        char device[256];
        char driver[256];
    } names[2]; ///< the one of `name` is in use, the other of the device before
    _Atomic unsigned name;
    void (*on_trouble)(void *user);
    void *user;
    struct repertoire *repertoire;
    char first[64]; ///< the net that is to be resident, with room for so many lanes
    uint32_t first_width;
    struct entry nets[NETS];
    size_t net_count;
    struct tune *tune; ///< in work, or NULL
    uint8_t *tokens;   ///< of a run

    pthread_mutex_t lanes_mutex; ///< guards the list; held during a step
    struct lane *lanes[GENERATOR_LANES];

    pthread_mutex_t mutex; ///< guards the flags below; never held for long
    pthread_cond_t condition;
    bool woken;
    size_t count;                           ///< lanes added and not removed
    struct lane *arriving[GENERATOR_LANES]; ///< added, and not in the list yet
    struct lane *leaving[GENERATOR_LANES];  ///< to be taken out of it by the thread
    struct lane *playing[GENERATOR_LANES];  ///< those whose music is played
    bool quit;
    bool running;
    pthread_t thread;

    _Atomic(const char *) trouble;
    _Atomic uint64_t progress;
};

/** Seconds of a clock that does not jump. */
double generator_now(void);

/** Looks after the scores while the hand is busy; see hand_do(). */
void generator_look(void *user, int64_t waited_us);

/** Opens the device and the nets that are wanted, or, where they cannot be loaded, another one.
 * Returns 0 or -errno, and then nothing is open. */
int generator_open(struct generator *generator, const char *want);

/** Frees the nets and the device. */
void generator_close(struct generator *generator);
/** The same by the hand: it may hang. */
void generator_close_gently(struct generator *generator);

/** What is open has the names that the device says. */
void generator_take_names(struct generator *generator);

/** Loads a net. What is wrong with the file, not with the device, marks it as broken. */
int generator_load(struct generator *generator, struct entry *entry);

/** Takes in who was added meanwhile. The lanes are locked. */
void generator_take_arrivals(struct generator *generator);

/** Gives up the seats of those who play on the net no more; `entries` has what each of
 * generator->lanes plays on. Returns how many do play on it; a net that is not resident will have
 * room for them. The lanes are locked. */
uint32_t generator_unseat(struct generator *generator, struct entry *entry,
                          struct entry *const *entries);

/** Seats the others, in a net that is resident; where there is no room, in a wider one, or else
 * they are relieved. Returns 0, or -errno of a device that fails. */
int generator_seat(struct generator *generator, struct entry *entry, struct entry *const *entries);

/** Makes a resident net anew with so many seats. Until that has succeeded it stays as it is. Its
 * lanes' states are lost. Returns 0 or -errno. */
int generator_widen(struct generator *generator, struct entry *entry, uint32_t width);

/** Loads a net once more, for what is drawn again. What is wrong with it, not with the device, is
 * done without it. */
int generator_load_sketches(struct generator *generator, struct entry *entry);

/** Loads a net anew that could not be loaded or has failed, and whose file is another one now;
 * lanes try it at once. Returns 1, 0 where there is none, or -errno of a device that fails. */
int generator_renew_next(struct generator *generator);

/** Takes in a net whose file could not be read, and can be now. Returns 1, or 0 where there is
 * none. */
int generator_look_next(struct generator *generator);

/** Makes entries of the nets that the repertoire has and the generator does not. */
void generator_take_nets(struct generator *generator);

/** Loads one more net while there is time for it, at last those for what is drawn again. Returns 1,
 * 0 where all are there, or -errno of a device that fails. */
int generator_load_next(struct generator *generator);

/** Tries one layout of one net that was never tuned on this device. Returns 1, 0 where there is
 * none to tune, or -errno of a device that fails. */
int generator_tune_next(struct generator *generator);

/** Whether the net waits until its sketches are drawn. Music for files does: every run costs the
 * same however many take part, and who waits for sketches would be missing from one after the
 * other. */
bool generator_waits_for_sketches(const struct generator *generator, const struct entry *entry);

/** One run of what is drawn again of a net's drafts. Returns how many lanes took part, or -errno of
 * a device that fails. */
int generator_step_sketches(struct generator *generator, struct entry *entry);

/** net_adopt(). */
int generator_adopt(struct generator *generator, struct net *net, uint32_t lane, struct net *from,
                    uint32_t from_lane);

/** net_run(), into generator->tokens. */
int generator_run(struct generator *generator, struct net *net, const struct net_lane *inputs);

#endif
