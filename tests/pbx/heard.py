# SPDX-License-Identifier: MIT
"""What a listener heard, in figures: is there silence, is it loud enough, was anything lost?"""

from typing import NamedTuple

import numpy as np


class Heard(NamedTuple):
    """What one listener heard, the first second left out."""

    seconds: float
    silent: int  # windows of 40 ms under -60 dBFS
    soft: int  # windows of 200 ms under -41 dBFS
    level: float  # dBFS RMS
    lost: int = 0  # packets that did not come


def levels(samples, rate, seconds):
    window = int(rate * seconds)
    count = len(samples) // window
    power = np.mean(samples[: count * window].reshape(count, window) ** 2, axis=1)
    return 10 * np.log10(power + 1e-12)


def measure(samples, rate, lost=0):
    """Of mono samples of full scale 1."""
    samples = samples[rate:]
    return Heard(
        seconds=len(samples) / rate,
        silent=int(np.sum(levels(samples, rate, 0.04) < -60)),
        soft=int(np.sum(levels(samples, rate, 0.2) < -41)),
        level=float(10 * np.log10(np.mean(samples**2) + 1e-12)) if len(samples) else -120.0,
        lost=lost,
    )


def tell(name, found, wanted, who="callers"):
    """One line; whether all of them were there and none of them heard a gap."""
    good = len(found) == wanted and all(h.seconds > 1 and not h.lost and not h.silent for h in found)
    if not found:
        print(f"{name}: none of {wanted} {who}: NOT WELL", flush=True)
        return False
    print(f"{name}: {len(found)} of {wanted} {who}, {min(h.seconds for h in found):.1f} s each, "
          f"lost packets {sum(h.lost for h in found)}, silent windows of 40 ms "
          f"{sum(h.silent for h in found)}, soft windows of 200 ms {sum(h.soft for h in found)}, "
          f"level {min(h.level for h in found):.1f} to {max(h.level for h in found):.1f} dBFS: "
          f"{'well' if good else 'NOT WELL'}", flush=True)
    return good


def tell_of_death(name, found):
    """Of listeners during whose time the daemon was killed and started again a second later."""
    good = bool(found) and all(not h.lost and 0 < h.silent < 5 / 0.04 < h.seconds / 0.04
                               for h in found)
    print(f"{name}, the daemon killed meanwhile: lost packets {sum(h.lost for h in found)}, "
          f"without music for {max((h.silent for h in found), default=0) * 0.04:.1f} s of "
          f"{max((h.seconds for h in found), default=0):.1f} s: {'well' if good else 'NOT WELL'}",
          flush=True)
    return good
