"""From rounds to figures: rates, ratios with their spread, and whether two sides learn the same within seed noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import fmean, median, stdev
from typing import Any

Round = Mapping[str, Any]  # phases, memory_gb, perhaps a score


@dataclass(frozen=True)
class Ratio:
    """How many times as fast ours is: the median over rounds, and the lowest and highest round."""

    middle: float
    lowest: float
    highest: float


def seconds_an_item(one: Round, phase: str, clock: str = "cpu_s") -> float:
    """Seconds of one round for one item of a phase."""
    found = one["phases"][phase]
    return float(found[clock] / found["items"])


def middle(rounds: Sequence[Round], phase: str, clock: str = "cpu_s") -> float:
    """Seconds an item, the median of the rounds."""
    return median(seconds_an_item(one, phase, clock) for one in rounds)


def ratio(ours: Sequence[Round], peer: Sequence[Round], phase: str, clock: str = "cpu_s") -> Ratio:
    """The peer's seconds over ours, round by round: the two of a round ran one after the other."""
    found = [
        seconds_an_item(b, phase, clock) / seconds_an_item(a, phase, clock) for a, b in zip(ours, peer, strict=False)
    ]
    return Ratio(median(found), min(found), max(found))


def memory_gb(rounds: Sequence[Round]) -> float:
    """The largest process of all rounds."""
    return max(float(one["memory_gb"]) for one in rounds)


def scores(rounds: Sequence[Round]) -> list[float]:
    """What each full round learnt; every round has its own seed."""
    return [float(one["score"]) for one in rounds if "score" in one]


def within_noise(a: Sequence[float], b: Sequence[float]) -> bool | None:
    """Whether two means lie within two standard errors of each other; None where a single seed does not tell.

    A side of one seed is given the spread of the other.
    """
    if not a or not b or max(len(a), len(b)) < 2:
        return None
    spreads = [stdev(x) if len(x) > 1 else None for x in (a, b)]
    known = [s for s in spreads if s is not None]
    error = sqrt(sum((s if s is not None else known[0]) ** 2 / len(x) for s, x in zip(spreads, (a, b), strict=True)))
    return abs(fmean(a) - fmean(b)) <= 2 * error + 1e-12


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of a straight line through log values over log sizes: 1 is linear growth, 0 none."""
    x, y = [log(s) for s in sizes], [log(v) for v in values]
    mean_x, mean_y = fmean(x), fmean(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def refused(entry: Mapping[str, Any]) -> list[str]:
    """The checks of an entry that failed, as `side mode`."""
    return [
        f"{side} {mode}"
        for side, found in entry.get("checks", {}).items()
        for mode, check in found.items()
        if not check["ok"]
    ]
