// SPDX-License-Identifier: MIT
// Any text as an address for RTP.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/rtp_address.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = strndup((const char *)bytes, size);
    struct rtp_address address, again;
    const char *why = NULL;
    if (rtp_address_read(text, &address, &why) < 0) {
        FUZZ_HOLDS(why && *why);
    } else {
        char written[RTP_ADDRESS_ROOM];
        FUZZ_HOLDS(strlen(text) < RTP_ADDRESS_ROOM); // as settings keep it
        snprintf(written, sizeof written, "%s:%u%s", address.host, address.port,
                 address.alaw ? "/alaw" : "");
        FUZZ_HOLDS(rtp_address_read(written, &again, &why) == 0);
        FUZZ_HOLDS(!strcmp(again.host, address.host) && again.port == address.port &&
                   again.alaw == address.alaw && address.port > 0);
    }
    free(text);
    return 0;
}
