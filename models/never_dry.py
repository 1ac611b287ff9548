"""Never dry: docs/never-dry.md and its pictures, of what `fermatad --soak` has written.

    fermatad --soak --hours 24 --seed 1 --licence any --out DAY
    fermatad --soak --hours 24 --seed 1 --licence any --curator off --out ALONE
    python3 -m models.never_dry DAY ALONE ...

The first folder, and those played like it, are what is promised; the others stand beside it.
Several of one way are taken together: with some streams of --minutes 20 --streams 8, say, there is
an OA at one minute. Weights and human music are looked for where evaluate.py looks for them.
A composer who came later can have a page of his own, --page never-dry-mozart, until all are played again.
"""

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from matplotlib import pyplot

from . import archive, evaluate, export, originality, passages, pictures, safetensors, soak

DOCS = export.ROOT / "docs"
SILENCE = 3.0  # seconds; daemon/control/promise.h
OA_KEPT = 0.97  # of OA at ten minutes, after a day
COLOURS = ("#1b7837", "#d95f02", "#7570b3", "#e7298a", "#666666", "#a6761d")

INTRODUCTION = """# Never dry, never silent, never the same

Written by `python3 -m models.never_dry` from what `fermatad --soak` has measured: the daemon's own
engine, composing up to {length} for {whom}, faster than real time, without sound.
`man fermatad` says what a soak is; each figure is of all of the music, nothing was picked out.

- **Silence**: the longest time with no note sounding, the breaths between pieces included.
- **Notes a minute**: the hours' means, beside 80 % of the human composer's 10-second windows (the
  weights' metadata). **Slope**: of blocks of 20 minutes over the day, with its 95 % interval; where
  nothing drifts, one interval in twenty misses 0 by chance.
- **Heard before**: share of runs of 16 notes (chords low to high, told by their intervals) that were
  heard within the last 30 minutes; no more than within the human composer's pieces.
- **Copied**: the longest passage, in notes, whose intervals occur in the training data, and the share
  of 12-note runs that do; no more than human works have of each other. What goes round and round in a
  trill or a broken chord counts once, as it does for the curator.
- **OA**: overlapping area of Yang and Lerch's distances (`models/features.py`), the mean over the
  features, of the ten 2-minute windows around a time of day beside the human reference; at 1 min of the
  first windows of several streams, where there are three. **±**: how much it differs between 20-minute
  spans of the stream. **Human**: the same of ten human windows. Whether a day wears it out is told by the straight
  line through {spans} such spans all over the day, at 24 h over 10 min, with its 95 % interval: one span differs from the
  next by some 3 % anyway, so two of them would tell nothing.
"""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def length(seconds):
    return f"{seconds / 3600:.3g} hours" if seconds >= 7200 else f"{seconds / 60:.3g} minutes"


def clock(seconds):
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def to(least, most):
    """A range, or the one number that it is."""
    return f"{least:.0f}" if round(least) == round(most) else f"{least:.0f} to {most:.0f}"


def goals(row, human):
    """[(goal, value, what is wanted, met or None where it cannot be told)] of one net and composer."""
    copies, low, high = row["copies"], row["band"][0], row["band"][2]
    out = [
        ("music", length(row["longest"]) + (f", {row['streams']} streams" if row["streams"] > 1 else ""), "24 hours",
         row["longest"] >= 86400 or None),
        ("silence over 3 s", f"{row['silence']:.1f} s", "none", row["silence"] <= SILENCE),
        ("notes a minute, every hour", to(min(row["hours"], default=0), max(row["hours"], default=0)),
         f"{low:.0f} to {high:.0f}", row["outside"] == 0 and bool(row["hours"])),
    ]
    if row["slope"]:
        value, least, most = row["slope"]
        out.append(("its slope, each hour", f"{value:+.2f} ({least:+.2f} to {most:+.2f})", "0 within", least <= 0 <= most))
    else:
        out.append(("its slope, each hour", "too short", "0 within", None))
    out += [
        ("16-note runs heard before", f"{100 * row['repeated']:.2f} %", f"<= {100 * human.repeated:.2f} %",
         row["repeated"] <= human.repeated),
        ("12-note runs copied", f"{copies['quoted']:.5f}", f"<= {human.copies['quoted']:.5f}",
         copies["quoted"] <= human.copies["quoted"]),
        ("longest copied passage", f"{copies['longest']} notes", f"<= {human.copies['longest']}",
         copies["longest"] <= human.copies["longest"]),
    ]
    if row["oa_kept"]:
        value, least, most = row["oa_kept"]
        out.append(("OA at 24 h over OA at 10 min", f"{value:.3f} ({least:.3f} to {most:.3f})", f">= {OA_KEPT}",
                    value >= OA_KEPT))
    else:
        out.append(("OA at 24 h over OA at 10 min", "too short", f">= {OA_KEPT}", None))
    return out


