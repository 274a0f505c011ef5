"""Where the marks of a plot stand: positions in per cent of the plot's width, so that it fits every screen.

The numbers are printed beside every plot; it is drawn for the eye alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from .values import Comparison, Point, Row

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MOST_TICKS = 5
_EDGE = 8.0  # room for marks and labels at both ends, per cent of the width


@dataclass(frozen=True)
class Axis:
    """A scale over fractions, with its ticks as (position, label in per cent)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """The position of a value, per cent of the width."""
        return _position(value, self.low, self.high)


@dataclass(frozen=True)
class Bell:
    """One line of a dumbbell plot."""

    point: Point
    ours: float
    paper: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Strip:
    """One row's seeds: their averages, and the positions of their distances from the row's; collapsed seeds apart."""

    row: Row
    averages: tuple[float, ...]
    places: tuple[float, ...]
    collapsed: tuple[float, ...]


def axis(values: Iterable[float]) -> Axis:
    """A scale from the tick below the least value to that above the greatest."""
    found = list(values)
    least, most = min(found), max(found)
    step = next((s for s in _STEPS if (most - least) / s <= _MOST_TICKS - 1), _STEPS[-1])
    first, last = floor(least / step + 1e-9), ceil(most / step - 1e-9)
    last = max(last, first + 1)
    low, high = first * step, last * step
    label = "{:.1f}" if step < 0.01 else "{:.0f}"
    ticks = (tick * step for tick in range(first, last + 1))
    # Adding zero turns -0.0 into 0.0.
    return Axis(low, high, tuple((_position(t, low, high), label.format(100 * t + 0.0)) for t in ticks))


def dumbbell(comparison: Comparison) -> tuple[Axis, tuple[Bell, ...]]:
    """Each column's score of ours and of the paper."""
    points = comparison.points
    ends = [v for p in points for v in (p.ours, p.paper, p.low, p.high) if v is not None]
    scale = axis(ends)
    return scale, tuple(
        Bell(
            p,
            scale.place(p.ours),
            scale.place(p.paper),
            None if p.low is None else scale.place(p.low),
            None if p.high is None else scale.place(p.high),
        )
        for p in points
    )


def strips(rows: Sequence[Row]) -> tuple[Axis, tuple[Strip, ...]] | None:
    """How far the seeds of each row lie from its average, on one scale; None where no row has two.

    Collapsed seeds lie too far off to be drawn on it.
    """
    shown = [(row, row.average[0], *_seeds(row)) for row in rows if row.average]
    shown = [(row, middle, kept, lost) for row, middle, kept, lost in shown if len(kept) > 1]
    if not shown:
        return None
    furthest = max(abs(value - middle) for _, middle, kept, _ in shown for value in kept)
    scale = axis((-furthest, furthest))
    return scale, tuple(
        Strip(row, kept, tuple(scale.place(value - middle) for value in kept), lost)
        for row, middle, kept, lost in shown
    )


def _seeds(row: Row) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The averages of the seeds in the mean, and of those that collapsed."""
    found = [(seed.collapsed, seed.average) for seed in row.seeds if seed.average is not None]
    return tuple(v for lost, v in found if not lost), tuple(v for lost, v in found if lost)


def _position(value: float, low: float, high: float) -> float:
    return round(_EDGE + (100 - 2 * _EDGE) * (value - low) / (high - low), 2)
