"""Archives of performances: where the training music comes from.

Owns the finding and reading of the data archives (the zip files of
../shared/data, the official MAESTRO zip, or a folder of MIDI that holds
MAESTRO's csv or the permissive archive's manifest), the composers' short
names, the splits, and the cache of parsed notes. Knows no frames.

The cache is one .npz per archive in ${XDG_CACHE_HOME:-~/.cache}/fermata/,
named after the archive's sha256, so a changed archive is parsed anew.
MAESTRO's test split is never read.

    python3 -m models.archive [--data PATH]     parse (or show what is cached)
"""

import argparse
import csv
import hashlib
import io
import json
import multiprocessing
import os
import sys
import time
import unicodedata
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import midi

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MAESTRO = "maestro-v3.0.0-midi.zip"
PERMISSIVE = "permissive-midi.zip"
SPLITS = ("train", "validation")

CORRECTED = {  # MAESTRO lists Chopin's Barcarolle as Debussy's and a prelude of Debussy's as Chopin's
    "MIDI-Unprocessed_R1_D1-1-8_mid--AUDIO-from_mp3_02_R1_2015_wav--3.midi": "chopin",
    "MIDI-Unprocessed_R1_D1-1-8_mid--AUDIO-from_mp3_02_R1_2015_wav--5.midi": "debussy",
}

LICENCES = {  # of weights made from the archive
    "maestro": "CC BY-NC-SA 4.0 (non-commercial)",
    "permissive": "CC BY-SA 4.0",
}
ATTRIBUTIONS = {
    "maestro": (
        "MAESTRO v3.0.0: Curtis Hawthorne, Andriy Stasyuk, Adam Roberts, Ian Simon, "
        "Cheng-Zhi Anna Huang, Sander Dieleman, Erich Elsen, Jesse Engel, Douglas Eck: "
        '"Enabling Factorized Piano Music Modeling and Generation with the MAESTRO Dataset", '
        "ICLR 2019. http://g.co/magenta/maestro-dataset"
    ),
    "permissive": (
        "Keyboard music under licences that permit commercial use: Bernd Krueger "
        "(http://www.piano-midi.de, CC BY-SA 3.0 DE), the Mutopia Project and its typesetters, Knute "
        "Snortum (CC BY-SA 4.0), The Fryderyk Chopin Institute (https://chopinscores.org, "
        "https://polishscores.org, CC BY 4.0), OpenScore Lieder Corpus (CC0), Jose Tamad (CC0); "
        "all of them with licences in LICENSES-open.md"
    ),
}

_CACHE_FORMAT = 3  # raise when midi.py or the fields of Piece change

KINDS = ("performance", "score", "song")  # how the music came to be; a song has its voice merged in


class Piece(NamedTuple):
    """One performance."""

    composer: str  # short name: ascii, lower case, first-named composer's last name
    split: str  # "train" or "validation"
    title: str
    file: str  # path inside the archive
    kind: str  # of KINDS: timing and dynamics of a hand, of a page, of a page with a voice
    flat: bool  # the velocities say nothing
    notes: np.ndarray  # midi.NOTE


class Archive(NamedTuple):
    """A parsed archive."""

    name: str  # file name of the archive
    sha256: str
    family: str  # "maestro" or "permissive"
    pieces: list  # of Piece

    def of(self, split, composer=None):
        """Pieces of a split, and of a composer if one is named."""
        return [p for p in self.pieces if p.split == split and composer in (None, p.composer)]


def short_name(composer):
    """'Frédéric Chopin' -> 'chopin'; of 'Franz Schubert / Franz Liszt' the first: 'schubert'."""
    first = composer.split("/")[0].strip()
    plain = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode()
    words = "".join(c if c.isalnum() or c == "_" else " " for c in plain.lower()).split()
    return words[-1] if words else "unknown"


def find(data=None):
    """Path of the archive: `data`, or MAESTRO in ../shared/data. Raises FileNotFoundError."""
    path = Path(data) if data else DATA / MAESTRO
    if path.is_dir() and (path / MAESTRO).is_file():
        path = path / MAESTRO
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such archive; give the MAESTRO v3.0.0 MIDI zip "
            "(https://magenta.tensorflow.org/datasets/maestro) with --data PATH"
        )
    return path


class _Files:
    """Reads members of a zip file or a folder alike, by name."""

    def __init__(self, path):
        self.zip = zipfile.ZipFile(path) if Path(path).is_file() else None
        self.root = Path(path)

    def names(self):
        if self.zip:
            return self.zip.namelist()
        return [p.relative_to(self.root).as_posix() for p in sorted(self.root.rglob("*")) if p.is_file()]

    def read(self, name):
        return self.zip.read(name) if self.zip else (self.root / name).read_bytes()


