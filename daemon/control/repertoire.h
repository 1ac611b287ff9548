// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_REPERTOIRE_H
#define FERMATA_CONTROL_REPERTOIRE_H

/**
 * repertoire: fits what a person asked to hear to what is there to play it.
 */
struct generator;
struct seedbook;
struct settings;

/**
 * A net or composer of the settings that is not there gives way to one that is (logged, and
 * changed in `settings`). Opens the seeds, which stand beside the nets and belong to a family:
 * lstm-maestro plays from seeds-maestro.txt. Returns 0 or what seedbook_new() says.
 */
int repertoire_settle(const struct generator *generator, struct settings *settings,
                      struct seedbook **ret_book);

#endif
