#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Help, man pages and completions speak of the same verbs, options and settings.

    test_words.py FERMATACTL SOURCE_ROOT
"""
import pathlib
import re
import subprocess
import sys
import unittest

ctl, root = sys.argv[1], pathlib.Path(sys.argv[2])


def read(*path):
    return root.joinpath(*path).read_text(encoding="utf-8")


def ctl_help(*args):
    return subprocess.run([ctl, "help", *args], check=True, capture_output=True, text=True).stdout


def verbs():
    return re.findall(r"^  ([a-z-]+) ", ctl_help(), re.M)


def options(text):
    return set(re.findall(r"--([a-z]+)", text.partition("\nExample: ")[0]))


class Words(unittest.TestCase):
    maxDiff = None

    def test_verbs(self):
        self.assertGreaterEqual(len(verbs()), 14)
        man = read("client", "man", "fermatactl.1.scd")
        section = man[man.index("# VERBS"):man.index("# OPTIONS")]
        self.assertEqual(re.findall(r"^\*([a-z-]+)\*", section, re.M), verbs())
        bash = read("client", "completions", "fermatactl.bash")
        self.assertEqual(re.search(r"verbs='([^']*)'", bash).group(1).split(), verbs())
        zsh = read("client", "completions", "_fermatactl")
        self.assertEqual(re.findall(r"^        '([a-z-]+):", zsh, re.M), verbs())

    def test_options(self):
        wanted = options(ctl_help())
        self.assertIn("channel", wanted)
        man = read("client", "man", "fermatactl.1.scd")
        section = man[man.index("# OPTIONS"):man.index("# WATCHING")]
        self.assertEqual(set(re.findall(r"^\*-.\*, \*--([a-z]+)\*", section, re.M)), wanted)
        bash = read("client", "completions", "fermatactl.bash")
        self.assertEqual(options(" ".join(re.findall(r"options\+?='([^']*)'", bash))), wanted)
        self.assertEqual(set(re.findall(r",--([a-z]+)}", read("client", "completions",
                                                               "_fermatactl"))), wanted)

    def test_options_of_each_verb(self):
        bash = read("client", "completions", "fermatactl.bash")
        zsh = read("client", "completions", "_fermatactl")
        for verb in verbs():
            with self.subTest(verb):
                wanted = options(ctl_help(verb)) - {"channel", "system", "user"}
                found = re.search(rf"\n    (?:[a-z-]+ \| )*{verb}(?: \| [a-z-]+)*\)\n"
                                  rf"        options\+='([^']*)'", bash)
                self.assertEqual(options(found.group(1)) if found else set(), wanted)
                found = re.search(rf"\n    (?:[a-z-]+\|)*{verb}(?:\|[a-z-]+)*\)\n(.*?);;", zsh,
                                  re.S)
                listed = set(re.findall(r",--([a-z]+)}", found.group(1))) if found else set()
                self.assertEqual(listed, wanted)

    def test_examples(self):
        for verb in verbs():
            with self.subTest(verb):
                self.assertRegex(ctl_help(verb), rf"\nExample: fermatactl (?:.* )?{verb}(?: .*)?\n\Z")

    def test_exit_codes(self):
        man = read("client", "man", "fermatactl.1.scd")
        section = man[man.index("# EXIT STATUS"):man.index("# EXAMPLES")]
        codes = re.findall(r"^\*(\d)\*", section, re.M)
        header = read("client", "ending.h")
        self.assertEqual(codes, re.findall(r"ENDING_\w+ = (\d)", header))
        said = ctl_help()
        self.assertEqual(codes, re.findall(r"(\d) [a-z]", said[said.index("Exit codes"):]))

    def test_keys_of_a_channel(self):
        table = re.findall(r'^    \{"([a-z-]+)", (SETTINGS_\w+),', read("daemon", "control", "settings.c"), re.M)
        wanted = sorted(key for key, scope in table if scope != "SETTINGS_DAEMON")
        bash = re.search(r"local keys='([^']*)'", read("client", "completions", "fermatactl.bash")).group(1)
        self.assertEqual(sorted(bash.split()), wanted)
        zsh = re.search(r"keys=\(([^)]*)\)", read("client", "completions", "_fermatactl")).group(1)
        self.assertEqual(sorted(zsh.split()), wanted)

    def test_settings(self):
        keys = re.findall(r'^    \{"([a-z-]+)",', read("daemon", "control", "settings.c"), re.M)
        self.assertGreater(len(keys), 10)
        man = read("client", "man", "fermata.conf.5.scd")
        self.assertEqual(re.findall(r"^\*([a-z-]+)\* =", man, re.M), keys)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
