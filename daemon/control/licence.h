// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_LICENCE_H
#define FERMATA_CONTROL_LICENCE_H

#include <stdbool.h>

/**
 * licence: the one place that reads what a net's licence says of commercial use.
 *
 * False where the text (the weights file's metadata "licence") names a non-commercial one: "NC" as
 * a word of its own or between hyphens ("CC BY-NC-SA 4.0"), or "noncommercial", "non-commercial".
 * False, too, where there is no text: what is not said is not allowed. It reads a label and is no
 * legal advice.
 */
bool licence_is_commercial(const char *text);

#endif
