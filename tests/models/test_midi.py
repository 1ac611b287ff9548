"""MIDI to notes: pedal, repeats, tempo, zero lengths, re-struck pitches, damage."""

import os
import tempfile
import unittest

import numpy as np

from models import midi

from hand import file, off, on, pedal, rows, tempo


class Reading(unittest.TestCase):
    def test_note_has_its_times_pitch_and_velocity(self):
        notes = midi.read(file([on(60, 77, 480), off(60, 240)]))
        self.assertEqual(rows(notes), [(0.5, 0.75, 60, 77)])

    def test_note_on_with_velocity_zero_is_an_off(self):
        notes = midi.read(file([on(60, 77), on(60, 0, 96), on(62, 50, 96), off(62, 96)]))
        self.assertEqual(rows(notes), [(0.0, 0.1, 60, 77), (0.2, 0.3, 62, 50)])

    def test_pedal_holds_a_released_note_until_it_is_up(self):
        notes = midi.read(file([pedal(127), on(60), off(60, 96), pedal(0, 864)]))
        self.assertEqual(rows(notes), [(0.0, 1.0, 60, 64)])

    def test_pedal_counts_as_down_from_64(self):
        for value, end in ((63, 0.1), (64, 1.0)):
            notes = midi.read(file([pedal(value), on(60), off(60, 96), pedal(0, 864)]))
            self.assertEqual(rows(notes), [(0.0, end, 60, 64)], value)

    def test_pedal_up_does_not_end_a_key_that_is_down(self):
        notes = midi.read(file([pedal(127), on(60), pedal(0, 96), off(60, 864)]))
        self.assertEqual(rows(notes), [(0.0, 1.0, 60, 64)])

    def test_pedal_after_the_release_does_not_lengthen(self):
        notes = midi.read(file([on(60), off(60, 96), pedal(127, 96), pedal(0, 96)]))
        self.assertEqual(rows(notes), [(0.0, 0.1, 60, 64)])

    def test_repeated_pedal_down_is_one_pedal(self):
        notes = midi.read(file([pedal(127), on(60), off(60, 96), pedal(100, 96), pedal(0, 768)]))
        self.assertEqual(rows(notes), [(0.0, 1.0, 60, 64)])

    def test_pitch_struck_again_under_the_pedal_ends_the_first(self):
        notes = midi.read(file([pedal(127), on(60, 50), off(60, 96), on(60, 70, 384), off(60, 96), pedal(0, 384)]))
        self.assertEqual(rows(notes), [(0.0, 0.5, 60, 50), (0.5, 1.0, 60, 70)])

    def test_pitch_struck_again_while_its_key_is_down_ends_the_first(self):
        notes = midi.read(file([on(60, 50), on(60, 70, 480), off(60, 480)]))
        self.assertEqual(rows(notes), [(0.0, 0.5, 60, 50), (0.5, 1.0, 60, 70)])

    def test_repeated_notes_stay_apart(self):
        track = []
        for _ in range(5):
            track += [on(60, 64, 48), off(60, 48)]
        self.assertEqual([r[0] for r in rows(midi.read(file(track)))], [0.05, 0.15, 0.25, 0.35, 0.45])

    def test_pedal_of_another_channel_does_not_hold(self):
        notes = midi.read(file([pedal(127, channel=1), on(60), off(60, 96), pedal(0, 864, channel=1)]))
        self.assertEqual(rows(notes), [(0.0, 0.1, 60, 64)])

    def test_pedal_never_released_lasts_to_the_last_event(self):
        notes = midi.read(file([pedal(127), on(60), off(60, 96), on(62, 64, 384), off(62, 480)]))
        self.assertEqual(rows(notes), [(0.0, 1.0, 60, 64), (0.5, 1.0, 62, 64)])

    def test_tempo_change_in_the_middle_of_a_note(self):
        conductor = [tempo(500000), tempo(1000000, 480)]
        notes = midi.read(file(conductor, [on(60), off(60, 960), on(62), off(62, 480)]))
        self.assertEqual(rows(notes), [(0.0, 1.5, 60, 64), (1.5, 2.5, 62, 64)])

    def test_tempo_in_a_later_track_counts_for_all(self):
        notes = midi.read(file([on(60, 64, 480), off(60, 480)], [tempo(250000)]))
        self.assertEqual(rows(notes), [(0.25, 0.5, 60, 64)])

    def test_zero_length_note_is_kept(self):
        notes = midi.read(file([on(60, 64, 96), off(60), on(62, 64, 96), off(62, 96)]))
        self.assertEqual(rows(notes), [(0.1, 0.1, 60, 64), (0.2, 0.3, 62, 64)])

    def test_doubled_note_is_one_of_the_louder_velocity(self):
        notes = midi.read(file([on(60, 40), off(60, 96)], [on(60, 90, channel=1), off(60, 192, channel=1)]))
        self.assertEqual(rows(notes), [(0.0, 0.2, 60, 90)])

    def test_simultaneous_notes_are_sorted_by_pitch(self):
        notes = midi.read(file([on(67), on(60), on(64), off(67, 96), off(60), off(64)]))
        self.assertEqual(notes["pitch"].tolist(), [60, 64, 67])

    def test_percussion_is_left_out(self):
        self.assertEqual(len(midi.read(file([on(36, channel=9), off(36, 96, channel=9)]))), 0)

    def test_off_without_on_is_nothing(self):
        self.assertEqual(len(midi.read(file([off(60, 96), pedal(0)]))), 0)

    def test_damaged_file_is_a_value_error(self):
        good = file([on(60), off(60, 96)])
        for bad in (b"", b"RIFFnonsense", good[:20]):
            with self.assertRaises(ValueError):
                midi.read(bad)

    def test_written_file_reads_back(self):
        notes = np.array([(0.0, 0.5, 60, 64), (0.25, 1.0, 64, 100), (0.5, 0.75, 60, 3)], midi.NOTE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.mid")
            midi.write(notes, path)
            back = midi.read(path)
        self.assertEqual(rows(back), rows(midi.separate(notes)))


if __name__ == "__main__":
    unittest.main()
