"""Numbers and names as the page and the README print them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from .values import Row

ABSENT = "-"
COMMAND = "python -m xlmr_bench leaderboard build"


def percent(value: float | None) -> str:
    """Per cent to one decimal; what is absent is a dash."""
    return ABSENT if value is None else f"{100 * value:.1f}"


def cell(values: Sequence[float] | None) -> str:
    """The metrics of one cell."""
    return " / ".join(map(percent, values)) if values else ABSENT


def spread(row: Row) -> str:
    """Such as `0.3 sd`."""
    return ABSENT if row.spread is None else f"{percent(row.spread)} {row.spread_of}"


def interval(row: Row) -> str:
    """The 95 % interval of the average."""
    return ABSENT if row.ci95 is None else f"{percent(row.ci95[0])} – {percent(row.ci95[1])}"


def rank(row: Row) -> str:
    """Such as `2`, `2*` or `2~`; see `legend`."""
    return ABSENT if row.rank is None else f"{row.rank}{row.mark}"


def seeds(row: Row) -> str:
    """How many seeds the row rests on, and how many more collapsed."""
    shown = ABSENT if row.n is None else str(row.n)
    return f"{shown} +{row.collapsed}c" if row.collapsed else shown


def legend(rows: Sequence[Row], median: bool) -> list[str]:
    """What the signs of these rows mean, each only where it occurs."""
    kinds = {row.spread_of for row in rows}
    marks = {row.mark for row in rows}
    ours = any(row.origin == "run" for row in rows)
    told = [
        (ours, f"Our scores are {'medians' if median else 'means'} over n seeds."),
        ("sd" in kinds, "± sd: standard deviation of the average over seeds."),
        ("ci" in kinds, "± ci: half the 95 % interval over the examples of a single seed."),
        (ours, "A row of ours shares the rank of ours above while the difference is not significant at 5 %."),
        ("~" in marks, "~: not tested; ranked by whether 95 % intervals overlap."),
        ("*" in marks, "*: as printed in the paper, ranked by its value alone."),
        (any(row.collapsed for row in rows), "+kc: k more seeds collapsed and are not in the mean."),
        (True, "Ranks hold within one protocol. -: not reported."),
    ]
    return [words for holds, words in told if holds]


def isolated(name: str) -> str:
    """A name for plain text: one that runs from right to left must not turn around what stands beside it."""
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN", "RLE", "RLO", "RLI") for c in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name
