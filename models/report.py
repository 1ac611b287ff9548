"""The report: REPORT.md and its pictures, from what evaluate.py found.

    python3 -m models.report [RESULTS.json ...]

Each RESULTS.json is kept as models/report/NET.json, its music drawn beside it; then REPORT.md is
written anew from all that lie there. What a person concludes stands in models/report/findings.md,
which is taken into the report word for word.
"""

import argparse
import json
from pathlib import Path

from . import export, features, midi, pictures, windows

FOLDER = export.ROOT / "models" / "report"
REPORT = export.ROOT / "models" / "REPORT.md"
GOALS = {"mean": 0.95, "worst": 0.85, "fidelity": 0.9}
ROLL_FROM = 10 * 60  # second of a stream where its picture begins

INTRODUCTION = """# How good is the music?

Written by `python3 -m models.report` from what `python3 -m models.evaluate` measured; the
command stands with each net. Everything generated was composed by the daemon's own engine
(`fermatad --compose`, sampling, curator and all), nothing was picked out.

What the figures mean (the code says exactly: `features.py`, `classifier.py`, `originality.py`,
`playability.py`, `surprise.py`):

- **OA**: overlapping area of Yang and Lerch's pairwise distances, over {count} features of windows of
  2 minutes: draws of 20 of generated music against the human reference, and their mean. **Ceiling**:
  the same for 20 windows of human train music. **Ratio**: OA over ceiling. The mean counts
  no feature as more than 1, so that no surplus hides a lack. **Draws**: what a single draw would
  have said, its median and range, and what it would of human music in the place of a net's: so
  much a difference must be to be one. A net measured before there were draws shows none.
- **Accuracy**: share of windows that a classifier of composers, trained on human music only, gives
  to the right one of {composers}; *of the offered*: where it may name only composers that the net
  offers. It sees onsets and pitches alone.
- **Quoted**: share of runs of 12 notes whose intervals occur anywhere in the training data; *in
  rhythm*: with the same rhythm to 10 %. **Longest**: notes of the longest such passage. For human
  music: against other works. Scales and trills are everybody's.
- **Repeated**: share of runs that were heard before in the same stream or piece.
- The human reference is the validation split. Where that is too small (marked *held out*), whole
  works of train are taken for it; a net has seen those, a ceiling has not.
"""


def _number(value, digits=2):
    return "-" if value is None or value != value else f"{value:.{digits}f}"


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def goals(results):
    """[(composer, goal, value text, goal text, by how much it is met (+) or missed (-))] of streams."""
    out = []
    for name, found in results["composers"].items():
        if "streams" not in found:
            continue
        own, human = found["streams"], found["human"]
        out.append((name, "OA of the ceiling, mean of the features", _number(own["mean"], 3), f">= {GOALS['mean']}", own["mean"] - GOALS["mean"]))
        out.append((name, f"OA of the ceiling, worst feature ({own['worst_name']})", _number(own["worst"], 3), f">= {GOALS['worst']}", own["worst"] - GOALS["worst"]))
        for key, text in (("accuracy", "accuracy of that on human music"), ("accuracy_offered", "the same, of the offered")):
            judged, of_human = own["fidelity"][key], human["fidelity"][key]
            if of_human and of_human == of_human:
                out.append((name, text, f"{judged:.2f} / {of_human:.2f} = {judged / of_human:.2f}", f">= {GOALS['fidelity']}", judged / of_human - GOALS["fidelity"]))
        copied, limit = own["originality"]["quoted"], human["originality"]["quoted"]
        out.append((name, "share of 12-note runs quoted", f"{copied:.5f}", f"<= {limit:.5f} (human)", limit - copied))
    return out


