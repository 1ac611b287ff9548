// SPDX-License-Identifier: MIT
// Which licences allow commercial use.
#include "control/licence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_those_that_allow_it(void **state)
{
    static const char *const texts[] = {
        "CC BY-SA 4.0",  "MIT", "CC0 1.0", "Apache-2.0", "CC BY 4.0 (commercial use allowed)",
        "ANCIENT rights"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(licence_is_commercial(texts[i]));
}

static void test_those_that_do_not(void **state)
{
    static const char *const texts[] = {"CC BY-NC-SA 4.0 (non-commercial)",
                                        "CC BY-NC 4.0",
                                        "NC",
                                        "cc by (NC)",
                                        "Non-Commercial use",
                                        "noncommercial",
                                        "for non commercial use only",
                                        "",
                                        NULL};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(licence_is_commercial(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_that_allow_it),
        cmocka_unit_test(test_those_that_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
