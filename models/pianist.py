"""A pianist who plays pages: onsets, lengths and velocities as a hand might make them.

Owns a crude model of playing, for training only: a pace that wanders, chords that are not
exact, a pedal, velocities that swell and fade. It lets a net learn what a composer writes in the
company of times and velocities such as it makes itself when it performs, although of Bach there
are next to no performances to learn from in the permissive archive. A net of notes does not learn
playing from it: passages.py hides its times and velocities from the loss. A roll net, which is
not told whether it hears a page or a person, learns from pages played this way (streams.py).
"""

import numpy as np

from . import midi

PACE, PACE_EVERY = 0.10, 1.2  # standard deviation of the log pace, seconds between its knots
CHORD = 0.010  # seconds, standard deviation of each onset
PEDAL_SHARE = 0.5  # of the pages
PEDAL = (0.4, 2.5)  # seconds that a pedal is held
SWELL, TOUCH, LEVEL = 9.0, 7.0, (56.0, 76.0)  # velocities: standard deviations, range of the mean


def _wander(times, every, deviation, rng):
    """A smooth random curve [N] at `times` [N]: each knot remembers 0.8 of the one before."""
    knots = np.arange(0.0, float(times.max()) + 2 * every, every)
    drawn = rng.normal(0.0, deviation * 0.6, len(knots))
    level = 0.0
    for index in range(len(drawn)):
        level = 0.8 * level + drawn[index]
        drawn[index] = level
    return np.interp(times, knots, drawn)


def play(array, flat, rng):
    """Note array of a page (midi.NOTE, seconds) as it may be played; flat: its velocities mean nothing."""
    if not len(array):
        return array
    out = array.copy()
    onset, offset = array["onset"].astype("f8"), array["offset"].astype("f8")
    grid = np.arange(0.0, float(offset.max()) + 1.0, 0.05)
    played = np.concatenate([[0.0], np.cumsum(0.05 * np.exp(_wander(grid, PACE_EVERY, PACE, rng)))[:-1]])
    touch = np.exp(rng.normal(-0.1, 0.15) + rng.normal(0.0, 0.15, len(out)))
    length = np.maximum((np.interp(offset, grid, played) - np.interp(onset, grid, played)) * touch, 0.03)
    start = np.maximum(np.interp(onset, grid, played) + rng.normal(0.0, CHORD, len(out)), 0.0)
    end = start + length
    if rng.random() < PEDAL_SHARE:
        holds = np.cumsum(rng.uniform(*PEDAL, int(float(end.max()) / PEDAL[0]) + 2))
        lifted = holds[np.searchsorted(holds, end)]
        down = rng.random(len(holds)) < 0.8
        end = np.where(down[np.searchsorted(holds, end)], np.minimum(lifted, end + PEDAL[1]), end)
    if flat:
        level = rng.uniform(*LEVEL) + _wander(start, 2.0, SWELL, rng)
        level = level + (array["pitch"].astype("f8") - 60.0) * 0.15
    else:
        level = array["velocity"].astype("f8")
    out["onset"], out["offset"] = start, end
    out["velocity"] = np.clip(np.round(level + rng.normal(0.0, TOUCH if flat else 0.5 * TOUCH, len(out))), 1, 127)
    order = np.lexsort((out["pitch"], out["onset"]))
    return midi.separate(out[order])
