#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The daemon's own engine, composing to files (fermatad --compose): generator, lane, scribe,
curator, score and the real nets on the real device, without sound and bus.

FERMATAD says what to test; FERMATA_MODELS where the nets are, FERMATA_LICENCE that all of them may
be played.
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import mido
import numpy as np

FERMATAD = os.environ['FERMATAD']
MODELS = os.environ['FERMATA_MODELS']
ROLL, NOTES = 'lstm-maestro', 'transformer-open'
NETS = [net for net in (ROLL, NOTES)
        if os.path.exists(os.path.join(MODELS, net + '.safetensors'))]
if NOTES not in NETS:
    print(f'left out: there is no {NOTES} in {MODELS}, so nets of notes are not tested')


def run(*options, env=None):
    return subprocess.run([FERMATAD, *options], capture_output=True, text=True, timeout=600,
                          env={**os.environ, **(env or {})})


def read_lines(text):
    """(notes, other events)"""
    events = [json.loads(line) for line in text.splitlines()]
    return [e for e in events if e['event'] == 'on'], [e for e in events if e['event'] != 'on']


def compose(seconds, *options, net=ROLL):
    """(notes, other events) of so much music."""
    done = run('--compose', '--seconds', str(seconds), '--net', net, '--quiet', *options, '-')
    assert done.returncode == 0, done.stderr
    return read_lines(done.stdout)


def gaps(notes, seconds):
    onsets = [0.0] + [e['time'] for e in notes] + [seconds]
    return [b - a for a, b in zip(onsets, onsets[1:])]


