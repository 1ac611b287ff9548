// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_RTP_OUTLET_H
#define FERMATA_AUDIO_RTP_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/rtp_address.h"

struct fan;

/**
 * rtp_outlet: sends a channel's music as RTP (RFC 3550, 3551), G.711 of 8 kHz, a packet of 160
 * bytes every 20 ms, and RTCP sender reports every 5 s to the next port. oRTP makes the packets.
 *
 * A network does not hold anybody up, so CLOCK_MONOTONIC paces it: packets are due on a grid of 20
 * ms, and the timestamp is the grid's number, so that it stays true over pauses. While the channel
 * is stopped, and before its first music, nothing is sent; the first packet after that has the
 * marker. What comes too late is silence. Packets that the network does not take are lost; that is
 * logged once until it takes them again.
 *
 * Setters and getters are for the main thread, rtp_outlet_step() for the pump's.
 */
struct rtp_outlet;

#define RTP_OUTLET_PACKET_US 20000
#define RTP_OUTLET_PACKET_BYTES 160

struct rtp_outlet_config {
    struct fan *fan;
    struct rtp_address address;
    uint8_t ttl;         ///< of multicast packets; 0: they stay on this machine
    const char *channel; ///< its name, for the log and RTCP; outlives the outlet
    /** Pump's thread: the tap wants music (performer_wake). */
    void (*on_room)(void *user);
    void *user;
};

/** Begins stopped, at full volume. Returns 0 or -errno, logged. */
int rtp_outlet_new(const struct rtp_outlet_config *config, struct rtp_outlet **ret_outlet);
/** The pump must have let go of it. */
void rtp_outlet_free(struct rtp_outlet *outlet);

/** Fades in or out within 30 ms of music. Wake the pump. */
void rtp_outlet_set_playing(struct rtp_outlet *outlet, bool playing);
/** 0 to 1; see output_set_volume(). */
void rtp_outlet_set_volume(struct rtp_outlet *outlet, double volume);

/** Frames of 48 kHz of silence between music, because it came too late. */
uint64_t rtp_outlet_underruns(const struct rtp_outlet *outlet);

/** Sends what is due. Returns after how many microseconds it wants to be called again if nothing
 * wakes it; INT64_MAX while there is nothing to send. */
int64_t rtp_outlet_step(struct rtp_outlet *outlet, int64_t now_us);

#endif
