"""Ranks with ties: neighbours share a rank while nothing shows that they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from statistics import fmean

from .benchmarks import find_benchmark
from .benchmarks.base import Where
from .errors import DataError, NotComparableError
from .pairing import Run, SeedDraws, read_gold, seed_draws
from .report import headline
from .results import Record
from .significance import LEVEL, Draws, holm_of_draws, interval, over_seeds

_Z = 1.96


@dataclass(frozen=True)
class Standing:
    """A row of a board. Values are fractions, means (or medians) over `n` seeds; `std` is the sample's.

    `detail` tells rows of one name apart. `rank` is 1 + the number of ranked rows above, or the rank of the row of
    ours above where the two are tied. `ranked_by`: `test` (paired bootstrap, with Holm's `p` against that row),
    `intervals` (whether they overlap), `value` (published rows), or None for what has no rank.
    """

    model: str
    origin: str
    selection: str
    n: int | None
    values: Mapping[str, float]
    value: float | None
    about: Record
    std: float | None = None
    runs: tuple[Run, ...] = ()
    collapsed: tuple[Run, ...] = ()
    detail: str = ""
    ci95: tuple[float, float] | None = None
    rank: int | None = None
    ranked_by: str | None = None
    tied: bool = False
    p: float | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The files that the row rests on."""
        return tuple(str(path) for path, _ in self.runs)


BoardDraws = Mapping[tuple[str, ...], SeedDraws]


def board_draws(rows: Sequence[Standing], first: Record, where: Where | None) -> tuple[BoardDraws, list[str]]:
    """Draws of every row that has its predictions, by `Standing.key`, and what is missing in words."""
    tested = [row for row in rows if row.runs]
    if not tested:
        return {}, []
    fallback = "such rows are ranked by whether their 95 % intervals overlap"
    if where is None:
        return {}, [f"differences are not tested without the gold answers (--data DIR); {fallback}"]
    try:
        gold = read_gold(first, where)
    except (DataError, NotComparableError) as e:
        return {}, [f"differences are not tested: {e} {fallback[0].upper()}{fallback[1:]}."]
    draws, problems = {}, []
    for row in tested:
        try:
            draws[row.key] = seed_draws(row.runs, gold)
        except (DataError, NotComparableError) as e:
            problems.append(f"{row.model} is not tested: {e} {fallback[0].upper()}{fallback[1:]}.")
    return draws, problems


def ranked(ours: Sequence[Standing], paper: Sequence[Standing], draws: BoardDraws, comparable: bool) -> list[Standing]:
    """All rows by falling value with their ranks; those without a value last, without rank.

    The paper's rows are ranked by value, and only where `comparable`: on the data that the paper used.
    """
    benchmark = find_benchmark(ours[0].about["benchmark"]) if ours else None
    median = benchmark is not None and benchmark.median
    valued = sorted((r for r in ours if r.value is not None), key=_value, reverse=True)
    # Neighbours have different sides, so that they draw their seeds independently.
    averages = {
        r.key: over_seeds(draws[r.key].average, place % 2, median=median)
        for place, r in enumerate(valued)
        if r.key in draws
    }
    valued = [replace(r, ci95=interval(averages[r.key]) if r.key in averages else _plain_interval(r)) for r in valued]
    tested = _tied(valued, averages)
    order = sorted([*tested, *(r for r in paper if r.value is not None)], key=_value, reverse=True)
    standings: list[Standing] = []
    above, position = 0, 0
    for row in order:
        if row.origin == "paper" and not comparable:
            standings.append(row)
            continue
        position += 1
        rank = above if row.tied else position
        if row.origin == "run":
            above = rank
        standings.append(replace(row, rank=rank, ranked_by=row.ranked_by or "value"))
    return [*standings, *(r for r in (*ours, *paper) if r.value is None)]


def _tied(rows: Sequence[Standing], averages: Mapping[tuple[str, ...], Draws]) -> list[Standing]:
    """Each row with whether it is tied with the one above; tested pairs are one family of Holm's."""
    differences = {
        str(place): averages[above.key] - averages[row.key]
        for place, (above, row) in enumerate(pairwise(rows), 1)
        if above.key in averages and row.key in averages
    }
    p = holm_of_draws(differences)
    found = [replace(row, ranked_by="value") for row in rows[:1]]
    for place, (above, row) in enumerate(pairwise(rows), 1):
        if str(place) in p:
            value = p[str(place)]
            found.append(replace(row, tied=value >= LEVEL, ranked_by="test", p=value))
        else:
            found.append(replace(row, tied=_overlap(above, row), ranked_by="intervals"))
    return found


def _overlap(above: Standing, row: Standing) -> bool:
    """Whether intervals overlap; a row without one is taken to overlap, for nothing shows that it differs."""
    if above.ci95 is None or row.ci95 is None:
        return True
    return row.ci95[1] >= above.ci95[0]


def _plain_interval(row: Standing) -> tuple[float, float] | None:
    """Without predictions: the variance over examples that the records state, and that of the mean over seeds."""
    stated = [headline(record)["ci95"] for _, record in row.runs]
    if row.value is None or None in stated:
        return None
    examples = fmean(((high - low) / (2 * _Z)) ** 2 for low, high in stated)
    seeds = (row.std or 0.0) ** 2 / len(stated)
    half = _Z * sqrt(examples + seeds)
    return row.value - half, row.value + half


def _value(row: Standing) -> float:
    assert row.value is not None
    return row.value