def _likelihood(results):
    found = results.get("likelihood")
    if not found:
        return ""
    unit = found["unit"]
    line = (f"Likelihood on {found['rows']} rows of {'the test folder' if results['test'] else 'validation'}: "
            f"**{found['all']:.3f}** nats per {unit}, floor {found['floor']:.3f}: better by "
            f"**{found['floor'] - found['all']:.3f}** ({100 * (1 - found['all'] / found['floor']):.0f} %).")
    if unit == "note":
        line += (" By field: " + ", ".join(f"{k} {found[k]:.3f} ({v:.3f})" for k, v in found["floor_fields"].items())
                 + f", the floor in brackets. With the order of notes within 10 ms told as well: {found['ordered']:.3f}.")
    for name in ("bach", "chopin"):
        if name in found:
            line += f" {name.capitalize()} {found[name]:.3f}."
    return line + "\n"


def _draws(found):
    """What single draws of windows say, of the net's music and of human music."""
    rows = []
    for name, sets in found.items():
        draws = sets["streams"].get("draws")
        if draws:
            rows.append([name, sets["streams"]["windows"], f"{draws['count']} of {draws['windows']}"] + [
                "{:.3f} ({:.3f} to {:.3f})".format(*draws[key]) for key in ("mean", "human_mean", "worst", "human_worst")])
    if not rows:
        return ""
    return _table(["streams", "windows", "draws", "OA of the ceiling, mean of the features: median (range)", "human music",
                   "worst feature of a draw", "human music"], rows) + "\n"


def _features(found):
    rows = []
    for name in features.NAMES:
        cells = [name.replace("_", " ")]
        for human in found.values():
            row = human["streams"]["features"].get(name)
            cells += [f"{row['ratio']:.2f}", f"{row['oa']:.2f} / {row['ceiling']:.2f} ± {row['spread']:.2f}", f"{row['kld']:.2f}"] if row else ["-"] * 3
        rows.append(cells)
    head = ["feature"] + [cell for name in found for cell in (f"{name}: ratio", "OA / ceiling", "KLD")]
    return _table(head, rows)


def _sets(found):
    """Every composer's figures: human, streams, pieces."""
    rows = []
    for name, sets in found.items():
        for title in ("human", "streams", "pieces"):
            if title not in sets:
                continue
            some = sets[title]
            play, copy, judged = some["playability"], some["originality"], some["fidelity"]
            label = f"{name}, {title}" + (" (held out)" if some.get("held_out") else "")
            rows.append([
                label, some["windows"], _number(some.get("mean"), 3), _number(some.get("worst"), 2),
                f"{judged['accuracy']:.2f}", f"{judged['accuracy_offered']:.2f}",
                f"{copy['quoted']:.5f}", f"{copy['quoted_rhythm']:.5f}", f"{copy['longest']}, {copy['longest_rhythm']}",
                f"{copy['repeated']:.3f}",
                f"{play['polyphony'][0]:.1f}, {play['polyphony'][2]}", f"{play['longest_gap']:.1f}", play["stuck"],
                f"{play['register'][1]}-{play['register'][3]}", f"{play['velocity_spread']:.0f}", f"{play['entropy_of_minute']:.2f}",
                "/".join(str(play["notes_per_minute"][i]) for i in (0, 2, 4)), _number(play["drift"], 2) if title == "streams" else "-",
            ])
    head = ["music", "windows", "OA mean", "worst", "accuracy", "of the offered", "quoted", "in rhythm", "longest, in rhythm",
            "repeated", "polyphony mean, most", "longest gap, s", "stuck", "register 5-95 %", "velocity spread",
            "entropy, bits", "notes a minute, least/median/most", "drift in 10 min"]
    return _table(head, rows)


def _judged(found):
    rows = [
        [name, ", ".join(f"{who} {count}" for who, count in sets["streams"]["fidelity"]["judged"].items())]
        for name, sets in found.items() if "streams" in sets
    ]
    return _table(["windows meant as", "are judged to be by"], rows)


