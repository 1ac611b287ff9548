// SPDX-License-Identifier: MIT
#ifndef FERMATA_LOG_H
#define FERMATA_LOG_H

/**
 * log: plain lines on standard error, with the "<N>" priority prefix that the journal reads when
 * standard error is the journal (see sd-daemon(3)), and without it on a terminal or in a file.
 *
 * Every room may use it; from any thread except the PipeWire real-time callback. An error is
 * logged once, where its cause is known, and the line says what was tried and what to do next.
 */

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

/** Messages above `level` are dropped. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/** Writes one line; `format` without a trailing newline. */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
