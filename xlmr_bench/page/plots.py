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
_EDGE = 4.0  # room for marks and labels at both ends, per cent of the width


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
    """One row's seeds: their positions, those of collapsed seeds, and the mean's (None where all collapsed)."""

    row: Row
    seeds: tuple[float, ...]
    collapsed: tuple[float, ...]
    middle: float | None


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
    return Axis(low, high, tuple((_position(t, low, high), label.format(100 * t)) for t in ticks))


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
    """The seeds of our rows on one scale; None where there are none."""
    shown = [row for row in rows if any(seed.average is not None for seed in row.seeds)]
    values = [seed.average for row in shown for seed in row.seeds if seed.average is not None]
    if not values:
        return None
    scale = axis([*values, *(row.average[0] for row in shown if row.average)])
    return scale, tuple(
        Strip(
            row,
            tuple(scale.place(s.average) for s in row.seeds if s.average is not None and not s.collapsed),
            tuple(scale.place(s.average) for s in row.seeds if s.average is not None and s.collapsed),
            scale.place(row.average[0]) if row.average else None,
        )
        for row in shown
    )


def _position(value: float, low: float, high: float) -> float:
    return round(_EDGE + (100 - 2 * _EDGE) * (value - low) / (high - low), 2)
