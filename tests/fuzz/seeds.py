#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the inputs that the fuzzers begin with: small whole ones, of every form there is.

    seeds.py FOLDER     a folder for each target comes into being in it

It takes nothing from anywhere: MIDI files, weights and sounds are made here.
"""

import io
import json
import math
import struct
import sys
import wave
from pathlib import Path

END = b"\0\xff\x2f\0"


def length(number):
    """A number as MIDI files write it."""
    digits = [number & 127]
    while number := number >> 7:
        digits.insert(0, 128 | number & 127)
    return bytes(digits)


def midi(*tracks, form=1, division=96, chunk=b"MTrk"):
    data = b"MThd" + struct.pack(">IHHH", 6, form, len(tracks), division)
    return data + b"".join(chunk + struct.pack(">I", len(track)) + track for track in tracks)


def notes(keys, channel=0, delta=0, running=False):
    head = bytes([0x90 | channel])
    if running:
        return b"\0" + head + b"\0".join(bytes([key, 70]) for key in keys) + b"".join(
            b"\x08" + bytes([key, 0]) for key in keys)
    return b"".join(length(delta) + head + bytes([key, 70]) + b"\x10" + bytes([0x80 | channel, key, 64])
                    for key in keys)


def midi_files():
    tune = notes(range(60, 68))
    tempo = b"\0\xff\x51\x03\x07\xa1\x20"
    yield "one-track", midi(tune + END, form=0)
    yield "running", midi(notes(range(50, 70), running=True) + END, form=0)
    yield "tracks", midi(tempo + END, tune + END, notes(range(40, 44), 3, 24) + END)
    yield "form-2", midi(tune + END, tune + END, form=2)
    yield "meta", midi(b"\0\xff\x03\x05hello\0\xff\x58\x04\x04\x02\x18\x08\0\xff\x59\x02\xfd\x01"
                       b"\0\xff\x01\x80\x01" + b"x" * 128 + b"\0\xff\x7f\x03abc\0\xff\x20\x01\x02"
                       b"\0\xff\x21\x01\x00\0\xff\x54\x05\0\0\0\0\0" + tune + END)
    yield "exclusive", midi(b"\0\xf0\x05\x7e\x7f\x09\x01\xf7" + tune + b"\0\xf0\x03\x7e\x01\x02"
                            b"\x05\xf7\x02\x03\xf7" + END)
    yield "pedal", midi(b"\0\xb0\x40\x7f" + tune + b"\x10\xb0\x40\0\0\xb0\x7b\0\0\xb0\x78\0" + END)
    yield "controls", midi(b"".join(b"\0\xb0" + bytes([number, 64]) for number in range(128)) + tune + END)
    yield "voices", midi(b"\0\xe0\0\x40\0\xc0\x01\0\xd0\x30\0\xa0\x3c\x40" + tune + END)
    yield "percussion", midi(notes(range(35, 40), 9) + tune + END)
    yield "slow", midi(b"\0\xff\x51\x03\xff\xff\xff" + tune + END)
    yield "fast", midi(b"\0\xff\x51\x03\0\0\x01" + tune + END, division=0x7FFF)
    yield "no-tempo", midi(b"\0\xff\x51\x03\0\0\0" + tune + END, division=1)
    yield "late", midi(b"\xaa\xbf\x40\x90\x28\x63\x09\x80\x28\0" + END)
    yield "smpte", midi(tune + END, division=0xE728)
    yield "other-chunk", midi(tune + END, chunk=b"XFIH")
    yield "no-end", midi(tune)
    yield "many", midi(*[notes([60 + i % 12]) + END for i in range(140)])
    yield "no-tracks", midi()
    yield "riff", b"RIFF" + struct.pack("<I", 400) + b"RMIDdata" + struct.pack("<I", 300) + midi(tune + END)


def safetensors(metadata, **arrays):
    header, data = {"__metadata__": metadata}, b""
    for name, (kind, shape, values) in arrays.items():
        header[name.replace("__", ".")] = {"dtype": kind, "shape": shape,
                                           "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def weights():
    bounds = {"notes_per_minute": [1, 2, 3, 4, 5], "sounding": [1, 1, 2, 3, 4.5], "register": [30, 60, 90]}
    reference = {"repeated_share": [0.2], "repeated_times": [1], "quoted_notes": [30],
                 "quoted_share": [0.01], "density_10min": [1, 2]}
    names = ["density", "register", "loudness", "polyphony", "key", "chroma"]
    net = {
        "format": "fermata-net-1", "net": "lstm", "family": "open", "licence": "CC-BY-4.0",
        "composers": json.dumps(["bach", "chopin"]), "offered": json.dumps(["bach"]),
        "kinds": json.dumps(["human", "score"]), "validation_loss": "2.5",
        "control_buckets": json.dumps({name: [0.5, 1, 2.5e1] for name in names}),
        "control": json.dumps({"bach": [1, 2, 3, 0, 0, 0]}), "stats": json.dumps({"bach": bounds}),
    }
    floats = struct.pack("<4f", 0.5, -1, 2, 1e-9)
    yield "net", safetensors(net, weight=("F32", [2, 2], floats), plan__bach=("U8", [2, 6], bytes(12)))
    yield "half", safetensors(net, weight=("BF16", [2, 4], floats), bias=("F32", [4], floats))
    yield "bytes", safetensors(net, weight=("I8", [4, 4], bytes(range(16))),
                               weight__scale=("F32", [4], floats))
    yield "others", safetensors({}, a=("F16", [8], floats), b=("I64", [2], floats), c=("BOOL", [], b"\1"))
    yield "quotes", safetensors({"format": "fermata-quotes-1", "hashes": "5",
                                 "reference": json.dumps({"any": reference, "bach": reference})},
                                filter=("U8", [64], bytes(range(64))))
    yield "empty", safetensors({})
    yield "escapes", safetensors({"format": 'fermata\u00e9-"net"\\\n', "composers": '["\\u00e9"]'})


def settings():
    yield "main", (b"# a comment\n[fermata]\ncomposer = bach ; and why\nvolume = 0.5\npiece-length = 2-5\n"
                   b"rtp = 239.1.2.3:5004/alaw\nprofile = telephone\nmidi = yes\nseed = 12\n"
                   b"schedule = Mon..Fri 18:00 composer=debussy volume=0.5\nfollowed = 1795385992 1a2b3c4d\n")
    yield "channels", (b"[fermata]\nthreshold = 0.4\n[channel support]\ntarget = alsa_output.pci\n"
                       b"sampling = hard\nreseed_interval = 30\noutput = source\n\n[channel sales-2]\n"
                       b"removed = yes\nschedule =\n")
    yield "wrong", (b"volume = 2\n[fermata\nno line\n[channel UPPER]\nx = y\n[channel a]\nmodels = /tmp\n"
                    b"[other]\nvolume = nan\n  continued\nnet =\n")


def schedules():
    for name, text in {
        "week": "Mon..Fri 18:00 composer=debussy volume=0.5", "rest": "Sat,Sun 8..20/2:30:15 stop",
        "date": "*-12-24..26 10:00 start", "often": "*:0/15 skip", "word": "weekly threshold=0.4",
        "leap": "Mon *-2-29 12:00 start", "never": "2-30 12:00 start", "past": "1999-1-1 0:00 stop",
        "gap": "*-3-31 2:30 start", "twice": "*-11-3 1:30 skip stop", "seconds": "*:*:* start",
        "lists": "1,3..5,7/2-1..31/5 1,2,3,4,5,6,7,8,9,10,11,12:00 profile=raw",
    }.items():
        yield name, text.encode()


def addresses():
    for number, text in enumerate(("239.1.2.3:5004", "192.0.2.7:4000/ulaw", "10.0.0.1:65534/alaw", "224.0.0.1:1",
                                   "localhost:5004", "::1:5004", "1.2.3.4:0x10", "255.255.255.255:9")):
        yield str(number), text.encode()


def seedbooks():
    yield "book", (b"# seeds\nphrase bach Prelude in C\n0 500 60 70\n250 500 64 71\r\n500 400 67 72\n\n"
                   b"phrase chopin\n100 1 0 1\n600000 600000 127 127\n")
    yield "wrong", b"1 2 3 4\n"


def sounds():
    def samples(count, channels):
        return b"".join(struct.pack("<h", int(9000 * math.sin(i / 5))) * channels for i in range(count))

    for rate, channels, width in ((8000, 1, 2), (44100, 2, 2), (16000, 6, 2), (8000, 1, 1)):
        memory = io.BytesIO()
        with wave.open(memory, "wb") as out:
            out.setparams((channels, width, rate, 0, "NONE", ""))
            out.writeframes(samples(1200, channels)[: 1200 * channels * width])
        yield f"wav-{rate}-{channels}-{width}", memory.getvalue()
    data = samples(1200, 1)
    for form, name in ((7, "ulaw"), (6, "alaw"), (2, "adpcm"), (0x11, "ima"), (0x31, "gsm")):
        block = {2: 256, 0x11: 256, 0x31: 65}.get(form, 1)
        head = struct.pack("<HHIIHHH", form, 1, 8000, 8000, block, 4 if block > 1 else 8, 0)
        yield f"wav-{name}", (b"RIFF" + struct.pack("<I", 38 + len(data)) + b"WAVEfmt "
                              + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data)
    big = b"".join(data[i + 1 : i + 2] + data[i : i + 1] for i in range(0, len(data), 2))
    comm = struct.pack(">hIh", 1, 1200, 16) + b"\x40\x0b\xfa\0\0\0\0\0\0\0"
    body = (b"AIFFCOMM" + struct.pack(">I", len(comm)) + comm
            + b"SSND" + struct.pack(">III", len(big) + 8, 0, 0) + big)
    yield "aiff", b"FORM" + struct.pack(">I", len(body)) + body
    yield "au", b".snd" + struct.pack(">IIIII", 24, len(big), 3, 8000, 1) + big
    yield "w64", b"riff.\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0" + struct.pack("<Q", 104 + len(data))
    yield "caf", b"caff\0\1\0\0desc" + struct.pack(">QdIIIIII", 32, 8000, 0x6C70636D, 0, 2, 1, 1, 16) + big
    yield "voc", b"Creative Voice File\x1a\x1a\0\x14\x01\x1f\x11\x01\x02\x04\0\x83\0" + data[:1024] + b"\0"


SOURCES = {
    "midi_reader": midi_files, "weights": weights, "settings": settings, "schedule": schedules,
    "rtp_address": addresses, "seedbook": seedbooks, "announcement": sounds,
}


def main():
    for target, source in SOURCES.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in source():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
