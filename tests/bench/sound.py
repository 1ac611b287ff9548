#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The table and the picture of docs/sound.md.

    FERMATA_FIGURES=figures.json meson test -C BUILD 'profile for an hour'
    tests/bench/sound.py figures.json BUILD/daemon/fermatad models/weights docs/sound.png

The first takes an hour of music of each composer and profile, the second a few minutes more for the
spectra. The table is written to standard output.
"""
import json
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import matplotlib
import numpy as np
from scipy import signal

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from models import pictures  # noqa: E402


def table(figures):
    yield ("| profile, composer | LUFS | true peak, dBTP | RMS, dBFS | peak, dBFS | softest 200 ms, dBFS | "
           "after mu-law: RMS, peak, softest | after A-law | pitches, most at once |")
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, f in sorted(figures.items()):
        forms = f["forms"]
        phone = "telephone" in name

        def heard(form):
            x = forms.get(form)
            return f"{x['rms_dbfs']:.1f}, {x['peak_dbfs']:.1f}, {x['softest_dbfs']:.1f}" if x else "-"
        low, mean, high = f["pitches"]
        x = forms["linear"]
        yield (f"| {name} | {f['lufs']:.1f} | {f['true_peak_dbtp']:.1f} | {x['rms_dbfs']:.1f} | {x['peak_dbfs']:.1f} | "
               f"{'%.1f' % x['softest_dbfs'] if phone else '-'} | {heard('ulaw')} | {heard('alaw')} | "
               f"{low} to {high}, mean {mean:.0f}; {f['sounding']} |")


def spectrum(fermatad, models, profile, folder):
    """(frequencies, dB) of four minutes of Chopin."""
    path = str(Path(folder) / f"{profile}.wav")
    subprocess.run([fermatad, "--compose", "--quiet", "--minutes", "4", "--seed", "5", "--models", models,
                    "--net", "transformer-open", "--composer", "chopin", "--profile", profile, path], check=True)
    with wave.open(path) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
    hertz, power = signal.welch(samples.mean(1) / 32768, rate, nperseg=rate // 10)
    return hertz, 10 * np.log10(np.maximum(power, 1e-14))


def draw(figures, spectra, path):
    figure, axes = pyplot.subplots(2, 1, figsize=(10, 7), constrained_layout=True)
    for name, colour in (("telephone, chopin", "tab:blue"), ("room, chopin", "tab:orange")):
        curve = np.array(figures[name]["curve"])
        minutes = np.arange(len(curve)) / 600
        axes[0].plot(minutes, curve, linewidth=0.25, color=colour, label=f"{name}: tenths of a second")
    axes[0].axhline(-41, color="black", linewidth=0.8, linestyle="--", label="-41 dBFS: taken for silence")
    axes[0].set(ylim=(-80, 0), xlim=(0, minutes[-1]), xlabel="minutes", ylabel="RMS level, dBFS")
    axes[0].legend(loc="lower right", fontsize=8)
    for (name, (hertz, power)), colour in zip(spectra.items(), ("tab:gray", "tab:blue")):
        axes[1].semilogx(hertz[1:], power[1:], linewidth=1, color=colour, label=name)
    for edge in (300, 3400):
        axes[1].axvline(edge, color="black", linewidth=0.8, linestyle="--")
    axes[1].set(xlim=(30, 20000), ylim=(-120, -20), xlabel="Hz", ylabel="power density, dBFS/Hz")
    axes[1].legend(loc="lower left", fontsize=8)
    pictures.save(figure, path, 24)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        figures = json.load(file)
    print("\n".join(table(figures)))
    with tempfile.TemporaryDirectory() as folder:
        spectra = {f"Chopin, {p}": spectrum(sys.argv[2], sys.argv[3], p, folder) for p in ("raw", "telephone")}
    draw(figures, spectra, sys.argv[4])


main()