class Tune(unittest.TestCase):
    """fermatad --tune: measures, keeps, and changes no note."""

    def test_table_and_file(self):
        with tempfile.TemporaryDirectory() as folder:
            models, cache = os.path.join(folder, 'models'), os.path.join(folder, 'cache')
            os.mkdir(models)
            os.mkdir(cache)
            for name in (f'{NETS[0]}.safetensors', 'seeds-maestro.txt', 'seeds-open.txt'):
                if os.path.exists(os.path.join(MODELS, name)):
                    os.symlink(os.path.join(MODELS, name), os.path.join(models, name))
            there = ('--models', models)
            env = {'XDG_CACHE_HOME': cache}
            before = run('--compose', '--seconds', '20', '--seed', '5', '--quiet', *there, '-', env=env)
            self.assertEqual(before.returncode, 0, before.stderr)
            done = run('--tune', *there, env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            head, *rows, kept = done.stdout.splitlines()
            self.assertEqual(head.split(), ['net', 'lanes', 'together', 'rows', 'us', 'per', 'step'])
            self.assertTrue(all(row.startswith(NETS[0]) for row in rows))
            path = kept.removeprefix('kept in ')
            self.assertTrue(path.startswith(cache), kept)
            chosen = [row.split() for row in rows if 'chosen' in row]
            self.assertEqual([row[1] for row in chosen], ['1', '4', '8'])
            with open(path, encoding='utf-8') as stream:
                first, *lines = stream.read().splitlines()
            self.assertTrue(first.startswith('fermata-tuning-2 '))
            self.assertEqual([line.split()[1:3] for line in lines], [row[2:4] for row in chosen])
            after = run('--compose', '--seconds', '20', '--seed', '5', '--quiet', *there, '-', env=env)
            self.assertEqual(before.stdout, after.stdout)

    def test_not_beside_composing(self):
        done = run('--tune', '--compose', 'a.mid')
        self.assertEqual(done.returncode, 64)
        self.assertIn('--tune', done.stderr)


class Compose(unittest.TestCase):
    def test_same_seed_same_notes(self):
        for net in NETS:
            first = compose(60, '--seed', '11', net=net)
            self.assertEqual(first, compose(60, '--seed', '11', net=net))
            other, _ = compose(10, '--seed', '12', net=net)
            self.assertNotEqual(first[0][:len(other)], other)

    def test_what_composed_it_stands_first(self):
        _, others = compose(5, '--seed', '11', '--composer', 'bach', '--threshold', '0.4')
        self.assertEqual(others[0]['event'], 'composed')
        self.assertEqual(others[0]['seed'], 11)
        self.assertEqual(others[0]['seconds'], 5)
        self.assertEqual(others[0]['composer'], 'bach')
        self.assertEqual(others[0]['threshold'], 0.4)
        self.assertIn('CC BY-NC-SA', others[0]['licence'])
        self.assertEqual(others[1]['event'], 'piece')

    def test_notes_are_notes(self):
        for net in NETS:
            notes, _ = compose(120, '--seed', '4', net=net)
            self.assertEqual(notes, sorted(notes, key=lambda e: e['time']))
            for note in notes:
                self.assertTrue(21 <= note['pitch'] <= 108)
                self.assertTrue(1 <= note['velocity'] <= 127)
                self.assertTrue(0 < note['duration'] <= 12)
            self.assertGreater(len({e['velocity'] for e in notes}), 10, 'a typewriter')
            ends = {}
            for note in notes:
                self.assertLessEqual(ends.get(note['pitch'], 0), note['time'] + 0.0011)
                ends[note['pitch']] = note['time'] + note['duration']

    def test_pieces_end_and_others_begin(self):
        for net in NETS:
            notes, others = compose(240, '--seed', '3', '--piece-length', '0.5-0.75', net=net)
            pieces = [e for e in others if e['event'] == 'piece']
            times = [e['time'] for e in pieces]
            lengths = np.diff(times)
            self.assertGreaterEqual(len(pieces), 5)
            self.assertTrue((lengths > 25).all() and (lengths < 52).all(), lengths)
            self.assertEqual([e['text'] for e in pieces], ['start'] + ['next'] * (len(pieces) - 1))
            for number, piece in enumerate(pieces, 1):
                self.assertRegex(piece['title'],
                                 rf'^Improvisation in the manner of Chopin, no\. {number}$')
            onsets = np.array([e['time'] for e in notes])
            ends = onsets + [e['duration'] for e in notes]
            for time in times[1:]:
                before = onsets[onsets < time - 1e-3].max()
                after = onsets[onsets > time - 1e-3].min()
                # A chord is held for two seconds, and everything ends with it, before the breath.
                self.assertLessEqual(after - before, 3.002, (net, time))
                release = ends[onsets < time - 1e-3].max()
                self.assertAlmostEqual(release, before + 2, delta=0.07)
                self.assertGreaterEqual(after - release, 0.4, (net, time))
            sounded = np.maximum.accumulate(ends)
            self.assertLessEqual((onsets[1:] - sounded[:-1]).max(), 3.0, net)
            self.assertLessEqual(max(gaps(notes, 240)), 4.0)

    def test_a_piece_may_have_no_end(self):
        for net in NETS:
            for options in (('--piece-length', '0'), ('--piece-length', '0.5', '--curator', 'no')):
                _, others = compose(75, '--seed', '3', *options, net=net)
                self.assertEqual([e['text'] for e in others if e['event'] == 'piece'], ['start'])

    def test_hard_sampling_does_not_fall_silent(self):
        for net in NETS:
            for threshold in ('0.3', '0.9'):
                notes, _ = compose(120, '--sampling', 'hard', '--threshold', threshold, '--seed',
                                   '1', net=net)
                self.assertLessEqual(max(gaps(notes, 120)), 4.0, (net, threshold))

    def test_the_threshold_thins_the_music(self):
        # Without the curator, which holds the density where the composer has it.
        thick, thin = (len(compose(90, '--curator', 'no', '--seed', '2', '--threshold', t)[0])
                       for t in ('0.4', '0.75'))
        self.assertGreater(thick, 1.5 * thin)

    def test_without_the_curator_nothing_is_reseeded(self):
        for net in NETS:
            _, others = compose(120, '--curator', 'no', '--seed', '2', net=net)
            self.assertEqual([e for e in others if e['event'] == 'reseed'], [])

    def test_the_interval_is_kept(self):
        for net in NETS:
            _, others = compose(120, '--reseed-interval', '10', '--seed', '2', net=net)
            self.assertGreaterEqual(len([e for e in others if e['event'] == 'reseed']), 7)
            _, others = compose(120, '--reseed-interval', '0', '--seed', '2', net=net)
            self.assertEqual([e for e in others if e.get('text') == 'interval'], [])

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run('--compose', '--seconds', '1', '--models', folder, '-')
            self.assertEqual(done.returncode, 78)
            self.assertIn(folder, done.stderr)
            with open(os.path.join(folder, 'lstm-maestro.safetensors'), 'wb') as file:
                file.write(b'\x10\0\0\0\0\0\0\0{"no":"net"}    ')
            done = run('--compose', '--seconds', '1', '--models', folder, '-')
            self.assertEqual(done.returncode, 78)
            self.assertIn('lstm-maestro.safetensors', done.stderr)
        done = run('--compose', '--seconds', '1', '--device', 'no such thing', '-')
        self.assertEqual(done.returncode, 1)
        self.assertIn('no such thing', done.stderr)

    def test_who_is_not_there_is_an_error_on_the_command_line_alone(self):
        for key, word in (('composer', 'beatles'), ('net', 'no-such')):
            done = run('--compose', '--seconds', '1', '--' + key, word, '-')
            self.assertEqual((done.returncode, done.stdout), (78, ''))
            self.assertIn(word, done.stderr)
            done = run('--compose', '--seconds', '1', '-', env={'FERMATA_' + key.upper(): word})
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stderr)
            self.assertEqual(json.loads(done.stdout.splitlines()[0])['composer'], 'chopin')