def section(results):
    """One net's part of the report."""
    net = results["net"]
    found = {name: sets for name, sets in results["composers"].items() if "streams" in sets}
    parts = [f"## {net}\n",
             f"Family `{results['family']}`, weights sha256 `{results['sha256'][:16]}`, {results['metadata'].get('steps', '?')} steps. "
             f"Measured at commit `{results['commit'][:12]}` with\n\n    {results['command']}\n", _likelihood(results)]
    if found:
        parts += [
            _table(["composer", "goal for the transformer, streams", "value", "goal", "", "by"],
                   [[*row[:4], "met" if row[4] >= 0 else "**missed**", f"{row[4]:+.3f}" if abs(row[4]) >= 0.001 else f"{row[4]:+.5f}"]
                    for row in goals(results)]) + "\n",
            _draws(found), _sets(found) + "\n", _features(found) + "\n", _judged(found) + "\n",
            f"![notes a minute of {net}](report/{net}-density.png)\n",
        ]
        for name in found:
            ran = results["runs"].get(f"{name} stream", {})
            made = f"`{ran['command']}`, {ran['minutes']:g} minutes in {ran['seconds']:.0f} s" if ran else "laid into the folder by hand"
            parts.append(f"![{net} plays {name}](report/{net}-{name}.png)\n\nStream: {made}.\n")
    return "\n".join(parts)


def draw(results, folder):
    """The pictures of one net, from the music beside its results."""
    net = results["net"]
    found = {name: sets for name, sets in results["composers"].items() if "streams" in sets}
    if not found:
        return
    human = {name: [sets["human"]["playability"]["notes_per_minute"][i] for i in (1, 3)] for name, sets in found.items()}
    pictures.density(FOLDER / f"{net}-density.png",
                     {name: sets["streams"]["playability"]["by_minute"] for name, sets in found.items()}, human)
    for name in found:
        stream = midi.read(str(folder / name / "stream-0.mid"))
        start = min(ROLL_FROM, max(float(stream["offset"].max()) - pictures.ROLL_SECONDS, 0.0))
        pictures.rolls(FOLDER / f"{net}-{name}.png", [
            (f"{net}, {name}: a stream from {start / 60:.0f}:00 on", windows.part(stream, start, pictures.ROLL_SECONDS)),
            (f"human, {name}", midi.read(str(folder / name / "human.mid"))),
        ])


def write(every):
    """REPORT.md of all results, transformers first."""
    every = sorted(every, key=lambda r: (r["kind"] != "transformer", r["family"] != "open", r["net"]))
    parts = [INTRODUCTION.format(count=len(features.NAMES), composers=len(every[0]["judged_composers"]) if every else 0)]
    findings = FOLDER / "findings.md"
    if findings.is_file():
        parts.append(findings.read_text(encoding="utf-8"))
    rows = []
    for results in every:
        liked = results.get("likelihood")
        for name, sets in results["composers"].items():
            own = sets.get("streams")
            if own:
                human = sets["human"]
                rows.append([
                    results["net"], name, f"{liked['all']:.2f} (floor {liked['floor']:.2f}) a {liked['unit']}" if liked else "-",
                    f"{own['mean']:.3f}" + (" ({1:.2f}-{2:.2f})".format(*own["draws"]["mean"]) if "draws" in own else ""),
                    f"{own['worst']:.2f} ({own['worst_name'].replace('_', ' ')})",
                    f"{own['fidelity']['accuracy']:.2f} ({human['fidelity']['accuracy']:.2f})",
                    f"{own['fidelity']['accuracy_offered']:.2f} ({human['fidelity']['accuracy_offered']:.2f})",
                    f"{own['originality']['quoted']:.5f} ({human['originality']['quoted']:.5f})",
                ])
    parts.append("## All nets, streams\n\nHuman music in brackets, and behind the mean the range of single draws.\n\n" + _table(
        ["net", "composer", "nats", "OA of the ceiling, mean", "worst", "accuracy", "of the offered", "quoted"], rows) + "\n")
    REPORT.write_text("\n".join(parts + [section(results) for results in every]), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="Write REPORT.md and its pictures.")
    parser.add_argument("results", nargs="*", help="results.json of evaluate")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for path in map(Path, arguments.results):
        results = json.loads(path.read_text())
        draw(results, path.parent)
        (FOLDER / f"{results['net']}.json").write_text(json.dumps(results, indent=1))
    write([json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))])
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"report: {REPORT}, {FOLDER} of {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
