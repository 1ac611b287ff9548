"""MIDI files to note arrays.

Owns the reading of Standard MIDI Files (through mido) and the meaning of the
sustain pedal. Knows no archive, no frames and no network.

A note array is a numpy structured array of dtype NOTE, one row per note,
sorted by (onset rounded to 1 ms, pitch):

    onset     float32, seconds from the start of the file
    offset    float32, seconds; offset >= onset
    pitch     uint8, 0..127
    velocity  uint8, 1..127

A note lasts until its key is released or, where the sustain pedal (CC 64,
down from value 64) holds it, until the pedal is released; but never beyond
the next onset of its own pitch, whatever channel that comes on. Sostenuto and
soft pedal are not honoured. Channel 10 (percussion) is left out.
"""

import io

import mido
import numpy as np

NOTE = np.dtype([("onset", "f4"), ("offset", "f4"), ("pitch", "u1"), ("velocity", "u1")])

DEFAULT_TEMPO = 500000  # microseconds per quarter note, until the file says otherwise
PERCUSSION = 9
PEDAL = 64
PEDAL_DOWN = 64


def read(source):
    """Notes of one MIDI file. `source`: a path or the file's bytes. Raises ValueError."""
    try:
        if isinstance(source, (bytes, bytearray)):
            midi = mido.MidiFile(file=io.BytesIO(source), clip=True)
        else:
            midi = mido.MidiFile(source, clip=True)
    except (EOFError, OSError, IndexError, KeyError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"not a readable MIDI file: {error}") from error
    if midi.ticks_per_beat <= 0 or midi.ticks_per_beat >= 0x8000:
        raise ValueError("SMPTE time division is not supported")
    return from_events(_events(midi))


def _events(midi):
    """All tracks' messages as [(seconds, message)], in time order, tempo changes applied."""
    timed = []
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type in ("note_on", "note_off", "control_change", "set_tempo"):
                timed.append((tick, message))
    timed.sort(key=lambda event: event[0])  # stable: a track's own order is kept

    events = []
    seconds, last, scale = 0.0, 0, DEFAULT_TEMPO * 1e-6 / midi.ticks_per_beat
    for tick, message in timed:
        seconds += (tick - last) * scale
        last = tick
        if message.type == "set_tempo":
            scale = message.tempo * 1e-6 / midi.ticks_per_beat
        else:
            events.append((seconds, message))
    return events


def from_events(events):
    """Notes from [(seconds, mido message)] in time order."""
    rows = []  # [onset, offset, pitch, velocity]
    keys = {}  # (channel, pitch) -> row whose key is down
    held = {}  # channel -> rows whose key is up, held by the pedal
    pedal = set()  # channels whose pedal is down
    now = 0.0

    def release(channel, pitch, when):
        row = keys.pop((channel, pitch), None)
        if row is None:
            return
        row[1] = when
        if channel in pedal:
            held.setdefault(channel, []).append(row)

    for now, message in events:
        channel = message.channel
        if channel == PERCUSSION:
            continue
        if message.type == "note_on" and message.velocity > 0:
            release(channel, message.note, now)
            row = [now, now, message.note, message.velocity]
            keys[channel, message.note] = row
            rows.append(row)
        elif message.type in ("note_on", "note_off"):
            release(channel, message.note, now)
        elif message.type == "control_change" and message.control == PEDAL:
            if message.value >= PEDAL_DOWN:
                pedal.add(channel)
            elif channel in pedal:
                pedal.discard(channel)
                for row in held.pop(channel, []):
                    row[1] = now
    for row in list(keys.values()) + [row for rows_ in held.values() for row in rows_]:
        row[1] = max(row[1], now)  # never released: until the last event

    notes = np.array([tuple(row) for row in rows], dtype=NOTE)
    return separate(notes)


def separate(notes):
    """Sorted copy in which no note outlasts the next onset of its pitch.

    Of several onsets of one pitch within the same millisecond only one note is
    left: the loudest velocity and the latest offset of them.
    """
    notes = notes.copy()
    order = np.lexsort((notes["pitch"], np.round(notes["onset"] * 1000.0)))
    notes = notes[order]
    keep = np.ones(len(notes), bool)
    last = {}
    for index in range(len(notes)):
        pitch = int(notes["pitch"][index])
        before = last.get(pitch)
        if before is not None:
            if round(float(notes["onset"][before]) * 1000.0) == round(float(notes["onset"][index]) * 1000.0):
                notes["velocity"][before] = max(notes["velocity"][before], notes["velocity"][index])
                notes["offset"][before] = max(notes["offset"][before], notes["offset"][index])
                keep[index] = False
                continue
            notes["offset"][before] = min(notes["offset"][before], notes["onset"][index])
        last[pitch] = index
    return notes[keep]


def write(notes, path, title="Fermata"):
    """Write a note array as a format 0 MIDI file, 480 ticks per quarter at 120 bpm."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=title))
    track.append(mido.MetaMessage("set_tempo", tempo=DEFAULT_TEMPO))
    track.append(mido.Message("program_change", program=0))
    events = []
    for onset, offset, pitch, velocity in notes.tolist():
        start = round(onset * 960)
        events.append((start, 1, pitch, velocity))
        events.append((max(start + 1, round(offset * 960)), 0, pitch, 0))
    last = 0
    for tick, on, pitch, velocity in sorted(events):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - last))
        last = tick
    midi = mido.MidiFile(type=0, ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(path)
