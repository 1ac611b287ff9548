// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_RTP_ADDRESS_H
#define FERMATA_AUDIO_RTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/** Room for an address as it is written. */
#define RTP_ADDRESS_ROOM 40

/** rtp_address: whereto a channel is sent as RTP, and in which law. Plain data. */
struct rtp_address {
    char host[16]; ///< IPv4, "239.1.2.3"
    uint16_t port; ///< of RTP; RTCP has the next one
    bool alaw;     ///< else ulaw
};

/** "ADDRESS:PORT", "ADDRESS:PORT/ulaw" or "ADDRESS:PORT/alaw": an IPv4 multicast group or host, in
 * numbers (a name would have to be asked for, and that blocks). Returns 0 or -EINVAL; then *ret_why
 * (static) says what it must be. */
int rtp_address_read(const char *text, struct rtp_address *ret_address, const char **ret_why);

#endif
