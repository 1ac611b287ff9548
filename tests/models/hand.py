"""MIDI made by hand for the tests: files as bytes, and pieces of made-up music."""

import io

import mido
import numpy as np

from models import archive, midi

TICKS = 480  # per quarter: at the default tempo 960 ticks are one second


def on(pitch, velocity=64, time=0, channel=0):
    return mido.Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch, time=0, channel=0):
    return mido.Message("note_off", note=pitch, velocity=0, time=time, channel=channel)


def pedal(value, time=0, channel=0):
    return mido.Message("control_change", control=64, value=value, time=time, channel=channel)


def tempo(microseconds, time=0):
    return mido.MetaMessage("set_tempo", tempo=microseconds, time=time)


def file(*tracks):
    """A MIDI file, as bytes, of lists of messages with delta times in ticks."""
    midi_file = mido.MidiFile(type=1 if len(tracks) > 1 else 0, ticks_per_beat=TICKS)
    for track in tracks:
        midi_file.tracks.append(mido.MidiTrack(track))
    out = io.BytesIO()
    midi_file.save(file=out)
    return out.getvalue()


def rows(notes):
    """Notes as comparable tuples, times to 0.1 ms."""
    return [(round(a, 4), round(b, 4), p, v) for a, b, p, v in notes.tolist()]


def piece(composer="bach", seconds=30, seed=0, split="train", kind="performance", flat=False):
    """A made-up piece: a random walk of quavers over held basses."""
    rng = np.random.default_rng(seed)
    notes, pitch = [], 64
    for index in range(seconds * 5):
        pitch = int(np.clip(pitch + rng.integers(-4, 5), 50, 84))
        notes.append((index * 0.2, index * 0.2 + 0.3, pitch, int(rng.integers(40, 100))))
    for index in range(seconds):
        notes.append((index * 1.0, index * 1.0 + 0.9, int(rng.integers(36, 49)), 60))
    return archive.Piece(composer, split, f"walk {seed}", f"{seed}.mid", kind, flat,
                         midi.separate(np.array(notes, midi.NOTE)))
