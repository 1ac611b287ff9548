"""Playability: would it do as hold music for hours?

Owns the figures of one or more streams that a listener would complain of: silence, stuck notes,
clutter, monotony, and a density that wanders. Knows no human music; the report sets the same
figures of human windows beside them.
"""

import numpy as np

STUCK = 12.0  # seconds; longer notes are stuck
_STEP = 0.05  # seconds between looks at what sounds


def sounding(notes):
    """Number of notes that sound, every 50 ms from 0 to the last offset."""
    count = int(np.ceil(float(notes["offset"].max()) / _STEP)) + 1 if len(notes) else 1
    change = np.zeros(count + 1)
    np.add.at(change, np.floor(notes["onset"] / _STEP).astype(int), 1)
    np.add.at(change, np.minimum(np.ceil(notes["offset"] / _STEP).astype(int), count), -1)
    return np.cumsum(change)[:-1]


def silences(notes):
    """Seconds of every silence, the one before the first note included."""
    if not len(notes):
        return np.zeros(1)
    order = np.argsort(notes["onset"], kind="stable")
    onset, offset = notes["onset"][order].astype("f8"), notes["offset"][order].astype("f8")
    heard = np.concatenate([[0.0], np.maximum.accumulate(offset)[:-1]])
    return np.maximum(onset - heard, 0.0)


def by_minute(notes, minutes):
    """Notes struck in each minute."""
    return np.bincount((notes["onset"] // 60).astype(int), minlength=minutes)[:minutes]


def entropy(pitches):
    """Pitch-class entropy in bits; at most log2 12 = 3.58."""
    share = np.bincount(np.asarray(pitches) % 12, minlength=12) / max(len(pitches), 1)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def of(arrays):
    """Figures of note arrays, each from 0 s on; entropy and spread are means of whole minutes."""
    whole = np.concatenate(arrays)
    looks = np.concatenate([sounding(a) for a in arrays])
    rates, local, ranges, slopes, spreads = [], [], [], [], []
    for array in arrays:
        minutes = max(int(float(array["offset"].max()) + 1.0) // 60, 1)
        rate = by_minute(array, minutes)
        rates.append(rate.tolist())
        for minute in range(minutes):
            some = array[array["onset"] // 60 == minute]
            if len(some) > 8:
                local.append(entropy(some["pitch"]))
                ranges.append(int(some["pitch"].max()) - int(some["pitch"].min()))
                spreads.append(float(some["velocity"].std()))
        if minutes >= 5:
            slopes.append(np.polyfit(np.arange(minutes) / 10.0, np.log(np.maximum(rate, 1)), 1)[0])
    every = np.concatenate(rates)
    length = whole["offset"].astype("f8") - whole["onset"]
    return {
        "minutes": sum(len(rate) for rate in rates),
        "polyphony": [float(looks.mean()), float(np.percentile(looks, 95)), int(looks.max())],  # mean, p95, most
        "longest_gap": max(float(silences(a).max()) for a in arrays),
        "stuck": int((length > STUCK).sum()),
        "register": [int(v) for v in np.percentile(whole["pitch"], (0, 5, 50, 95, 100))],
        "range_of_minute": float(np.mean(ranges)) if ranges else 0.0,
        "velocity": [int(v) for v in np.percentile(whole["velocity"], (5, 50, 95))],
        "velocity_spread": float(np.mean(spreads)) if spreads else 0.0,
        "entropy_of_minute": float(np.mean(local)) if local else 0.0,
        "notes_per_minute": [int(v) for v in np.percentile(every, (0, 10, 50, 90, 100))],
        "by_minute": rates,
        # how much the density changes in ten minutes, as a factor, the stream that wanders most
        "drift": float(np.exp(max(slopes, key=abs))) if slopes else 1.0,
    }
