// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_RIVAL_H
#define FERMATA_CONTROL_RIVAL_H

/**
 * rival: whether two channels would send RTP to one place. There both are heard at once, which is a
 * noise; and the port above one is that of its reports. Main thread.
 */
struct channel;
struct manager;

/** A channel other than that of name `channel` which sends to `rtp` ("239.1.2.3:5004"), or to a
 * port beside it, whether it plays or not; NULL: there is none, or `rtp` is no address. */
const struct channel *rival_find(const struct manager *manager, const char *channel,
                                 const char *rtp);

/** Logs a warning for each that has one. */
void rival_warn(const struct manager *manager);

#endif
