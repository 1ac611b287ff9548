// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_METRICS_H
#define FERMATA_CLIENT_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "client/status.h"

/**
 * metrics: the status as OpenMetrics 1.0 text, which the textfile collector of Prometheus'
 * node_exporter reads as well
 * (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md). Pure.
 */

/** Writes it. `status` NULL: the daemon does not answer, and only fermata_up, 0, is told. */
void metrics_print(const struct status *status, FILE *file);

#endif
