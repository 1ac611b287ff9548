"""Features of windows, and how much the features of two sets of windows overlap.

Owns the measure of Yang and Lerch 2020 ("On the evaluation of generative models in music"):
pairwise Euclidean distances within and between sets, Gaussian densities of them, their
overlapping area OA and Kullback-Leibler divergence KLD. MAESTRO has no bars: a window of fixed
length takes their place, and lengths are of seconds, not of beats.

Notes are put on the 10 ms grid of notes.py first and sorted within it, so that none has an order
that another could not have. Chords are onsets within 30 ms.

OA is the mean of the overlaps of the distances between two sets with those within the one and
within the other: within the human set alone, a net that repeats one average piece would do well.
"""

import numpy as np
from scipy.stats import gaussian_kde

from . import notes as tuples
from . import originality

_LENGTHS = 0.05 * 2.0 ** np.arange(0.5, 8, 0.75)  # inner edges of 11 classes, seconds, note lengths and IOIs
_CLASSES = len(_LENGTHS) + 1
GRID = 256  # points of the common grid
DRAWS = 10  # of generated windows, and of human ones beside them
NAMES = (
    "pitch_count", "note_count", "pitch_classes", "pitch_transitions", "pitch_range", "pitch_interval",
    "ioi", "ioi_histogram", "length_histogram", "length_transitions",
    "register", "polyphony", "velocity", "velocity_spread",
)


def _share(table):
    return table.ravel() / max(table.sum(), 1.0)


def _steps(of, size):
    table = np.zeros((size, size))
    np.add.at(table, (of[:-1], of[1:]), 1)
    return _share(table)


def of(window):
    """{name: float64 vector} of a windows.Window of at least two notes; velocities of a flat one are NaN."""
    found, order = tuples.from_notes(window.notes)
    array = window.notes[order]
    pitch = found[:, 1].astype(int)
    length = np.maximum(array["offset"].astype("f8") - array["onset"], 0.0)
    onset = np.sort(array["onset"].astype("f8"))
    gap = np.diff(onset)
    ioi = gap[gap > originality.CHORD * 1e-6]
    classes = np.searchsorted(_LENGTHS, length)
    velocity = array["velocity"].astype("f8") if not window.flat else np.full(len(array), np.nan)
    out = {
        "pitch_count": len(np.unique(pitch)),
        "note_count": len(pitch),
        "pitch_classes": _share(np.bincount(pitch % 12, minlength=12)),
        "pitch_transitions": _steps(pitch % 12, 12),
        "pitch_range": pitch.max() - pitch.min(),
        "pitch_interval": np.abs(np.diff(pitch)).mean(),
        "ioi": ioi.mean() if len(ioi) else 0.0,
        "ioi_histogram": _share(np.bincount(np.searchsorted(_LENGTHS, ioi), minlength=_CLASSES)),
        "length_histogram": _share(np.bincount(classes, minlength=_CLASSES)),
        "length_transitions": _steps(classes, _CLASSES),
        "register": pitch.mean(),
        "polyphony": length.sum() / max(float(array["offset"].max()), 1e-9),
        "velocity": velocity.mean(),
        "velocity_spread": velocity.std(),
    }
    return {name: np.atleast_1d(np.asarray(out[name], "f8")) for name in NAMES}


def table(windows):
    """{name: [N,d]} of windows."""
    rows = [of(window) for window in windows]
    return {name: np.stack([row[name] for row in rows]) for name in NAMES}


def within(a):
    """Distances [N (N-1) / 2] of every pair of rows of [N,d]."""
    one, other = np.triu_indices(len(a), 1)
    return np.linalg.norm(a[one] - a[other], axis=1)


def between(a, b):
    """Distances [N M] of every row of [N,d] from every row of [M,d]."""
    return np.linalg.norm(a[:, None] - b[None], axis=2).ravel()


def _density(values, grid):
    if values.std() < 1e-9 * max(1.0, abs(values.mean())):  # all alike: one bin holds everything
        out = np.zeros(len(grid))
        out[np.abs(grid - values.mean()).argmin()] = 1.0
        return out
    density = gaussian_kde(values)(grid)
    return density / max(density.sum(), 1e-300)