def goal_table(rows, human):
    """Every composer's goals of one net."""
    names = {True: "met", False: "**missed**", None: "-"}
    first = goals(next(iter(rows.values())), human[next(iter(rows))])
    cells = {composer: goals(row, human[composer]) for composer, row in rows.items()}
    head = ["goal", *(composer.capitalize() for composer in rows)]
    return table(head, [[goal[0], *(f"{cells[c][i][1]}, {cells[c][i][2]}: {names[cells[c][i][3]]}" for c in rows)]
                        for i, goal in enumerate(first)])


def oa_table(found, human):
    rows = []
    for (way, net, composer), row in found.items():
        limit = human[net][composer].ceiling(soak.SPAN // 2)
        rows.append([net, composer, way or "as it is", *(number(row["oa"].get(mark)) for mark in soak.MARKS),
                     number(row["oa_spread"]), f"{limit[0]:.3f} ± {limit[1]:.3f}"])
    head = ["net", "composer", "played", "1 min", "10 min", "1 h", "8 h", "24 h", "±", "human"]
    return table(head, rows)


def beside_table(found):
    """What each way of playing comes to."""
    rows = []
    for (way, net, composer), row in found.items():
        rates = row["rates"]
        done = ", ".join(f"{count} {what}" for what, count in row["done"].items() if what != "piece start")
        rows.append([net, composer, way or "as it is", f"{row['silence']:.1f} s at {clock(row['silence_at'])}",
                     f"{row['onset_gap']:.1f} s", f"{rates.min():.0f} to {rates.max():.0f}" if len(rates) else "-",
                     f"{rates.mean():.0f}" if len(rates) else "-", f"{100 * row['repeated']:.2f} %", done or "-"])
    head = ["net", "composer", "played", "longest silence", "longest between onsets", "notes in a minute", "mean",
            "heard before", "what the lane did"]
    return table(head, rows)


def decided_table(found):
    """What the curator and the lane decided in an hour of music."""
    counts = {"judged": "drafts judged", "redrawn": "redrawn", "least_bad": "least bad kept", "reseeds_own": "reseeds, own music",
              "reseeds_human": "human", "phrases": "phrases", "replays": "replays", "set_aside": "nets set aside", "pieces": "pieces"}
    rows = []
    for (way, net, composer), row in found.items():
        said = row["decided"]
        if not said:
            continue
        why = ", ".join(f"{value:.1f} {name[8:]}" for name, value in said.items() if name.startswith("refused_") and value)
        rows.append([net, composer, way or "as it is", f"{said['judged']:.0f}", f"{said['refused']:.1f}" + (f" ({why})" if why else ""),
                     *(f"{said.get(name, 0):.1f}" for name in list(counts)[1:]), f"{said.get('threshold_permille', 0) / 1000:.2f}"])
    head = ["net", "composer", "played", "drafts judged", "refused", *list(counts.values())[1:], "threshold at the end"]
    return table(head, rows) if rows else "Nothing was told."


def smooth(rates):
    """(minutes, rates) to draw over the logarithm of time: means of a minute in the first twenty minutes, then of
    a tenth of the time so far, so that a day has as many points an octave as its first hour."""
    at, means, begin = [], [], 0
    while begin < len(rates):
        end = min(begin + max(1, begin // 10), len(rates))
        at.append((begin + end) / 2)
        means.append(float(np.mean(rates[begin:end])))
        begin = end
    return np.array(at), np.array(means)


def draw_density(path, found, nets, composers, ways):
    """Notes a minute of every net and composer, all ways in one panel."""
    figure, panels = pyplot.subplots(len(composers), len(nets), figsize=(3.4 * len(nets) + 0.6, 2.3 * len(composers) + 0.6),
                                     squeeze=False, sharey="row")
    for (way, net, composer), row in found.items():
        axes = panels[composers.index(composer)][nets.index(net)]
        at, rates = smooth(row["rates"])
        if way == ways[0]:
            axes.axhspan(row["band"][0], row["band"][2], color="#e4e4e4", zorder=0)
        axes.plot(at, rates, color=COLOURS[ways.index(way) % len(COLOURS)], linewidth=1.4,
                  linestyle="--" if "curator off" in way else "-",
                  label=way or "as it is")
        axes.set_title(f"{net}, {composer}", fontsize=8, loc="left")
        axes.set(xscale="log", xticks=soak.MARKS, xlim=(0.5, 1500))
        axes.set_xticklabels(["1 min", "10 min", "1 h", "8 h", "24 h"])
        axes.minorticks_off()
        axes.tick_params(labelsize=7)
    for row in panels:
        row[0].set_ylim(bottom=0)
        row[0].set_ylabel("notes a minute", fontsize=7)
    handles = {}
    for axes in panels.flat:
        handles.update({label: handle for handle, label in zip(*axes.get_legend_handles_labels())})
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.legend(handles.values(), handles.keys(), loc="upper center", ncol=len(handles), fontsize=8, frameon=False)
    pictures.save(figure, path, colours=200)


def draw_oa(path, found, human, nets, composers, way):
    """OA at times of the day, a panel for each net."""
    figure, panels = pyplot.subplots(1, len(nets), figsize=(3.4 * len(nets) + 0.6, 3.0), squeeze=False, sharey=True,
                                     constrained_layout=True)
    for (played, net, composer), row in found.items():
        marks = [mark for mark in soak.MARKS if row["oa"].get(mark) is not None]
        if played != way or not marks:
            continue
        axes, colour = panels[0][nets.index(net)], COLOURS[composers.index(composer) % len(COLOURS)]
        axes.errorbar(marks, [row["oa"][mark] for mark in marks], yerr=row["oa_spread"] or 0.0, color=colour, marker="o",
                      markersize=3, linewidth=1.0, label=composer)
        axes.axhline(human[net][composer].ceiling(soak.SPAN // 2)[0], color=colour, linestyle=":", linewidth=0.9)
    for axes, net in zip(panels[0], nets):
        axes.set(xscale="log", xticks=soak.MARKS, xlim=(0.7, 2000), ylim=(0, 1))
        axes.set_xticklabels(["1 min", "10 min", "1 h", "8 h", "24 h"])
        axes.minorticks_off()
        axes.tick_params(labelsize=7)
        axes.set_title(f"{net}; dotted: human", fontsize=8, loc="left")
        axes.legend(fontsize=7, frameon=False, loc="lower left")
    panels[0][0].set_ylabel("overlap with human music (OA)", fontsize=7)
    pictures.save(figure, path)


def references(nets, composers_of, weights, log):
    """({net: {composer: Reference}}, {net: book}) of nets, each archive read once."""
    human, books, data, made = {}, {}, {}, {}
    for net in nets:
        _, metadata = safetensors.read(weights / f"{net}.safetensors")
        known = tuple(evaluate.known_data(metadata))
        for name in known:
            if name not in data:
                data[name] = archive.load(archive.DATA / name)
        if known not in books:
            books[known] = originality.Book([p for name in known for p in data[name].of("train")])
        own = passages.levelled(data[known[0]].pieces)
        human[net] = {}
        for composer in composers_of[net]:
            if (known, composer) not in made:
                made[known, composer] = soak.Reference(own, composer, books[known])
                log(f"{composer}: {100 * made[known, composer].repeated:.2f} % heard before in his own music")
            human[net][composer] = made[known, composer]
        books[net] = books[known]
    return human, books


def lengths(soaks):
    """A sentence: how much music of which nets there is."""
    nets = {}
    for one in soaks:
        for net in one.about["nets"]:
            nets.setdefault((one.way() or "as it is", max(s["seconds"] for s in net["streams"])), []).append(f"`{net['net']}`")
    return "Music of each composer: " + "; ".join(
        f"{way}, {length(seconds)} of {', '.join(named)}" for (way, seconds), named in nets.items()) + ".\n"


def page(soaks, found, human, nets, composers, ways, name):
    """The text of never-dry.md, or of a page of another name."""
    rows = {net: {c: found[ways[0], net, c] for c in composers if (ways[0], net, c) in found} for net in nets}
    whom = "every net and composer" if len(nets) > 1 else f"{', '.join(c.capitalize() for c in composers)} on `{nets[0]}`"
    parts = [INTRODUCTION.format(length=length(max(row["longest"] for row in found.values())), whom=whom, spans=soak.SPREAD),
             lengths(soaks),
             "## What is promised\n"]
    for net in nets:
        if rows[net]:
            parts.append(f"### {net}\n\n{goal_table(rows[net], human[net])}\n")
    memory = []
    for one in soaks:
        if one.way() == ways[0]:
            for net in one.about["nets"]:
                music = sum(stream["seconds"] for stream in net["streams"])
                memory.append([net["net"], length(max(stream["seconds"] for stream in net["streams"])), f"{net['late'] / 1e6:.1f} MB",
                               f"{(net['late'] - net['early']) / 1e6:+.1f} MB", f"{music / net['cpu']:.0f}" if net["cpu"] else "-",
                               "; ".join(net["broken"]) or "-"])
    parts += ["## What it costs\n", table(["net", "streams of", "memory at the end", "since its rooms were filled",
                                            "seconds of music in a second of CPU time", "broken"], memory) + "\n",
              "## Over time, and with the curator off\n",
              "Grey: 80 % of human windows. Without the curator nobody refuses a draft and nothing is reseeded; the hard "
              "threshold is that of the first nets of this kind.\n",
              f"![Notes a minute of every net and composer]({name}-density.png)\n", beside_table(found) + "\n",
              "## What was decided in an hour\n",
              "`control/decisions.h`, as `fermatactl status` tells it of a channel that plays. Drafts last four seconds; a "
              "refused one is drawn again as four at once.\n", decided_table(found) + "\n",
              "## How human it stays\n", f"![OA over the day]({name}-oa.png)\n", oa_table(found, human) + "\n",
              "## How it was made\n", "\n".join(f"    {one.command()}" for one in soaks) + "\n"]
    broken = [f"- {one.way() or 'as it is'}: {s.net}, {s.composer}: {text}" for one in soaks for s in one.streams
              for text in s.found["broken"]]
    parts.append("What the soaks themselves found broken (`control/promise.h`):\n\n" + ("\n".join(broken) or "- nothing") + "\n")
    return "\n".join(parts)


_shared = ()


def _share(*what):
    global _shared
    _shared = what


def _measure(key):
    streams, human, books = _shared
    _, net, composer = key
    return soak.measure(streams[key], human[net][composer], books[net])


def main():
    parser = argparse.ArgumentParser(description="Write docs/never-dry.md of soaks.")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--weights", default=str(export.WEIGHTS.parent), help="folder of the nets")
    parser.add_argument("--out", default=str(DOCS), metavar="FOLDER")
    parser.add_argument("--page", default="never-dry", metavar="NAME", help="of the files: NAME.md, NAME-oa.png, NAME-density.png")
    arguments = parser.parse_args()
    soaks = [soak.read(folder) for folder in arguments.folders]
    ways = list(dict.fromkeys(one.way() for one in soaks))
    streams = {}
    for one in soaks:
        for stream in one.streams:
            streams.setdefault((one.way(), stream.net, stream.composer), []).append(stream)
    nets = list(dict.fromkeys(net for _, net, _ in streams))
    nets.sort(key=lambda net: (not net.startswith("transformer"), not net.endswith("-open"), net))
    composers = list(dict.fromkeys(composer for _, _, composer in streams))

    def log(text):
        print(f"never_dry: {text}", flush=True)

    composers_of = {net: [c for c in composers if any((way, net, c) in streams for way in ways)] for net in nets}
    human, books = references(nets, composers_of, Path(arguments.weights), log)
    keys = sorted(streams, key=lambda k: (nets.index(k[1]), composers.index(k[2]), ways.index(k[0])))
    found = {}
    # Forked, what was read is shared, not sent.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork"), initializer=_share,
                             initargs=(streams, human, books)) as pool:
        for key, found[key] in zip(keys, pool.map(_measure, keys)):
            way, net, composer = key
            log(f"{net}, {composer}, {way or 'as it is'}: silence {found[key]['silence']:.1f} s, "
                f"OA {json.dumps(found[key]['oa'])}")
    path = Path(arguments.out) / f"{arguments.page}.md"
    draw_density(path.with_name(f"{arguments.page}-density.png"), found, nets, composers, ways)
    draw_oa(path.with_name(f"{arguments.page}-oa.png"), found, human, nets, composers, ways[0])
    path.write_text(page(soaks, found, human, nets, composers, ways, arguments.page), encoding="utf-8")
    log(f"{path}")


if __name__ == "__main__":
    main()