def catalogue(files):
    """(family, [(composer, split, title, file, kind, flat)]) of what the archive says it holds."""
    names = set(files.names())
    tables = sorted(n for n in names if n.endswith(".csv"))
    for table in tables:
        rows = list(csv.DictReader(io.StringIO(files.read(table).decode("utf-8-sig"))))
        folder = table.rpartition("/")[0]
        prefix = folder + "/" if folder else ""
        if rows and "midi_filename" in rows[0]:
            found = [
                (CORRECTED.get(r["midi_filename"].rpartition("/")[2]) or short_name(r["canonical_composer"]), r["split"], r["canonical_title"], prefix + r["midi_filename"],
                 "performance", False)
                for r in rows
                if r["split"] in SPLITS and prefix + r["midi_filename"] in names
            ]
            return "maestro", found
        if rows and {"path", "composer", "split"} <= set(rows[0]):
            found = [
                (short_name(r["composer"]), r["split"], r["title"], prefix + r["path"],
                 "song" if r.get("instrument") == "voice+piano" else r.get("kind", "score"),
                 r.get("expression") == "flat")
                for r in rows
                if r["split"] in SPLITS and prefix + r["path"] in names
            ]
            return "permissive", found
    raise ValueError("no maestro csv and no manifest.csv in the archive")


def digest(path):
    """sha256 of an archive file; for a folder, of its table of names and sizes."""
    sha = hashlib.sha256()
    if Path(path).is_file():
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                sha.update(block)
    else:
        for item in sorted(Path(path).rglob("*")):
            if item.is_file():
                sha.update(f"{item.relative_to(path)} {item.stat().st_size}\n".encode())
    return sha.hexdigest()


def _parse(job):
    path, name = job
    try:
        return midi.read(_Files(path).read(name))
    except ValueError as error:
        print(f"archive: {name}: {error}", file=sys.stderr)
        return None


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "fermata"


def load(data=None, processes=None, log=print):
    """The Archive at `data` (see find), from the cache where it is there."""
    path = find(data)
    sha = digest(path)
    cache = cache_folder() / f"notes-{sha[:16]}-{_CACHE_FORMAT}.npz"
    if not cache.is_file():
        _build(path, sha, cache, processes, log)
    with np.load(cache) as stored:
        about = json.loads(bytes(stored["about"]).decode())
        notes, ends = stored["notes"], stored["ends"]
    starts = np.concatenate([[0], ends[:-1]])
    pieces = [
        Piece(*row, notes[start:end]) for row, start, end in zip(about["pieces"], starts, ends)
    ]
    return Archive(path.name, sha, about["family"], pieces)


def _build(path, sha, cache, processes, log):
    began = time.time()
    family, rows = catalogue(_Files(path))
    log(f"archive: parsing {len(rows)} files of {path}")
    with multiprocessing.Pool(processes) as pool:
        parsed = pool.map(_parse, [(str(path), row[3]) for row in rows], chunksize=8)
    good = [(row, notes) for row, notes in zip(rows, parsed) if notes is not None and len(notes)]
    if not good:
        raise ValueError(f"{path}: no readable MIDI file")
    about = {"family": family, "sha256": sha, "pieces": [row for row, _ in good]}
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_suffix(f".{os.getpid()}.part.npz")
    np.savez_compressed(
        part,
        about=np.frombuffer(json.dumps(about).encode(), np.uint8),
        notes=np.concatenate([notes for _, notes in good]),
        ends=np.cumsum([len(notes) for _, notes in good]),
    )
    os.replace(part, cache)
    log(f"archive: cached {len(good)} pieces in {cache} after {time.time() - began:.0f} s")


def main():
    parser = argparse.ArgumentParser(description="Parse and cache a data archive.")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's MAESTRO)")
    parser.add_argument("--processes", type=int, help="parser processes (default: one per core)")
    arguments = parser.parse_args()
    archive = load(arguments.data, arguments.processes)
    print(f"{archive.name} ({archive.family}) sha256 {archive.sha256}")
    for split in SPLITS:
        pieces = archive.of(split)
        hours = sum(float(p.notes["offset"].max()) for p in pieces) / 3600
        print(f"  {split}: {len(pieces)} files, {hours:.2f} h, {sum(len(p.notes) for p in pieces)} notes")


if __name__ == "__main__":
    main()
