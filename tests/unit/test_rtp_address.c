// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>

#include <cmocka.h>

#include "audio/rtp_address.h"

static void test_what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool alaw;
    } good[] = {
        {"239.1.2.3:5004", "239.1.2.3", 5004, false},
        {"239.255.255.255:65534/alaw", "239.255.255.255", 65534, true},
        {"127.0.0.1:1/ulaw", "127.0.0.1", 1, false},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct rtp_address address = {.port = 7};
        const char *why;
        assert_int_equal(rtp_address_read(good[i].text, &address, &why), 0);
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_int_equal(address.alaw, good[i].alaw);
    }
}

static void test_what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        "1.2.3.4",
        "1.2.3.4:",
        ":5004",
        "1.2.3.4:0",
        "::1:5004",
        "1.2.3.4:65535",
        "1.2.3:4",
        "1.2.3.4: 5004",
        "a:5004",
        "1.2.3.4:-5004",
        "1.2.3.4:5004/",
        "1.2.3.4:5004/ALAW",
        "0.0.0.1:5004",
        "224.0.0.251:5004",
        "240.0.0.1:5004",
        "255.255.255.255:5004",
        "1.2.3.4:99999999999999999999",
        "1234.1234.1234.1234:5004",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rtp_address address = {.port = 7};
        const char *why = NULL;
        assert_int_equal(rtp_address_read(bad[i], &address, &why), -EINVAL);
        assert_non_null(why);
        assert_int_equal(address.port, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
