#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fermatactl health and metrics, as a monitoring would call them.

    lib/session.sh --no-pipewire -- ./test_monitoring.py --ctl fermatactl --daemon COMMAND...
"""
import json
import os
import re
import subprocess
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

import test_ctl


class Monitoring(unittest.TestCase):
    def ok(self, *args):
        result = test_ctl.run(*args)
        self.assertEqual((result.returncode, result.stderr), (0, ""), args)
        return result.stdout

    def test_health(self):
        self.ok("start")
        result = test_ctl.run("health")
        self.assertRegex(result.stdout, r"\AFERMATA (OK|WARNING|CRITICAL): .*\| 'main_ahead'=[\d.]+s;"
                                        r".*\n\Z")
        words = ("OK", "WARNING", "CRITICAL")
        self.assertEqual(result.returncode, words.index(re.match(r"FERMATA (\w+)", result.stdout)[1]))
        result = test_ctl.run("health", "--channel", "nosuch")
        self.assertEqual((result.returncode, result.stdout),
                         (3, 'FERMATA UNKNOWN: there is no channel "nosuch"\n'))
        self.ok("stop")
        result = test_ctl.run("health", "--channel", "main")
        self.assertEqual(result.returncode, 1)
        self.assertIn("stopped; fermatactl --channel main start", result.stdout)
        self.ok("start")

    def test_metrics(self):
        text = self.ok("metrics")
        families = {family.name: family for family in text_string_to_metric_families(text)}
        self.assertEqual(families["fermata_up"].samples[0].value, 1)
        states = {sample.labels["fermata_state"]: sample.value
                  for sample in families["fermata_state"].samples
                  if sample.labels["channel"] == "main"}
        self.assertEqual(sum(states.values()), 1)
        self.assertIn("playing", states)
        told = json.loads(test_ctl.run("status", "--json").stdout)["channels"][0]["decisions"]
        decisions = {sample.labels["decision"] for sample in families["fermata_decisions"].samples}
        self.assertEqual(decisions, set(told) - {"longest_gap_ms", "threshold_permille"})
        self.assertGreater(families["fermata_composed_ahead_seconds"].samples[0].value, 0)

    def test_a_slip_of_a_monitoring_is_no_alarm(self):
        for args in (["health", "foo"], ["health", "--json"], ["health", "--bogus"], ["health", "-c"]):
            result = test_ctl.run(*args)
            self.assertEqual(result.returncode, 3, args)
            self.assertTrue(result.stdout.startswith("FERMATA UNKNOWN: "), args)
        for args in (["-c", "health", "composer", "a", "b"], ["--channel", "health", "start", "x"],
                     ["schedule", "add", "health", "--bogus"]):
            result = test_ctl.run(*args)
            self.assertEqual((result.returncode, result.stdout), (2, ""), args)
        result = test_ctl.run("health", env={**os.environ, "FERMATA_BUS": "none"})
        self.assertEqual(result.returncode, 3)

    def test_metrics_of_one_channel(self):
        self.ok("channel", "add", "one")
        self.addCleanup(test_ctl.run, "channel", "remove", "one")
        shown = self.ok("metrics", "--channel", "one")
        self.assertIn('channel="one"', shown)
        self.assertNotIn('channel="main"', shown)
        result = test_ctl.run("metrics", "--channel", "none")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("none", result.stderr)

    def test_a_closed_output_is_an_error(self):
        for args in ("status", "version", "channel list", "composer", "watch -s 20", "pipe",
                     "--version", "--help", "help"):
            result = subprocess.run(["sh", "-c", f'exec "$0" {args} >&-', test_ctl.ctl], timeout=test_ctl.PATIENCE,
                                    stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(result.returncode, 5, (args, result))
            self.assertIn("cannot write", result.stderr)


if __name__ == "__main__":
    test_ctl.main()
