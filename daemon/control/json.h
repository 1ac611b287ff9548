// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_JSON_H
#define FERMATA_CONTROL_JSON_H

#include <stdio.h>

/** json: writes what JSON does not take as it is. */

/** A string with its quotes; `text` is UTF-8. */
void json_write_text(FILE *out, const char *text);

#endif
