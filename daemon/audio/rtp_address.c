// SPDX-License-Identifier: MIT
#include "audio/rtp_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Whether a packet may be sent there. */
static bool is_fit(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    uint32_t number = ntohl(address.s_addr);
    // This network, the routers' own groups, what is reserved and broadcasts are no listeners.
    return number >> 24 != 0 && number >> 8 != 0xe00000 && number >> 28 != 0xf;
}

int rtp_address_read(const char *text, struct rtp_address *ret_address, const char **ret_why)
{
    *ret_why = "must be an IPv4 address and a port in numbers, such as 239.1.2.3:5004, "
               "192.0.2.7:4000/ulaw or 239.1.2.3:5004/alaw; empty: none";
    struct rtp_address address = {.alaw = false};
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= sizeof address.host)
        return -EINVAL;
    memcpy(address.host, text, length);
    if (!isdigit((unsigned char)colon[1]))
        return -EINVAL;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    address.alaw = !strcmp(end, "/alaw");
    if (*end && strcmp(end, "/ulaw") && !address.alaw)
        return -EINVAL;
    if (end - colon > 6 || port < 1 || port > 65534) {
        *ret_why = "must have a port from 1 to 65534 (RTCP takes the next one)";
        return -EINVAL;
    }
    if (!is_fit(address.host)) {
        *ret_why =
            "must have the IPv4 address of a host or of a multicast group (such as 239.1.2.3; "
            "neither 0.x, 224.0.0.x nor 240.0.0.0 and above)";
        return -EINVAL;
    }
    address.port = (uint16_t)port;
    *ret_address = address;
    return 0;
}