class Licence(unittest.TestCase):
    def test_non_commercial_nets_are_left_out_unless_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(MODELS, ROLL + '.safetensors'), folder)
            # Without the family's seeds, too: they may be missing.
            options = ('--compose', '--seconds', '1', '--models', folder, '-')
            done = run(*options, env={'FERMATA_LICENCE': 'commercial'})
            self.assertEqual(done.returncode, 78)
            for word in (ROLL, 'CC BY-NC-SA 4.0', 'licence = any'):
                self.assertIn(word, done.stderr)
            done = run(*options, env={'FERMATA_LICENCE': 'any'})
            self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(NOTES in NETS, 'no net of the family open')
    def test_the_open_net_is_the_default(self):
        for licence in ('commercial', 'any'):
            done = run('--compose', '--seconds', '1', '--quiet', '-',
                       env={'FERMATA_LICENCE': licence})
            self.assertEqual(read_lines(done.stdout)[1][0]['net'], NOTES)
        done = run('--compose', '--seconds', '1', '-',
                   env={'FERMATA_LICENCE': 'commercial', 'FERMATA_NET': ROLL})
        self.assertEqual(read_lines(done.stdout)[1][0]['net'], NOTES)
        self.assertIn(f'{ROLL} may not be used commercially', done.stderr)
        done = run('--compose', '--seconds', '1', '--net', ROLL, '-',
                   env={'FERMATA_LICENCE': 'commercial'})
        self.assertEqual(done.returncode, 78)
        self.assertIn(f'{ROLL} may not be used commercially', done.stderr)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return [os.path.join(self.folder, name) for name in names]

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding='utf-8') as file:
            return read_lines(file.read())

    def test_one_piece_in_all_forms(self):
        done = run('--compose', '--seconds', '20', '--seed', '5', '--net', ROLL,
                   *self.path('a.mid', 'a.wav', 'a.png', 'a.jsonl'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('composed 100 %', done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ['a.jsonl', 'a.mid', 'a.png', 'a.wav'])
        notes, _ = self.read('a.jsonl')

        midi = mido.MidiFile(self.path('a.mid')[0])
        self.assertEqual((midi.type, len(midi.tracks)), (0, 1))
        self.assertIn('by lstm-maestro, seed 5', midi.tracks[0].name)
        self.assertTrue(any(m.type == 'program_change' and m.program == 0
                            for m in midi.tracks[0]))
        found, sounding, now = [], {}, 0.0
        for message in midi:  # in seconds, by the file's tempo
            now += message.time
            if message.type == 'note_on':
                sounding[message.note] = (round(now, 3), message.velocity)
            elif message.type == 'note_off':
                onset, velocity = sounding.pop(message.note)
                found.append((onset, message.note, velocity, round(now - onset, 3)))
        self.assertEqual(sounding, {})
        self.assertEqual(sorted(found), sorted(
            (n['time'], n['pitch'], n['velocity'], n['duration']) for n in notes))

        with open(self.path('a.wav')[0], 'rb') as file:
            sound = file.read()
        self.assertEqual(struct.unpack('<4sI4s4sIHHIIHH4sI', sound[:44]),
                         (b'RIFF', len(sound) - 8, b'WAVE', b'fmt ', 16, 1, 2, 48000, 192000, 4,
                          16, b'data', len(sound) - 44))
        samples = np.frombuffer(sound[44:], '<i2').reshape(-1, 2)
        self.assertEqual(len(samples), 20 * 48000)
        seconds = np.abs(samples.astype(int)).max(1).reshape(20, 48000).max(1)
        self.assertTrue((seconds > 300).all(), seconds)
        self.assertLess(np.abs(samples[-20:].astype(int)).max(), 100, 'it ends with a click')

        with open(self.path('a.png')[0], 'rb') as file:
            picture = file.read()
        self.assertEqual(picture[:8], b'\x89PNG\r\n\x1a\n')
        width, height = struct.unpack('>II', picture[16:24])
        self.assertGreater(width * height, 500_000)
        self.assertGreater(len(picture), 12_000, 'an empty picture')

    def test_a_batch_is_what_its_pieces_are_alone(self):
        for net in NETS:
            with self.subTest(net):
                done = run('--compose', '--seconds', '40', '--seed', '21', '--net', net,
                           *self.path('a.jsonl', 'b.jsonl', 'c.jsonl', 'c.mid'))
                self.assertEqual(done.returncode, 0, done.stderr)
                for seed, name in ((21, 'a'), (22, 'b'), (23, 'c')):
                    self.assertEqual(self.read(name + '.jsonl'),
                                     compose(40, '--seed', str(seed), net=net))

    def test_a_phrase_is_played_and_gone_on_from(self):
        phrase = mido.MidiFile(ticks_per_beat=480)
        track = mido.MidiTrack()
        phrase.tracks.append(track)
        pitches = [60 + step for step in (0, 4, 7, 12, 16, 12, 7, 4)] * 3
        for pitch in pitches:
            track.append(mido.Message('note_on', note=pitch, velocity=80, time=0))
            track.append(mido.Message('note_off', note=pitch, velocity=0, time=240))
        path, = self.path('phrase.mid')
        phrase.save(path)
        for net in NETS:
            with self.subTest(net):
                notes, others = compose(20, '--seed', '9', '--continue', path, net=net)
                self.assertEqual([e['pitch'] for e in notes[:24]], pitches)
                for i, note in enumerate(notes[:24]):
                    self.assertAlmostEqual(note['time'], i / 4, delta=0.004)
                self.assertGreaterEqual(notes[24]['time'], 5.9)
                self.assertGreater(len(notes), 40)
                self.assertLess(max(gaps(notes, 20)), 3)
                self.assertEqual(others[1]['text'], 'given')
                self.assertEqual(compose(20, '--seed', '9', '--continue', path, net=net)[0], notes)
                other = compose(20, '--seed', '10', '--continue', path, net=net)[0]
                self.assertEqual(other[:24], notes[:24])
                self.assertNotEqual(other[24:], notes[24:])
        done = run('--compose', '--continue', __file__, *self.path('x.mid'))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('no MIDI file', done.stderr)
        self.assertEqual(os.listdir(self.folder), ['phrase.mid'])
        self.assertEqual(run('--continue', path).returncode, 64)

    def test_names_that_cannot_be_come_to_light_at_once(self):
        for names, words in ((['x.mp3'], ['x.mp3', '.wav']), (['x'], ['.mid']),
                             (['no/such/folder/x.mid'], ['no/such/folder', 'folder that is there']),
                             (['x.mid', 'x.mid'], ['twice'])):
            done = run('--compose', *self.path(*names))
            self.assertNotEqual(done.returncode, 0, names)
            for word in words:
                self.assertIn(word, done.stderr)
            self.assertNotIn('composed', done.stderr)
            self.assertEqual(os.listdir(self.folder), [])
        os.mkdir(os.path.join(self.folder, 'd.mid'))
        done = run('--compose', *self.path('d.mid'))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('is no file', done.stderr)
        done = run('--compose', '--minutes', '600', *self.path('long.wav'))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('366 minutes', done.stderr)
        for words in (['--compose'], ['--compose', '--minutes', '0', 'x.mid'],
                      ['--compose', '--seconds', 'ten', 'x.mid'], ['x.mid']):
            self.assertEqual(run(*words).returncode, 64, words)

    def test_what_is_there_stays_until_the_new_one_is_whole(self):
        path, = self.path('a.mid')
        with open(path, 'wb') as file:
            file.write(b'old')
        done = run('--compose', '--device', 'no such thing', path)
        self.assertNotEqual(done.returncode, 0)
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), b'old')
        self.assertEqual(os.listdir(self.folder), ['a.mid'])

    def test_a_link_stays_one(self):
        path, link = self.path('a.mid', 'b.mid')
        os.symlink('a.mid', link)
        for there in (False, True):  # the file that it leads to
            if there:
                with open(path, 'wb') as file:
                    file.write(b'old')
            self.assertEqual(run('--compose', '--seconds', '1', link).returncode, 0)
            self.assertTrue(os.path.islink(link))
            with open(path, 'rb') as file:
                self.assertEqual(file.read(4), b'MThd')
        done = run('--compose', '--seconds', '1', path, link)
        self.assertEqual(done.returncode, 78)
        self.assertIn('twice', done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ['a.mid', 'b.mid'])

    def test_a_soundfont_that_cannot_be_read(self):
        wav, = self.path('a.wav')
        for bad in ('/etc/passwd', '/no/such.sf2'):
            # Somebody watches: an error, before anything is composed.
            done = run('--compose', '--seconds', '1', '--soundfont', bad, wav)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(bad, done.stderr)
            self.assertEqual(os.listdir(self.folder), [])
            # Nobody does: another one plays.
            done = run('--compose', '--seconds', '1', wav, env={'FERMATA_SOUNDFONT': bad})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, f'{bad}.*\\n(?:.*\\n)*playing with /usr/.* instead')
            os.remove(wav)

    def test_another_start_is_another_piece(self):
        one, other = self.path('a.jsonl', 'b.jsonl')
        for path in (one, other):
            self.assertEqual(run('--compose', '--seconds', '1', path).returncode, 0)
        seeds = []
        for path in (one, other):
            with open(path, encoding='utf-8') as file:
                seeds.append(json.loads(file.readline())['seed'])
        self.assertGreater(abs(seeds[0] - seeds[1]), 1000)

    def test_a_piece_that_is_interrupted_is_shorter_and_whole(self):
        process = subprocess.Popen(
            [FERMATAD, '--compose', '--minutes', '600', '--seed', '5', '--net', ROLL,
             *self.path('a.mid', 'a.jsonl')], stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if 'computing on' in line:
                break
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn('interrupted', said)
        notes, others = self.read('a.jsonl')
        self.assertGreater(len(notes), 20)
        self.assertLess(others[0]['seconds'], 36000)
        self.assertLess(notes[-1]['time'], others[0]['seconds'])
        length = mido.MidiFile(self.path('a.mid')[0]).length
        self.assertGreaterEqual(length, others[0]['seconds'] - 0.002)
        self.assertLess(length, others[0]['seconds'] + 13)
        # It is the beginning of what it would have become.
        seconds = int(others[0]['seconds'])
        whole, _ = compose(seconds, '--seed', '5')
        self.assertEqual([n for n in notes if n['time'] < seconds - 13],
                         [n for n in whole if n['time'] < seconds - 13])


if __name__ == '__main__':
    unittest.main(verbosity=2)
