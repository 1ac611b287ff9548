"""Control: slow attributes of the music, told to the net so that it can be steered.

Owns the attributes (density, register, loudness, polyphony; for a net of notes also key and
chroma), their buckets, and the multi-hot vector that the net gets. While it trains, a net is told for each
chunk what the music around it is like, some of it left out at random; so it
learns to obey. At export a composer's typical attributes are added to the
composer's row (fold), and the net holds that texture for as long as it plays:
without it, free-running music drifts to where human music rarely is.

The vector, float32 [SIZE]: for each attribute in the order of BUCKETS a one-hot of
its bucket, or zeros where nothing is told.
"""

import numpy as np

from . import roll

BUCKETS = {  # attribute -> inner edges of its buckets
    "density": (60, 120, 180, 260, 360, 480, 620, 800, 1050),  # notes per minute
    "register": (48, 54, 58, 62, 66, 70, 75),  # mean pitch of the onsets
    "loudness": (35, 45, 55, 62, 70, 78, 88),  # mean velocity of the onsets
    "polyphony": (1.3, 2, 3, 4.5, 6, 8, 10.5, 14),  # mean number of sounding pitches
}
SIZE = sum(len(edges) + 1 for edges in BUCKETS.values())
NOTES_BUCKETS = {  # what a net of notes is told
    **BUCKETS,
    "key": tuple(range(1, 24)),  # the nearest of the 12 major (0..11, by tonic) and 12 minor keys (12..23)
    "chroma": (2.4, 2.6, 2.75, 2.88, 3.0, 3.12, 3.25),  # entropy of the pitch classes, bits
}
NOTES_SIZE = sum(len(edges) + 1 for edges in NOTES_BUCKETS.values())
KEY = list(NOTES_BUCKETS).index("key")
# Krumhansl and Kessler 1982: how well each degree fits a major and a minor key
_PROFILES = np.array([
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
])

BEFORE, WINDOW = 60, 200  # frames: the window begins so long before the chunk; its length

SILENT_SHARE = 0.12  # of the chunks, told nothing
MISSING_SHARE = 0.1  # of the attributes of the others, left out


def tonality(shares):
    """(keys int [N], entropies of the pitch classes in bits [N]) of shares of pitch classes [N,12]:
    the key whose profile correlates best (Krumhansl 1990)."""
    profiles = np.stack([np.roll(p - p.mean(), k) / p.std() for p in _PROFILES for k in range(12)])
    centred = shares - shares.mean(1, keepdims=True)
    bits = -(shares * np.log2(np.maximum(shares, 1e-9))).sum(1)
    return (centred @ profiles.T).argmax(1), bits


def transposed(rows, semitones):
    """Bucket rows [N,6] of NOTES_BUCKETS as they are when the music is moved so far."""
    out = np.array(rows, copy=True)
    known = out[:, KEY] < 24
    key = out[known, KEY].astype(int)
    out[known, KEY] = (key % 12 + semitones) % 12 + key // 12 * 12
    return out


def attributes(events, start):
    """(density, register, loudness, polyphony) around frame `start` of a roll; None if no onset."""
    begin, end = start - BEFORE, start - BEFORE + WINDOW
    first, last = np.searchsorted(events["on"], (begin, end))
    struck = events[first:last]
    if not len(struck):
        return None
    reach = int((events["off"] - events["on"]).max())
    near = events[np.searchsorted(events["on"], begin - reach) : last]
    overlap = np.minimum(near["off"], end) - np.maximum(near["on"], begin)
    return (
        len(struck) * 60.0 * roll.FRAMES_PER_SECOND / WINDOW,
        float(struck["pitch"].mean()),
        float(struck["velocity"].mean()),
        float(np.maximum(overlap, 0).sum()) / WINDOW,
    )


def vector(values, told=(True, True, True, True)):
    """The vector of attributes() values; zeros for None and for what is not told."""
    out = np.zeros(SIZE, np.float32)
    place = 0
    for index, edges in enumerate(BUCKETS.values()):
        if values is not None and told[index]:
            out[place + int(np.searchsorted(edges, values[index], "right"))] = 1.0
        place += len(edges) + 1
    return out


def drawn(values, rng):
    """The vector as it is told while training: now and then less, or nothing."""
    dice = rng.random(1 + len(BUCKETS))
    if dice[0] < SILENT_SHARE:
        values = None
    return vector(values, dice[1:] >= MISSING_SHARE)


def typical(rolls):
    """Medians of the attributes over rolls, in windows that overlap by half."""
    values = [
        attributes(events, start)
        for events in rolls
        for start in range(BEFORE, max(roll.length(events) - WINDOW, BEFORE + 1), WINDOW // 2)
    ]
    return tuple(np.median(np.array([v for v in values if v is not None]), 0))
