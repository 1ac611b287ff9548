#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws docs/drying-out.png: notes per minute over an hour of each composer, with the curator and
without it, composed by the daemon's own engine, faster than real time, two at a time.

    docs/drying_out.py [--fermatad build/play/daemon/fermatad] [--seconds 3600] [--seed 1]

Prints the figures that stand beside the picture, as rows of a table: longest gap between onsets,
notes per minute (least and most, mean), reseeds, times real time. The human band is that of the weights' metadata (10 s windows of MAESTRO train).
"""

import argparse
import json
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402

COMPOSERS = ('bach', 'chopin', 'debussy')
WAYS = (  # label, colour, line, options
    ('threshold 0.5, curator on', '#1b7837', '-', ('--curator', 'yes')),
    ('threshold 0.5, curator off', '#7fbf7b', '--', ('--curator', 'no')),
    ('threshold 0.9, curator on', '#762a83', '-', ('--curator', 'yes', '--threshold', '0.9')),
    ('threshold 0.9, curator off', '#c2a5cf', '--', ('--curator', 'no', '--threshold', '0.9')),
    ('hard threshold 0.5, curator off', '#4d4d4d', '--',
     ('--curator', 'no', '--sampling', 'hard')),
)


def human_band(weights):
    """composer -> (10th percentile, median, 90th) of notes per minute."""
    with open(weights, 'rb') as file:
        header = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))
    stats = json.loads(header['__metadata__']['stats'])
    return {name: stats[name]['notes_per_minute'][1:4] for name in COMPOSERS}


def compose(arguments, composer, options):
    """Onsets in seconds, number of reseeds, seconds it took."""
    begin = time.monotonic()
    done = subprocess.run(
        [arguments.fermatad, '--models', arguments.models, '--licence', 'any', '--net',
         'lstm-maestro', '--composer', composer, '--seed', str(arguments.seed), '--compose',
         '--seconds', str(arguments.seconds), '--reseed-interval', '30', '--quiet', *options, '-'],
        check=True, capture_output=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    onsets = [e['time'] for e in events if e['event'] == 'on']
    reseeds = sum(e['event'] == 'reseed' for e in events)
    return onsets, reseeds, time.monotonic() - begin


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser()
    parser.add_argument('--fermatad', default=str(root / 'build/play/daemon/fermatad'))
    parser.add_argument('--models', default=str(root / 'models/weights'))
    parser.add_argument('--seconds', type=int, default=3600)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', default=str(root / 'docs/drying-out.png'))
    arguments = parser.parse_args()

    bands = human_band(Path(arguments.models) / 'lstm-maestro.safetensors')
    figure, axes = pyplot.subplots(len(COMPOSERS), 1, figsize=(10, 9.5), sharex=True)
    with ThreadPoolExecutor(2) as pool:
        music = {(composer, way[0]): pool.submit(compose, arguments, composer, way[3])
                 for composer in COMPOSERS for way in WAYS}
    for axis, composer in zip(axes, COMPOSERS):
        low, middle, high = bands[composer]
        axis.axhspan(low, high, color='#d9e8f5', label='human, 10th to 90th percentile')
        axis.axhline(middle, color='#92b4d4', linewidth=1)
        for label, colour, line, _ in WAYS:
            onsets, reseeds, took = music[composer, label].result()
            minutes = [0] * (arguments.seconds // 60)
            for onset in onsets:
                minutes[min(len(minutes) - 1, int(onset // 60))] += 1
            edges = [0.0, *onsets, float(arguments.seconds)]
            gap = max(b - a for a, b in zip(edges, edges[1:]))
            print(f'| {composer.capitalize()} | {label} | {gap:.1f} s | '
                  f'{min(minutes)} to {max(minutes)} | {len(onsets) / len(minutes):.0f} | '
                  f'{reseeds} | {arguments.seconds / took:.0f} |', flush=True)
            axis.plot([m + 0.5 for m in range(len(minutes))], minutes, line, color=colour,
                      label=label, linewidth=1.4)
        axis.set_title(composer.capitalize(), loc='left')
        axis.set_ylabel('notes per minute')
        axis.set_ylim(bottom=0)
        axis.margins(x=0)
    axes[-1].set_xlabel('minutes')
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='upper center', ncol=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    figure.savefig(arguments.out, dpi=100)


if __name__ == '__main__':
    main()
