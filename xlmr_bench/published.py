"""The paper's published numbers: records like ours, with `origin: paper`."""

from __future__ import annotations

from pathlib import Path

from .results import Record, find_records

# In a checkout the records lie in leaderboards/paper; an installed package carries a copy.
_PLACES = (
    Path(__file__).parents[1] / "leaderboards" / "paper",
    Path(__file__).parent / "_published",
)


def published_records(benchmark: str, protocol: str | None = None) -> list[Record]:
    """Published results of a benchmark, best average last; those that the paper prints no average for come first."""
    folder = next((p for p in _PLACES if p.is_dir()), None)
    if folder is None:
        return []
    records = [r for _, r in find_records(folder) if r["benchmark"] == benchmark]
    chosen = [r for r in records if protocol in (None, r["protocol"])]
    return sorted(chosen, key=_average)


def _average(record: Record) -> float:
    value = record["aggregate"][0]["value"]
    return float("-inf") if value is None else float(value)
