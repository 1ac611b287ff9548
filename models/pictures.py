"""Pictures for the report: piano rolls, and density over a stream.

Owns how music is drawn. Small palette PNGs, so that they may lie in the repository.
"""

import io
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)
from PIL import Image  # noqa: E402  (matplotlib's own dependency)

ROLL_SECONDS = 60.0
_COLOURS = 48  # of the palette


def save(figure, path, colours=_COLOURS):
    """Write a figure as a palette PNG and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    pyplot.close(figure)
    picture = Image.open(buffer).convert("RGB").quantize(colours)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)


def _draw(axes, notes, title):
    some = notes[(notes["onset"] < ROLL_SECONDS)]
    if len(some):
        loud = np.clip(some["velocity"].astype("f8") / 110.0, 0.15, 1.0)
        width = np.maximum(np.minimum(some["offset"], ROLL_SECONDS) - some["onset"], 0.04)
        axes.barh(some["pitch"], width, left=some["onset"], height=1.0, color=pyplot.cm.viridis_r(loud))
    axes.set(xlim=(0, ROLL_SECONDS), ylim=(20, 109), yticks=[24, 36, 48, 60, 72, 84, 96, 108])
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", linewidth=0.3)


def rolls(path, parts):
    """Piano rolls of the first minute of note arrays, one above the other; parts: [(title, notes)]."""
    figure, all_axes = pyplot.subplots(len(parts), 1, figsize=(11, 2.4 * len(parts)), squeeze=False, constrained_layout=True)
    for axes, (title, notes) in zip(all_axes[:, 0], parts):
        _draw(axes, notes, title)
    all_axes[-1, 0].set_xlabel("seconds; pale is soft, dark is loud", fontsize=8)
    save(figure, path)


def density(path, streams, human):
    """Notes in each minute of streams {composer: [[...], ...]}, with the human 10th to 90th
    percentile {composer: (low, high)} behind."""
    figure, all_axes = pyplot.subplots(len(streams), 1, figsize=(11, 1.7 * len(streams)), squeeze=False, constrained_layout=True)
    for axes, (name, found) in zip(all_axes[:, 0], streams.items()):
        axes.axhspan(*human[name], color="#dddddd")
        for rate in found:
            axes.plot(np.arange(len(rate)) + 0.5, rate, linewidth=1.2)
        axes.set_title(f"{name}: notes in each minute of {len(found)} streams; grey: 80 % of human minutes", fontsize=9, loc="left")
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=7)
    all_axes[-1, 0].set_xlabel("minutes", fontsize=8)
    save(figure, path)