def overlap(one, other):
    """(overlapping area 0..1, KLD of `one` from `other` in nats) of two sets of distances."""
    everything = np.concatenate([one, other])
    margin = max(float(np.ptp(everything)) * 0.25, 1e-9)
    grid = np.linspace(everything.min() - margin, everything.max() + margin, GRID)
    p, q = _density(one, grid), _density(other, grid)
    safe = np.maximum(q, 1e-12)
    return float(np.minimum(p, q).sum()), float((p * np.log(np.maximum(p, 1e-12) / safe)).sum())


def _known(values):
    return values[np.isfinite(values).all(1)]


def compare(some, human):
    """{name: (OA, KLD)} of a table of windows beside one of human windows; NaN where a side knows
    less than three windows. KLD: of the distances between the sets from those within the human."""
    out = {}
    for name in NAMES:
        a, b = _known(some[name]), _known(human[name])
        if len(a) < 3 or len(b) < 3:
            out[name] = (np.nan, np.nan)
            continue
        apart = between(a, b)
        to_human, to_own = overlap(apart, within(b)), overlap(apart, within(a))
        out[name] = ((to_human[0] + to_own[0]) / 2, to_human[1])
    return out


def rows(values, which):
    """The table of some of the windows."""
    return {name: part[which] for name, part in values.items()}


def most_of(some):
    """So many windows of a table are drawn at most, that draws differ: two thirds."""
    return max(-(-len(some["ioi"]) * 2 // 3), min(len(some["ioi"]), 3))


def drawn(some, human, count, draws, seed=1):
    """(OA [draws,F], KLD [draws,F]) of draws of `count` windows each, in the order of NAMES."""
    rng = np.random.default_rng(seed)
    size = len(some["ioi"])
    found = []
    for _ in range(draws):
        compared = compare(rows(some, rng.choice(size, min(count, size), replace=False)), human)
        found.append([compared[name] for name in NAMES])
    found = np.array(found)
    return found[..., 0], found[..., 1]


def _middle(values):
    return [float(v) for v in (np.median(values), values.min(), values.max())]


def _ratios(oa, most):
    """Of draws [draws,F]: mean over the features, none counted as more than 1, and the worst, each
    as [median, least, most] over the draws."""
    ratio = oa / most
    return _middle(np.minimum(ratio, 1.0).mean(1)), _middle(ratio.min(1))


def against(generated, train, human, count=20, draws=DRAWS):
    """The whole comparison of tables: {features: {name: {oa, kld, ceiling, spread, ratio}}, mean,
    worst, worst_name, draws: {mean, worst, human_mean, human_worst, count, windows}}.

    Draws of `count` windows each are compared with the human reference; oa and kld are their means,
    the ceiling that of as many draws of human train windows. ratio: oa over ceiling. mean: over the
    features, each counted as 1 at most, so that no surplus hides a lack; mean_uncapped: as they are.
    draws: [median, least, most] over single draws, of the generated and of the human windows: how
    much such a figure is worth."""
    count = min(count, most_of(generated))
    own, own_kld = drawn(generated, human, count, draws)
    limit, limit_kld = drawn(train, human, min(count, most_of(train)), draws)
    most = limit.mean(0)
    known = np.isfinite(own).all(0) & np.isfinite(most)
    out = {}
    for i in np.flatnonzero(known):
        oa = float(own[:, i].mean())
        out[NAMES[i]] = {
            "oa": oa, "oa_spread": float(own[:, i].std()), "kld": float(own_kld[:, i].mean()),
            "ceiling": float(most[i]), "spread": float(limit[:, i].std()), "ceiling_kld": float(limit_kld[:, i].mean()),
            "ratio": oa / float(most[i]),
        }
    ratios = {name: row["ratio"] for name, row in out.items()}
    worst = min(ratios, key=ratios.get)
    mean, least = _ratios(own[:, known], most[known])
    human_mean, human_least = _ratios(limit[:, known], most[known])
    return {
        "features": out,
        "mean": float(np.minimum(list(ratios.values()), 1.0).mean()),
        "mean_uncapped": float(np.mean(list(ratios.values()))),
        "worst": ratios[worst],
        "worst_name": worst,
        "draws": {"mean": mean, "worst": least, "human_mean": human_mean, "human_worst": human_least,
                  "count": draws, "windows": count},
    }
