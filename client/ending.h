// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_ENDING_H
#define FERMATA_CLIENT_ENDING_H

/** How fermatactl ends: its exit codes, which the man page and --help document. */
enum ending {
    ENDING_OK = 0,
    ENDING_REFUSED = 1,     ///< the daemon refused it: an unknown name, out of range
    ENDING_USAGE = 2,       ///< the command line cannot be read
    ENDING_UNREACHABLE = 3, ///< no bus, no daemon, or no answer
    ENDING_LOST = 4,        ///< the daemon went away while watching
    ENDING_OUTPUT = 5,      ///< the picture or the text could not be written
};

#endif
