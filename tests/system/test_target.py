#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the output is heard in a real PipeWire graph: at the sink it is told, or as a microphone.

    lib/session.sh -- test_target.py PATH/output_probe
"""

import os
import signal
import subprocess
import time

import test_output
from test_output import (AMPLITUDE, HERTZ, PATIENCE, RATE, Recording, ctl, envelope, find_node,
                         first, np, patiently, sinks_of, until)


def make_default(sink):
    """As a desktop's settings do; None: whichever WirePlumber takes."""
    value = [] if sink is None else [f'{{"name": "{sink}"}}', 'Spa:String:JSON']
    subprocess.run(['pw-metadata', *(['-d'] if sink is None else []), '0', 'default.configured.audio.sink',
                    *value], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)


def settle(probe, sink):
    """Until it has played there for half a second. Where its target comes back the node is made anew,
    and what is done to the one before is lost with it."""
    since = time.monotonic()

    def settled():
        nonlocal since
        if probe.state != 'streaming' or sinks_of('fermata.probe') != {sink}:
            since = time.monotonic()
        return time.monotonic() - since > 0.5
    until(settled)


class Target(test_output.OutputCase):
    def play_elsewhere(self):
        """What the first sink carries until the output has gone to the other."""
        probe = self.probe()
        probe.wait_state('paused')
        left = Recording()
        probe.tell('play on')
        probe.wait_state('streaming')
        time.sleep(0.4)
        probe.tell('target othersink')
        until(lambda: sinks_of('fermata.probe') == {'othersink'})
        probe.wait_state('streaming')
        return left.samples()[0], probe.quit()

    @patiently
    def test_it_goes_to_another_target_without_a_click(self):
        self.make_sink('othersink')
        heard, _ = self.undisturbed(self.play_elsewhere)
        self.assert_no_click(heard)
        self.assertGreater(envelope(heard).max(), 0.49)
        self.assertEqual(np.abs(heard[-2400:]).max(), 0)

    @patiently
    def test_it_is_heard_at_another_target_and_at_the_default_one_again(self):
        self.make_sink('othersink')
        probe = self.probe()
        probe.wait_state('paused')
        probe.tell('play on')
        settle(probe, 'testsink')  # WirePlumber may leave a node alone that is made anew while linked
        probe.tell('target othersink')
        settle(probe, 'othersink')
        there = Recording('othersink')
        time.sleep(0.4)
        self.assertGreater(envelope(there.samples()[0])[-9600:-2400].min(), 0.49)
        # Whoever moves it is stronger, until it is told anew.
        self.move_to('testsink')
        probe.tell('target testsink')
        probe.tell('target othersink')
        settle(probe, 'othersink')
        # Paused, it changes as well; and back to the default one.
        probe.tell('play off')
        probe.wait_state('paused')
        probe.tell('target ')
        probe.tell('play on')
        until(lambda: sinks_of('fermata.probe') == {'testsink'})
        self.assertLess(probe.quit()[1], RATE)

    @patiently
    def test_a_target_that_is_not_there_is_told_and_found(self):
        probe = self.probe('othersink')
        probe.tell('play on')
        probe.wait_state('elsewhere')
        self.assertEqual(sinks_of('fermata.probe'), {'testsink'})
        self.make_sink('othersink')
        settle(probe, 'othersink')
        self.remove_sink('othersink')
        probe.wait_state('elsewhere')
        self.make_sink('othersink')
        settle(probe, 'othersink')
        # By hand: then it is where somebody wants it, and nothing is amiss.
        self.move_to('testsink')
        self.remove_sink('othersink')
        time.sleep(1)
        self.assertEqual(probe.state, 'streaming')
        self.make_sink('othersink')
        time.sleep(1)
        self.assertEqual(sinks_of('fermata.probe'), {'testsink'})
        self.assertEqual(probe.state, 'streaming')
        probe.quit()

    @patiently
    def test_it_stays_at_its_target_when_the_default_changes(self):
        # WirePlumber forgets a name that is the default sink's, unless it is told not to.
        probe = self.probe('testsink')
        probe.tell('play on')
        probe.wait_state('streaming')
        self.make_sink('othersink')
        self.addCleanup(make_default, None)
        for default in ('othersink', 'testsink', 'othersink'):
            make_default(default)
            time.sleep(0.5)
            self.assertEqual(sinks_of('fermata.probe'), {'testsink'})
        self.assertEqual(probe.state, 'streaming')
        probe.quit()

    @patiently
    def test_all_sinks_vanish_and_come_back_while_it_is_paused(self):
        self.make_sink('othersink')
        probe = self.probe('othersink')
        probe.tell('play on')
        probe.wait_state('streaming')
        probe.tell('play off')
        probe.wait_state('paused')
        self.addCleanup(ctl, 'start', 'sink')
        self.remove_sink('othersink')
        ctl('stop', 'sink')
        # Alone it is the default one for a while.
        self.make_sink('othersink')
        until(lambda: sinks_of('fermata.probe') == {'othersink'})
        self.make_sink('testsink')
        self.addCleanup(make_default, None)
        make_default('testsink')
        time.sleep(0.5)
        probe.tell('play on')
        probe.wait_state('streaming')
        self.assertEqual(sinks_of('fermata.probe'), {'othersink'})
        probe.quit()

    @patiently
    def test_a_node_without_a_sink_is_made_anew(self):
        probe = self.probe()
        probe.tell('play on')
        settle(probe, 'testsink')
        # WirePlumber does not link again what was unlinked.
        probe.forget()
        for side in ('FL', 'FR'):
            subprocess.run(['pw-link', '-d', f'fermata.probe:output_{side}',
                            f'testsink:playback_{side}'], check=True, timeout=PATIENCE)
        probe.wait_for('state', 'no-sink')
        self.assertEqual(probe.wait_for('state')[1], 'streaming')
        self.assertEqual(sinks_of('fermata.probe'), {'testsink'})
        recording = Recording()
        time.sleep(0.4)
        self.assertGreater(envelope(recording.samples()[0])[-9600:-2400].min(), 0.49)
        # Where there is none, nobody notices.
        self.addCleanup(ctl, 'start', 'sink')
        probe.forget()
        ctl('stop', 'sink')
        probe.wait_for('state', 'no-sink')
        before = find_node('fermata.probe')
        until(lambda: find_node('fermata.probe') not in (before, None))
        time.sleep(1.5)
        ctl('start', 'sink')
        self.assertEqual(probe.wait_for('state')[1], 'streaming')
        probe.quit()

    @patiently
    def test_a_microphone_gives_every_sample_once(self):
        probe = self.probe()
        probe.wait_state('paused')
        probe.tell('source')
        probe.tell('play on')
        probe.wait_state('unheard')
        until(lambda: find_node('fermata.probe', 'media.class') == 'Audio/Source')
        time.sleep(1.5)
        self.assertEqual(probe.state, 'unheard')
        path = os.path.join(os.environ['SESSION_DIR'], 'microphone.wav')
        recorded = 0.0
        for _ in range(2):
            recorded -= time.monotonic()
            recorder = subprocess.Popen(
                ['pw-cat', '-r', '--target', 'fermata.probe', '--rate', str(RATE), '--channels', '2',
                 '--format', 'f32', path],
                env={**os.environ, 'PIPEWIRE_CONFIG_NAME': 'client-rt.conf'})
            self.addCleanup(recorder.kill)
            probe.wait_state('streaming')
            time.sleep(1.5)
            recorder.send_signal(signal.SIGINT)
            recorder.wait(PATIENCE)
            probe.wait_state('unheard')
            recorded += time.monotonic()
            with open(path, 'rb') as file:
                data = file.read()
            data = data[data.index(b'data') + 8:]
            left = np.frombuffer(data[:len(data) // 8 * 8], '<f4').reshape(-1, 2)[:, 0]
            # Behind the fade it is what was written, to the last bit, in one piece: 440 Hz at
            # 48 kHz are the same samples every 1200.
            left = left[first(np.abs(left) > 0.49):][4800:]
            sine = np.float32(AMPLITUDE * np.sin(2 * np.pi * HERTZ / RATE * np.arange(RATE)))
            starts = [i for i in range(RATE) if abs(sine[i] - left[0]) < 1e-6
                      and np.abs(np.roll(sine, -i)[:100] - left[:100]).max() < 1e-6]
            self.assertTrue(starts)
            wanted = np.resize(np.roll(sine, -starts[0]), len(left))
            self.assertGreater(len(left), RATE // 2)
            off = np.flatnonzero(np.abs(wanted - left) > 1e-7)
            self.assertEqual(list(off[:8]), [])
        # While nobody records, its time stands still.
        time.sleep(1)
        frames, underruns = probe.quit()
        self.assertEqual(underruns, 0)
        self.assertLess(frames / RATE, recorded + 0.5)


if __name__ == '__main__':
    test_output.main()
