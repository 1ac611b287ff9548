// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_KEEPSAKE_H
#define FERMATA_CONTROL_KEEPSAKE_H

#include <stdint.h>

/**
 * keepsake: the last minutes of a channel, which somebody liked, as a file: told to a pipe by a
 * thread of its own, with low priority, out of the notes that the score remembers.
 */
struct piece_origin;
struct score;
struct wav_file_sound;

/** No longer time is kept; less where the score had to forget earlier. */
#define KEEPSAKE_LONGEST 900.0 // seconds
/** So many are written at once at most. */
#define KEEPSAKES 4

/**
 * The last `seconds` of what was played, in the form that `ending` names (".mid"; printout.h). What
 * is given is copied. *ret_fd is the pipe's reading end (CLOEXEC, blocking), the caller's to pass
 * on and close: a whole file comes out of it, and then its end. A reader that takes nothing for
 * half a minute gets no more. *ret_seconds is how much there is.
 *
 * Main thread; returns at once: 0, -ERANGE (`seconds`), -EINVAL (`ending`), -ENODATA (nothing was
 * played yet), -EBUSY (KEEPSAKES are being written), -ENOMEM or -errno of pipe2(2) and
 * pthread_create(3).
 */
int keepsake_open(struct score *score, double seconds, const char *ending,
                  const struct piece_origin *origin, const struct wav_file_sound *sound,
                  int *ret_fd, double *ret_seconds);

#endif
