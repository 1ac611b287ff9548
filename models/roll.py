"""Notes to and from the roll: 20 frames a second, 128 pitches.

Owns the roll vocabulary the nets speak. Kept sparse: a piece is its list of
roll events, and becomes dense only for the chunk of frames that one training
step looks at. Knows no archive and no network.

A roll is a numpy structured array of dtype EVENT, one row per note, sorted by
(on, pitch), at most one onset per pitch and frame:

    on        int32, frame of the onset
    off       int32, first frame in which it sounds no more; off > on
    pitch     uint8
    velocity  uint8, 1..127

The dense frame, the net's input x (float32 [256]):

    x[0:128]    sounding plane: 1 where on <= frame < off, else 0
    x[128:256]  onset plane: 0.5 + velocity/254 where frame == on, else 0
"""

import numpy as np

from . import midi

FRAMES_PER_SECOND = 20
PITCHES = 128
FRAME = 2 * PITCHES

EVENT = np.dtype([("on", "i4"), ("off", "i4"), ("pitch", "u1"), ("velocity", "u1")])

LOWEST, HIGHEST = 21, 108  # the piano's keys


def from_notes(notes):
    """Roll of a note array: times to the nearest frame, at least one frame long."""
    events = np.zeros(len(notes), EVENT)
    events["on"] = np.floor(notes["onset"].astype("f8") * FRAMES_PER_SECOND + 0.5)
    events["off"] = np.floor(notes["offset"].astype("f8") * FRAMES_PER_SECOND + 0.5)
    events["pitch"] = notes["pitch"]
    events["velocity"] = notes["velocity"]
    return tidy(events)


def tidy(events):
    """Sorted copy with one onset per pitch and frame (the loudest), ended by the next onset."""
    events = events[np.lexsort((-events["velocity"].astype(int), events["on"], events["pitch"]))]
    if len(events):
        same = (np.diff(events["pitch"].astype(int)) == 0) & (np.diff(events["on"]) == 0)
        if same.any():  # keep the longest offset of the merged ones
            group = np.concatenate([[0], np.cumsum(~same)])
            longest = np.full(group[-1] + 1, np.iinfo("i4").min)
            np.maximum.at(longest, group, events["off"])
            events = events[np.concatenate([[True], ~same])]
            events["off"] = longest
        events["off"] = np.maximum(events["off"], events["on"] + 1)
        next_on = np.full(len(events), np.iinfo("i4").max)
        again = np.diff(events["pitch"].astype(int)) == 0
        next_on[:-1][again] = events["on"][1:][again]
        events["off"] = np.minimum(events["off"], next_on)
    return events[np.lexsort((events["pitch"], events["on"]))]


def to_notes(events):
    """Note array of a roll; exact at frame boundaries."""
    notes = np.zeros(len(events), midi.NOTE)
    notes["onset"] = events["on"] / FRAMES_PER_SECOND
    notes["offset"] = events["off"] / FRAMES_PER_SECOND
    notes["pitch"] = events["pitch"]
    notes["velocity"] = events["velocity"]
    return notes


def close_gaps(events, longest):
    """Roll without silences of more than `longest` frames: what follows one is moved forward."""
    if not len(events):
        return events
    events = events.copy()
    sounded = np.maximum.accumulate(events["off"])
    silence = events["on"][1:] - sounded[:-1]
    cut = np.concatenate([[0], np.cumsum(np.maximum(silence - longest, 0))])
    events["on"] -= cut
    events["off"] -= cut
    return events


def length(events):
    """Frames until the last note has ended."""
    return int(events["off"].max()) if len(events) else 0


def dense(events, start, frames, out=None):
    """Frames start..start+frames of a roll as float32 [frames, 256] (see the module's text).

    `out`, where given, must be zeroed and is filled and returned. Frames before
    0 and beyond the end are silent.
    """
    if out is None:
        out = np.zeros((frames, FRAME), np.float32)
    stop = start + frames
    # notes are short beside a piece: look back only as far as the longest one
    reach = int((events["off"] - events["on"]).max()) if len(events) else 0
    first = np.searchsorted(events["on"], start - reach, "left")
    last = np.searchsorted(events["on"], stop, "left")
    some = events[first:last]
    some = some[some["off"] > start]
    if not len(some):
        return out
    pitch = some["pitch"].astype(np.int64)
    on = np.maximum(some["on"] - start, 0).astype(np.int64)
    off = np.minimum(some["off"] - start, frames).astype(np.int64)
    span = off - on
    rows = np.repeat(on - np.concatenate([[0], np.cumsum(span)[:-1]]), span) + np.arange(span.sum())
    out[rows, np.repeat(pitch, span)] = 1.0
    new = some["on"] >= start
    out[on[new], PITCHES + pitch[new]] = 0.5 + some["velocity"][new] / np.float32(254.0)
    return out


def from_dense(x):
    """Roll of dense frames [frames, 256]; notes still sounding end with the last frame.

    A sounding entry with neither an onset nor a sounding frame before it (the
    middle of a note cut off by the window) is no note.
    """
    events = []
    frames = len(x)
    for pitch in np.flatnonzero((x[:, PITCHES:] > 0).any(0)):
        ons = np.flatnonzero(x[:, PITCHES + pitch] > 0)
        sounding = x[:, pitch] > 0
        for index, on in enumerate(ons):
            limit = ons[index + 1] if index + 1 < len(ons) else frames
            silent = np.flatnonzero(~sounding[on + 1 : limit])
            off = on + 1 + silent[0] if len(silent) else limit
            velocity = int(np.clip(round((float(x[on, PITCHES + pitch]) - 0.5) * 254), 1, 127))
            events.append((on, off, pitch, velocity))
    return tidy(np.array(events, EVENT))


def augment(notes, semitones=0, tempo=1.0, velocity=0):
    """Transposed, stretched (tempo > 1 is faster) and louder or softer copy of a note array.

    A note that would fall off the piano's keyboard is left out.
    """
    pitch = notes["pitch"].astype(int) + semitones
    keep = (pitch >= LOWEST) & (pitch <= HIGHEST)
    out = notes[keep].copy()
    out["pitch"] = pitch[keep]
    out["onset"] /= tempo
    out["offset"] /= tempo
    out["velocity"] = np.clip(out["velocity"].astype(int) + velocity, 1, 127)
    return out
