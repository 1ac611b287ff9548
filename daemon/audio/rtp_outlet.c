// SPDX-License-Identifier: MIT
#include "audio/rtp_outlet.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ortp/ortp.h>

#include "audio/converter.h"
#include "audio/fader.h"
#include "audio/fan.h"
#include "audio/ring.h"
#include "audio/synth.h"
#include "log.h"

/** It begins with half of it, and wants five eighths: 427 ms. No packet can wait, so also beside a
 * pipe, where it may be two slacks less, there is more than what a late pump sends at once
 * (MOST_LATE_US); and as late may the performer be. */
#define RING_FRAMES 32768
#define WANTED_FRAMES (RING_FRAMES / 8 * 5)
#define SLACK_FRAMES (RING_FRAMES / 8)
#define RATE 8000
/** Kept for a fade out: 5 ms. */
#define GUARD 240
/** Packets that are later than that (the machine slept) are left out, not sent in a burst. */
#define MOST_LATE_US 200000
#define PAYLOAD_ULAW 0
#define PAYLOAD_ALAW 8

struct rtp_outlet {
    struct rtp_outlet_config config;
    struct tap *tap;
    struct converter *converter;
    RtpSession *session;
    bool has_ortp;
    uint32_t offset; // of the timestamps
    atomic_bool playing;

    // The pump's.
    struct fader fader;
    bool sending;
    bool marked; // the next packet is
    bool lost;   // the network does not take them
    int64_t due;
    size_t filled; // of `bytes`
    uint8_t bytes[];
};

/** What is wrong is told in our own words, once. */
static void on_log(const char *domain, OrtpLogLevel level, const char *format, va_list arguments)
{
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    log_debug("oRTP: %s", text);
}

static int open_session(struct rtp_outlet *outlet)
{
    const struct rtp_address *address = &outlet->config.address;
    uint16_t number;
    if (getrandom(&outlet->offset, sizeof outlet->offset, 0) < 0 ||
        getrandom(&number, sizeof number, 0) < 0)
        return -errno;
    // Where a unit does not allow it, oRTP would not say why.
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -errno;
    close(probe);
    ortp_set_log_handler(on_log);
    ortp_init();
    outlet->has_ortp = true;
    outlet->session = rtp_session_new(RTP_SESSION_SENDONLY);
    if (!outlet->session)
        return -ENOMEM;
    RtpSession *session = outlet->session;
    rtp_session_set_scheduling_mode(session, FALSE);
    rtp_session_set_blocking_mode(session, FALSE);
    rtp_session_set_symmetric_rtp(session, FALSE);
    rtp_session_set_payload_type(session, address->alaw ? PAYLOAD_ALAW : PAYLOAD_ULAW);
    rtp_session_set_seq_number(session, number);
    if (rtp_session_set_local_addr(session, "0.0.0.0", -1, -1) != 0)
        return -EADDRNOTAVAIL;
    // A PBX on this machine is a listener, too.
    rtp_session_set_multicast_loopback(session, TRUE);
    rtp_session_set_multicast_ttl(session, outlet->config.ttl);
    if (rtp_session_set_remote_addr_and_port(session, address->host, address->port,
                                             address->port + 1) != 0)
        return -EADDRNOTAVAIL;
    char host[64] = "localhost";
    char name[128];
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "%s@%s", outlet->config.channel, host);
    rtp_session_set_source_description(session, name, "Fermata", NULL, NULL, NULL, "Fermata", NULL);
    return 0;
}

int rtp_outlet_new(const struct rtp_outlet_config *config, struct rtp_outlet **ret_outlet)
{
    struct converter *converter;
    int r = converter_new(converter_format(config->address.alaw ? "alaw" : "ulaw"), RATE, 1,
                          &converter);
    if (r < 0)
        return r;
    struct rtp_outlet *outlet =
        calloc(1, sizeof *outlet + RTP_OUTLET_PACKET_BYTES + converter_room(converter));
    if (!outlet) {
        converter_free(converter);
        return -ENOMEM;
    }
    outlet->config = *config;
    outlet->converter = converter;
    atomic_init(&outlet->playing, false);
    r = fan_add(config->fan, RING_FRAMES, NULL, NULL, &outlet->tap);
    if (r == 0) {
        tap_want(outlet->tap, WANTED_FRAMES);
        tap_set_slack(outlet->tap, SLACK_FRAMES);
        fader_init(&outlet->fader, tap_ring(outlet->tap));
        outlet->fader.guard = GUARD;
        r = open_session(outlet);
    }
    if (r < 0) {
        log_error("channel %s: cannot make an RTP stream to %s:%u: %s; raise the limit of open "
                  "files, or see whether sockets are allowed",
                  config->channel, config->address.host, config->address.port, strerror(-r));
        rtp_outlet_free(outlet);
        return r;
    }
    *ret_outlet = outlet;
    return 0;
}

