# SPDX-License-Identifier: MIT
"""Listens to a recording and says whether the notes of the feed are in it, at their times.

A note is *heard* where the energy at its first or second partial rises by 3 dB at its onset (the
mean over [t + 20 ms, t + 100 ms] against that over [t - 90 ms, t - 20 ms]) and where, just after it,
its fundamental stands 3 dB over the quarter tones beside it; the first alone would also be the
hammer's noise, the second alone a note of before. What a recording heard of its own notes is
compared with what it heard at wrong pitches and at wrong times; so the measure is shown to tell the
true from the false on the very sound it is used on. For pitches from 52 up: below, semitones are
not told apart in so short a time.
"""

import wave

import numpy as np

RATE = 48000
HOP = 480  # 10 ms
WINDOW = 4096  # 85 ms: separates semitones from about C3 up by their second partial


def read_wav(path):
    """Mono float samples of a 48 kHz 16-bit recording. A file that was cut off is read as far as
    it goes."""
    with wave.open(path) as file:
        assert file.getframerate() == RATE and file.getsampwidth() == 2, 'not 48 kHz 16 bit'
        data = file.readframes(file.getnframes())
        channels = file.getnchannels()
    data = data[:len(data) // (2 * channels) * 2 * channels]
    samples = np.frombuffer(data, '<i2').reshape(-1, channels)
    return samples.mean(axis=1) / 32768


def spectrogram(samples):
    """Power [frames, WINDOW / 2 + 1]; frame i is centred on sample i * HOP."""
    padded = np.pad(samples, (WINDOW // 2, WINDOW))
    window = np.hanning(WINDOW)
    starts = np.arange(0, len(samples), HOP)
    frames = np.empty((len(starts), WINDOW // 2 + 1), np.float32)
    for i, start in enumerate(starts):
        frames[i] = np.abs(np.fft.rfft(padded[start:start + WINDOW] * window)) ** 2
    return frames


def onset_strength(power):
    """Spectral flux: the sum of the rises of the log spectrum, frame by frame."""
    log = np.log10(power[:, 2:900] + 1e-7)
    return np.concatenate([[0], np.maximum(0, np.diff(log, axis=0)).sum(axis=1)])


def find_offset(power, times, around, reach=2.0):
    """Seconds to add to `times` (onsets) so that they fall on the onsets of the recording: the best
    cross-correlation within `reach` seconds of `around`."""
    strength = onset_strength(power)
    strength = strength - np.median(strength)
    best, best_offset = -np.inf, around
    for offset in np.arange(around - reach, around + reach, HOP / RATE):
        at = np.round((times + offset) * RATE / HOP).astype(int)
        at = at[(at >= 0) & (at < len(strength))]
        score = strength[at].sum() if len(at) > len(times) // 2 else -np.inf
        if score > best:
            best, best_offset = score, offset
    return best_offset


def frequency(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)


def rise(power, time, pitch):
    """Decibels by which the louder-growing of the first two partials rises."""
    centre = int(time * RATE / HOP)
    bins = [int(round(frequency(pitch) * partial * WINDOW / RATE)) for partial in (1, 2)]
    old = power[max(0, centre - 9):centre - 2][:, bins].mean(axis=0)
    new = power[centre + 2:centre + 10][:, bins].mean(axis=0)
    return float(np.max(10 * np.log10((new + 1e-9) / (old + 1e-9))))


def contrast(samples, time, pitch, width=8192):
    """Decibels by which the fundamental stands over the quarter tones beside it, around 110 ms
    after `time`."""
    start = int((time + 0.11) * RATE) - width // 2
    part = samples[start:start + width]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), width)) ** 2

    def bin_of(at):
        return int(round(frequency(at) * width / RATE))

    peak = spectrum[bin_of(pitch) - 1:bin_of(pitch) + 2].max()
    beside = (spectrum[bin_of(pitch - 0.6)] + spectrum[bin_of(pitch + 0.6)]) / 2
    return float(10 * np.log10((peak + 1e-12) / (beside + 1e-12)))


def share_heard(samples, power, times, pitches):
    """Share of the notes that are heard, of those that lie within the recording."""
    length = len(samples) / RATE
    heard = [rise(power, time, pitch) >= 3 and contrast(samples, time, pitch) >= 3
             for time, pitch in zip(times, pitches) if 0.2 < time < length - 0.4]
    return float(np.mean(heard))


def longest_silence(samples, floor_db=-60.0):
    """Seconds of the longest run of 10 ms blocks whose RMS is under `floor_db` dBFS."""
    blocks = samples[:len(samples) // HOP * HOP].reshape(-1, HOP)
    quiet = np.sqrt((blocks ** 2).mean(axis=1)) < 10 ** (floor_db / 20)
    longest = run = 0
    for value in quiet:
        run = run + 1 if value else 0
        longest = max(longest, run)
    return longest * HOP / RATE
