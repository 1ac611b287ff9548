"""Archives: zip and folder alike, splits honoured, names, the cache."""

import contextlib
import io
import os
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from models import archive

from hand import file, off, on

TABLE = """canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration
Frédéric Chopin,"Étude, op. 10",train,2018,2018/a.midi,2018/a.wav,1.0
Franz Schubert / Franz Liszt,Lied,validation,2018,2018/b.midi,2018/b.wav,1.0
Claude Debussy,Secret,test,2018,2018/c.midi,2018/c.wav,1.0
Claude Debussy,Broken,train,2018,2018/d.midi,2018/d.wav,1.0
Claude Debussy,Absent,train,2018,2018/e.midi,2018/e.wav,1.0
"""

MANIFEST = """path,composer,title,split,kind,instrument,expression
X/a.mid,J. S. Bach,Fugue,train,score,organ,flat
X/b.mid,J. S. Bach,Fugue 2,test,performance,piano,sequenced
X/c.mid,Schumann_C,Lied,train,score,voice+piano,dynamics
X/d.mid,Schumann_C,Romance,train,performance,piano,sequenced
"""


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        patch = mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.root / "cache")})
        patch.start()
        self.addCleanup(patch.stop)
        self.members = {
            "maestro-v3.0.0/maestro-v3.0.0.csv": TABLE.encode(),
            "maestro-v3.0.0/2018/a.midi": file([on(60), off(60, 480), on(62), off(62, 480)]),
            "maestro-v3.0.0/2018/b.midi": file([on(64), off(64, 480)]),
            "maestro-v3.0.0/2018/c.midi": file([on(66), off(66, 480)]),
            "maestro-v3.0.0/2018/d.midi": b"not MIDI at all",
        }

    def zip(self, name="x.zip"):
        path = self.root / name
        with zipfile.ZipFile(path, "w") as out:
            for member, data in self.members.items():
                out.writestr(member, data)
        return path

    def load(self, path):
        with contextlib.redirect_stderr(io.StringIO()):
            return archive.load(path, processes=1, log=lambda text: None)

    def test_zip(self):
        data = self.load(self.zip())
        self.assertEqual(data.family, "maestro")
        self.assertEqual([(p.composer, p.split) for p in data.pieces], [("chopin", "train"), ("schubert", "validation")])
        self.assertEqual(data.pieces[0].notes["pitch"].tolist(), [60, 62])
        self.assertEqual(data.pieces[1].notes["pitch"].tolist(), [64])
        self.assertEqual(data.pieces[0].title, "Étude, op. 10")

    def test_test_split_is_never_read(self):
        data = self.load(self.zip())
        self.assertNotIn(66, [int(n) for p in data.pieces for n in p.notes["pitch"]])
        self.assertEqual(data.of("test"), [])

    def test_folder_gives_the_same(self):
        for member, content in self.members.items():
            path = self.root / "folder" / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        one, two = self.load(self.zip()), self.load(self.root / "folder")
        for a, b in zip(one.pieces, two.pieces):
            self.assertEqual(a[:4], b[:4])
            self.assertEqual(a.notes.tolist(), b.notes.tolist())
        self.assertEqual(len(one.pieces), len(two.pieces))

    def test_manifest_archive(self):
        music = file([on(60), off(60, 480)])
        self.members = {"manifest.csv": MANIFEST.encode(), **{f"X/{n}.mid": music for n in "abcd"}}
        data = self.load(self.zip())
        self.assertEqual(data.family, "permissive")
        self.assertEqual(
            [(p.composer, p.split, p.file, p.kind, p.flat) for p in data.pieces],
            [
                ("bach", "train", "X/a.mid", "score", True),
                ("schumann_c", "train", "X/c.mid", "song", False),
                ("schumann_c", "train", "X/d.mid", "performance", False),
            ],
        )

    def test_cache_serves_the_second_time_and_follows_the_content(self):
        path = self.zip()
        first = self.load(path)
        with mock.patch.object(archive, "_build", side_effect=AssertionError("parsed again")):
            again = self.load(path)
        self.assertEqual(first.pieces[0].notes.tolist(), again.pieces[0].notes.tolist())
        self.members["maestro-v3.0.0/2018/a.midi"] = file([on(70), off(70, 480)])
        self.assertEqual(self.load(self.zip()).pieces[0].notes["pitch"].tolist(), [70])

    def test_archive_without_a_table_is_refused(self):
        self.members = {"a.mid": file([on(60), off(60, 480)])}
        with self.assertRaises(ValueError):
            self.load(self.zip())
        with self.assertRaises(FileNotFoundError):
            archive.find(self.root / "nowhere.zip")

    def test_short_names(self):
        for name, short in (
            ("Frédéric Chopin", "chopin"), ("Johann Sebastian Bach / Ferruccio Busoni", "bach"),
            ("Leoš Janáček", "janacek"), ("César Franck", "franck"), ("", "unknown"),
        ):
            self.assertEqual(archive.short_name(name), short)


if __name__ == "__main__":
    unittest.main()
