"""Our value of a linear combination of cells, with its 95 % interval.

Runs of different models (or protocols) are independent. Cells of the same runs are combined seed by seed first, so
what they share cancels. Over two or more seeds the error is their standard deviation over sqrt(n), with Student's t:
the noise of fine-tuning, on the test set as it is. Of one seed it is that of the examples alone, from the record's own
interval. A published number in the place of a baseline has no spread: only its rounding widens the interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, isclose, pi, sqrt
from statistics import fmean, median, stdev

from ..benchmarks import find_benchmark
from ..benchmarks.base import Benchmark
from ..report import column_values, headline, tested_split
from ..results import Record
from ..significance import LEVEL, students_p
from .claim import Cell, Terms
from .printed import Book, Row
from .runs import Bound, Key, Runs

NORMAL = 1.959964  # the quantile that t goes to
_FREEDOM = 1000  # from here on t is taken as normal
# The paper's own models: a claim about them is not tested by their published rows.
OWN = ("XLM-R", "XLM-R Base")


@dataclass(frozen=True)
class Estimate:
    """In points. `spread` is the standard deviation of a single run's value over seeds; None where one has one seed."""

    value: float
    low: float
    high: float
    spread: float | None
    seeds: tuple[int, ...]
    models: tuple[str, ...]
    as_published: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """Why there is no estimate. `untouched`: none of the models was run."""

    reason: str
    untouched: bool


@dataclass(frozen=True)
class _Share:
    """A cell, or those columns of it that one of our models has; the weights sum to the cell's weight."""

    key: Key
    weights: Mapping[str, float]
    place: int


@dataclass(frozen=True)
class _Mean:
    """The value of all cells of the same runs: middle, standard error, its degrees of freedom, spread over seeds."""

    value: float
    error: float
    freedom: float
    spread: float | None
    seeds: int


def estimate(terms: Terms, book: Book, bound: Bound, *, published_baselines: bool) -> Estimate | Missing:
    """Our value; with `published_baselines`, rows of other models than the paper's own may be taken from print."""
    shares: list[_Share] = []
    value = rounding = 0.0
    as_published: list[str] = []
    absent: list[str] = []
    for cell in terms:
        row = book[cell.row]
        found = _shares(cell, row, bound)
        if found is not None:
            shares += found
            continue
        printed = row.printed(cell) if published_baselines and row.model not in OWN else None
        if printed is None:
            absent.append(f"{row.model} ({row.benchmark} {row.protocol}, {row.selection})")
            continue
        value += cell.weight * printed.value
        rounding += abs(cell.weight) * printed.error
        as_published.append(row.model)
    if absent:
        return Missing(f"no run of {' nor of '.join(dict.fromkeys(absent))}", not shares)
    if not shares:
        return Missing("none of the models was run", True)
    means = [_mean(bound.runs, group) for group in _by_source(shares)]
    empty = [group for group, mean in zip(_by_source(shares), means, strict=True) if mean is None]
    if empty:
        return Missing(f"{empty[0][0].key[0]} has no seed that both sides share", False)
    return _joined([m for m in means if m], value, rounding, shares, as_published)


def _joined(
    means: Sequence[_Mean], published: float, rounding: float, shares: Sequence[_Share], as_published: Sequence[str]
) -> Estimate:
    """Independent means added up; degrees of freedom by Welch and Satterthwaite, rounded down."""
    value = published + sum(m.value for m in means)
    variance = sum(m.error**2 for m in means)
    lost = sum(m.error**4 / m.freedom for m in means)
    freedom = variance**2 / lost if lost > 0 else _FREEDOM
    # One mean has n - 1 exactly, which floating point may put just below.
    half = t_quantile(int(min(freedom + 1e-6, _FREEDOM))) * sqrt(variance) + rounding
    spreads = [m.spread for m in means if m.spread is not None]
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        spread=sqrt(sum(s**2 for s in spreads)) if len(spreads) == len(means) else None,
        seeds=tuple(m.seeds for m in means),
        models=tuple(dict.fromkeys(s.key[0] for s in shares)),
        as_published=tuple(dict.fromkeys(as_published)),
    )


def _shares(cell: Cell, row: Row, bound: Bound) -> list[_Share] | None:
    """Where the columns of a cell are found in our runs; None where one of them is not."""
    weights = dict.fromkeys(cell.columns, 1.0) if cell.columns else row.columns
    scale = cell.weight / sum(weights.values())
    by_key: dict[Key, dict[str, float]] = {}
    for column, weight in weights.items():
        key = bound.holder(row.model, row.benchmark, row.protocol, row.selection, column, cell.place)
        if key is None:
            return None
        by_key.setdefault(key, {})[column] = scale * weight
    return [_Share(key, found, cell.place) for key, found in by_key.items()]


def _by_source(shares: Sequence[_Share]) -> list[list[_Share]]:
    """Shares of the same runs together: one model and protocol, whatever selection rule."""
    groups: dict[tuple[str, str, str], list[_Share]] = {}
    for share in shares:
        groups.setdefault(share.key[:3], []).append(share)
    return list(groups.values())


def _mean(runs: Runs, group: Sequence[_Share]) -> _Mean | None:
    """Combined seed by seed over the seeds that all cells have; None where there is none."""
    seeds = sorted(set.intersection(*(set(runs.by_key[s.key]) for s in group)))
    if not seeds:
        return None
    benchmark = find_benchmark(group[0].key[1])
    values = [100 * sum(_value(runs.by_key[s.key][seed], s) for s in group) for seed in seeds]
    if len(values) == 1:
        error = 100 * sum(_examples_error(runs.by_key[s.key][seeds[0]], s, benchmark) for s in group)
        return _Mean(values[0], error, inf, None, 1)
    spread = stdev(values)
    # A median is less certain than a mean, by sqrt(pi / 2) where values are normal.
    factor = sqrt(pi / 2) if benchmark.median else 1.0
    middle = median(values) if benchmark.median else fmean(values)
    return _Mean(middle, factor * spread / sqrt(len(values)), len(values) - 1, spread, len(values))


def _value(record: Record, share: _Share) -> float:
    values = column_values(record, share.place)
    return sum(weight * values[column] for column, weight in share.weights.items())


def _examples_error(record: Record, share: _Share, benchmark: Benchmark) -> float:
    """Standard error over examples, from the record's 95 % intervals: of its own average where the share is that.

    Otherwise the columns' errors add up, as if they went together: languages share their sentences. Never too small.
    """
    total = sum(share.weights.values())
    main = headline(record)
    averages = [
        a for a in record["aggregate"] if a["split"] == main["split"] and a.get("average") == main.get("average")
    ]
    own = next(iter(benchmark.averages(tuple(column_values(record))).values()))
    whole = sum(own.values())
    same = own.keys() == share.weights.keys() and all(
        isclose(share.weights[c] / total, w / whole) for c, w in own.items()
    )
    if same and share.place < len(averages):
        return abs(total) * _half(averages[share.place]["ci95"]) / NORMAL
    halves: dict[str, list[float]] = {}
    for s in record["scores"]:
        if s["split"] == tested_split(record):
            halves.setdefault(s["language"], []).append(_half(s["ci95"]))
    return sum(abs(w) * halves[c][share.place] for c, w in share.weights.items()) / NORMAL


def _half(interval: Sequence[float]) -> float:
    return (interval[1] - interval[0]) / 2


@cache
def t_quantile(freedom: int) -> float:
    """Student's t that is exceeded in size with a probability of 5 %, by bisection."""
    if freedom >= _FREEDOM:
        return NORMAL
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if students_p(middle, max(freedom, 1)) > LEVEL else (low, middle)
    return high