void rtp_outlet_free(struct rtp_outlet *outlet)
{
    if (!outlet)
        return;
    if (outlet->session)
        rtp_session_destroy(outlet->session);
    if (outlet->has_ortp)
        ortp_exit();
    if (outlet->tap)
        fan_remove(outlet->config.fan, outlet->tap);
    converter_free(outlet->converter);
    free(outlet);
}

void rtp_outlet_set_playing(struct rtp_outlet *outlet, bool playing)
{
    atomic_store(&outlet->playing, playing);
    fader_set_playing(&outlet->fader, playing);
    tap_set_active(outlet->tap, playing);
}

void rtp_outlet_set_volume(struct rtp_outlet *outlet, double volume)
{
    double clamped = fmin(fmax(volume, 0.0), 1.0);
    fader_set_volume(&outlet->fader, (float)(clamped * clamped * clamped));
}

uint64_t rtp_outlet_underruns(const struct rtp_outlet *outlet)
{
    return fader_underruns(&outlet->fader);
}

static void note_loss(struct rtp_outlet *outlet, int error)
{
    const struct rtp_address *address = &outlet->config.address;
    // A full queue of the network card is no news.
    if (error == EAGAIN || error == ENOBUFS || (error != 0) == outlet->lost)
        return;
    outlet->lost = error != 0;
    if (outlet->lost)
        log_warning(
            "channel %s: cannot send RTP to %s:%u: %s; trying on (is there a route? ip route "
            "get %s)",
            outlet->config.channel, address->host, address->port, strerror(error), address->host);
    else
        log_info("channel %s: RTP goes to %s:%u again", outlet->config.channel, address->host,
                 address->port);
}

static void send_packet(struct rtp_outlet *outlet)
{
    mblk_t *packet = rtp_session_create_packet(outlet->session, RTP_FIXED_HEADER_SIZE,
                                               outlet->bytes, RTP_OUTLET_PACKET_BYTES);
    if (!packet)
        return;
    rtp_set_markbit(packet, outlet->marked);
    outlet->marked = false;
    uint32_t number = (uint32_t)(outlet->due / RTP_OUTLET_PACKET_US);
    rtp_session_clear_send_error_code(outlet->session);
    int sent = rtp_session_sendm_with_ts(outlet->session, packet,
                                         outlet->offset + number * RTP_OUTLET_PACKET_BYTES);
    int error = rtp_session_get_last_send_error_code(outlet->session);
    note_loss(outlet, sent < 0 ? (error ? error : EIO) : 0);
}

static void fill_packet(struct rtp_outlet *outlet)
{
    float block[2 * CONVERTER_BLOCK];
    while (outlet->filled < RTP_OUTLET_PACKET_BYTES) {
        fader_process(&outlet->fader, block, CONVERTER_BLOCK);
        outlet->filled += converter_process(outlet->converter, block, CONVERTER_BLOCK,
                                            outlet->bytes + outlet->filled);
    }
}

/** Returns whether there is something to send from now on. */
static bool begin(struct rtp_outlet *outlet, int64_t now_us)
{
    if (!atomic_load(&outlet->playing) ||
        ring_readable(tap_ring(outlet->tap)) < outlet->fader.capacity / 2)
        return false;
    outlet->due = now_us - now_us % RTP_OUTLET_PACKET_US + RTP_OUTLET_PACKET_US;
    outlet->sending = true;
    outlet->marked = true;
    return true;
}

int64_t rtp_outlet_step(struct rtp_outlet *outlet, int64_t now_us)
{
    if (!outlet->sending && !begin(outlet, now_us)) {
        if (!atomic_load(&outlet->playing))
            return INT64_MAX;
        outlet->config.on_room(outlet->config.user);
        return RTP_OUTLET_PACKET_US - now_us % RTP_OUTLET_PACKET_US;
    }
    if (now_us - outlet->due > MOST_LATE_US) {
        outlet->due = now_us - now_us % RTP_OUTLET_PACKET_US;
        outlet->marked = true;
    }
    while (outlet->due <= now_us) {
        fill_packet(outlet);
        send_packet(outlet);
        outlet->filled -= RTP_OUTLET_PACKET_BYTES;
        memmove(outlet->bytes, outlet->bytes + RTP_OUTLET_PACKET_BYTES, outlet->filled);
        outlet->due += RTP_OUTLET_PACKET_US;
    }
    outlet->config.on_room(outlet->config.user);
    // The fade out is heard, and the filters' rest.
    if (!atomic_load(&outlet->playing) && outlet->fader.silent_calls == FADER_SILENT_CALLS) {
        outlet->sending = false;
        return INT64_MAX;
    }
    return outlet->due - now_us;
}
