"""Statistics of music: how dense, how high, how silent.

Owns the figures by which human and generated music are compared, and which go
into the weights' metadata for the curator: percentiles over windows of rolls.
Knows no network.
"""

import numpy as np

from . import roll

PERCENTILES = (5, 10, 50, 90, 95)
WINDOW = 10 * roll.FRAMES_PER_SECOND  # density and polyphony, frames
GAP_WINDOW = 60 * roll.FRAMES_PER_SECOND  # silences, frames


def density(events, window=WINDOW):
    """Notes per minute in each whole window of a roll, from its first onset."""
    if not len(events):
        return np.zeros(0)
    count = roll.length(events) // window
    hits = np.bincount(events["on"] // window, minlength=count)[:count]
    return hits * (60.0 * roll.FRAMES_PER_SECOND / window)


def sounding(events):
    """Number of sounding pitches in each frame of a roll."""
    change = np.zeros(roll.length(events) + 1, np.int64)
    np.add.at(change, events["on"], 1)
    np.add.at(change, events["off"], -1)
    return np.cumsum(change)[:-1]


def longest_run(flags):
    """Length of the longest run of True in a bool array."""
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    edges = np.diff(padded)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return int((ends - starts).max()) if len(starts) else 0


def _windows(values, window):
    count = len(values) // window
    return values[: count * window].reshape(count, window)


def entropy(events):
    """Pitch-class entropy of a roll, in bits (at most log2 12 = 3.58)."""
    share = np.bincount(events["pitch"] % 12, minlength=12) / max(len(events), 1)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def of(rolls):
    """Figures over a list of rolls, each from frame 0:

    notes_per_minute  [p5,p10,p50,p90,p95] over 10 s windows
    sounding          the same of the mean number of sounding pitches
    longest_gap       the same of the longest silence, seconds, within 60 s windows
    longest_wait      the same of the longest time without an onset, seconds, within 60 s windows
    register          [p5,p50,p95] of the pitches of all notes
    velocity          [p5,p50,p95] of the velocities
    duration          [p5,p50,p95] of the notes' durations, seconds
    """
    rate, chord, gap, wait = [], [], [], []
    for events in rolls:
        if not len(events):
            continue
        rate.append(density(events))
        heard = sounding(events)
        struck = np.zeros(len(heard), bool)
        struck[events["on"]] = True
        chord.append(_windows(heard, WINDOW).mean(1))
        gap += [longest_run(w) / roll.FRAMES_PER_SECOND for w in _windows(heard == 0, GAP_WINDOW)]
        wait += [longest_run(w) / roll.FRAMES_PER_SECOND for w in _windows(~struck, GAP_WINDOW)]
    notes = np.concatenate(rolls)

    def five(values):
        values = np.asarray(values, float)
        return [round(float(v), 2) for v in np.percentile(values, PERCENTILES)] if len(values) else [0.0] * 5

    def three(values):
        return [round(float(v), 2) for v in np.percentile(values, (5, 50, 95))]

    return {
        "notes_per_minute": five(np.concatenate(rate)),
        "sounding": five(np.concatenate(chord)),
        "longest_gap": five(gap),
        "longest_wait": five(wait),
        "register": three(notes["pitch"]),
        "velocity": three(notes["velocity"]),
        "duration": three((notes["off"] - notes["on"]) / roll.FRAMES_PER_SECOND),
    }
