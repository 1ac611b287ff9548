"""Notes to and from tuples: the vocabulary of the transformer, one step per note.

Owns the four fields of a tuple and their bins. Knows no archive and no network.

A tuple array is int16 [N, 4], one row per note, sorted by (onset tick, pitch):

    delta     0..94   time since the former note's onset: ticks of 10 ms up to 0.3 s, from there
                      geometric steps up to 8 s (DELTA_TICKS)
    pitch     0..127  MIDI
    duration  0..63   geometric, 25 ms to 8 s, the pedal included (DURATION_SECONDS)
    velocity  0..31   MIDI velocity / 4

The bins are those of the yardstick in the training notes, so that likelihoods
compare. Notes within one tick are sorted by pitch: a chord has one spelling.
"""

import numpy as np

from . import midi

TICK = 0.01  # seconds
FIELDS = ("delta", "pitch", "duration", "velocity")
SIZES = (95, 128, 64, 32)


def _delta_ticks():
    exact = np.arange(31)
    steps = np.round(30 * (800 / 30) ** (np.arange(1, 65) / 64)).astype(int)
    for index in range(len(steps)):  # no two bins alike
        steps[index] = max(steps[index], (steps[index - 1] if index else 30) + 1)
    return np.concatenate([exact, steps])


DELTA_TICKS = _delta_ticks()  # [95] int, what a delta bin means
_DELTA_EDGES = (DELTA_TICKS[1:] + DELTA_TICKS[:-1]) / 2
DURATION_SECONDS = 0.025 * (8 / 0.025) ** (np.arange(64) / 63)  # [64]
_DURATION_EDGES = np.sqrt(DURATION_SECONDS[1:] * DURATION_SECONDS[:-1])


def velocity_of(bins):
    """MIDI velocity in the middle of a bin."""
    return np.clip(np.asarray(bins).astype(int) * 4 + 2, 1, 127)


def from_notes(notes):
    """Tuples [N,4] int16 of a note array, in the order of the tuples, and that order [N]."""
    tick = np.floor(notes["onset"].astype("f8") / TICK + 0.5).astype(np.int64)
    order = np.lexsort((notes["pitch"], tick))
    notes, tick = notes[order], tick[order]
    again = np.zeros(len(notes), bool)  # one pitch twice in a tick: one note
    again[1:] = (np.diff(tick) == 0) & (np.diff(notes["pitch"].astype(int)) == 0)
    notes, tick, order = notes[~again], tick[~again], order[~again]
    out = np.zeros((len(notes), 4), np.int16)
    if len(notes):
        out[1:, 0] = np.searchsorted(_DELTA_EDGES, np.diff(tick), "left")
        out[:, 1] = notes["pitch"]
        seconds = np.maximum(notes["offset"].astype("f8") - notes["onset"], 1e-3)
        out[:, 2] = np.searchsorted(_DURATION_EDGES, seconds, "left")
        out[:, 3] = notes["velocity"] // 4
    return out, order


def to_notes(tuples, start=0.0):
    """Note array of tuples; the first onset is at `start` + its delta, seconds."""
    tuples = np.asarray(tuples)
    out = np.zeros(len(tuples), midi.NOTE)
    onset = start + np.cumsum(DELTA_TICKS[tuples[:, 0]]) * TICK
    out["onset"] = onset
    out["offset"] = onset + DURATION_SECONDS[tuples[:, 2]]
    out["pitch"] = tuples[:, 1]
    out["velocity"] = velocity_of(tuples[:, 3])
    return midi.separate(out)
