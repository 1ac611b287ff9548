// SPDX-License-Identifier: MIT
// How much is borrowed of late: counted, held against the bound, and forgotten.
#include "music/loan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "music/echo.h"
#include "music/note.h"
#include "music/quotes.h"

#define DRAFT (4 * NOTE_SECOND)
#define RUNS 40

static struct quotes *quotes_of(uint8_t bits)
{
    uint8_t filter[64];
    struct quotes *quotes;
    memset(filter, bits, sizeof filter);
    assert_int_equal(quotes_new(filter, sizeof filter, 4, "{}", &quotes), 0);
    return quotes;
}

/** A draft of so many runs. */
static void draft_of(struct echo_line *line, size_t runs)
{
    memset(line, 0, sizeof *line);
    line->count = runs + LINE_RUN - 1;
    for (size_t i = 0; i < line->count; i++)
        line->pitch[i] = (uint8_t)(30 + i * i % 60);
}

static void a_little_is_lent_and_no_more(void **state)
{
    struct quotes *all = quotes_of(255), *none = quotes_of(0);
    static struct echo_line line;
    struct loan loan;
    loan_init(&loan);
    draft_of(&line, RUNS);
    // One draft of forty runs is no share yet; a third one is more than five in a hundred.
    int drafts = 0;
    while (loan_judge(&loan, all, &line, DRAFT, 0.05) == 0 && drafts < 100) {
        loan_keep(&loan, all, &line, DRAFT);
        drafts++;
    }
    assert_in_range(drafts, 1, 2);
    double over = loan_judge(&loan, all, &line, DRAFT, 0.05);
    loan_keep(&loan, all, &line, DRAFT);
    assert_true(loan_judge(&loan, all, &line, DRAFT, 0.05) > over);
    assert_true(loan_judge(&loan, all, &line, DRAFT, 0.5) == 0);   // whose works quote more may
    assert_true(loan_judge(&loan, none, &line, DRAFT, 0.05) == 0); // what is new always may
    // After an hour it is forgotten, also where hardly a note was played.
    static struct echo_line thin;
    draft_of(&thin, 1);
    for (int i = 0; i < 900; i++)
        loan_keep(&loan, none, &thin, DRAFT);
    assert_true(loan_judge(&loan, all, &line, DRAFT, 0.05) == 0);
    quotes_free(all);
    quotes_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_little_is_lent_and_no_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
