// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_COMPRESSOR_H
#define FERMATA_AUDIO_COMPRESSOR_H

/**
 * compressor: brings what is soft and what is loud nearer together, so that a piano's tone can be
 * heard on a telephone until it has died away, and no voice activity detector takes it for silence.
 * Works in blocks of 64 frames at 48 kHz (1.3 ms). Plain data of its owner; knows decibels, not
 * sound; one thread.
 *
 * Around COMPRESSOR_MIDDLE a change of 2 dB becomes one of 1 dB; under COMPRESSOR_LOW one of 4 dB
 * does, down to where the sound is turned up by COMPRESSOR_MOST.
 */

#define COMPRESSOR_MIDDLE (-22.0f) ///< passes unchanged, dBFS
#define COMPRESSOR_LOW (-36.0f)
#define COMPRESSOR_MOST 40.0f

/** The loudness is heard so many blocks ahead, so that a stroke is met with the gain already down;
 * the caller delays the sound by as much. */
#define COMPRESSOR_AHEAD 4

struct compressor {
    float envelope;                ///< power, smoothed
    float ahead[COMPRESSOR_AHEAD]; ///< envelopes of the blocks to come, the next one first
};

void compressor_init(struct compressor *compressor);

/** Takes the mean power of the latest block (1 is full scale) and gives the gain in dB for the end
 * of the block that is COMPRESSOR_AHEAD blocks older. */
float compressor_gain(struct compressor *compressor, float power);

/** The gain for sound of this level for good; both in dB. */
float compressor_curve(float level);

#endif
