"""The paper's published numbers: records like ours, with `origin: paper`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .results import Record, find_records

# In a checkout the records lie in leaderboards/paper; an installed package carries a copy.
_PLACES = (
    Path(__file__).parents[1] / "leaderboards" / "paper",
    Path(__file__).parent / "_published",
)
# Rows of an ablation: other models, trained at another scale, than those that results are set beside.
_ABLATIONS = (5,)


def published_records(benchmark: str, protocol: str | None = None, *, table: int | None = None) -> list[Record]:
    """Published results of a benchmark, best average last; those that the paper prints no average for come first.

    `table` chooses one of the paper's tables. Without it the rows of Table 5, which are ablations, are left out.
    """
    records = [r for _, r in _all() if r["benchmark"] == benchmark and protocol in (None, r["protocol"])]
    if table is None:
        chosen = [r for r in records if _table(r) not in _ABLATIONS]
    else:
        chosen = [r for r in records if _table(r) == table]
    return sorted(chosen, key=_average)


def published_rows(table: int) -> dict[str, tuple[Path, Record]]:
    """The rows of one of Tables 1 to 5, with their files, by the names that records give them (`provenance.row`)."""
    return {r["provenance"]["row"]: (path, r) for path, r in _all() if _table(r) == table}


def published_folder() -> Path | None:
    """Where the records and the files of facts lie; None where an installation lacks them."""
    return next((p for p in _PLACES if p.is_dir()), None)


def _all() -> Iterator[tuple[Path, Record]]:
    folder = published_folder()
    return iter(()) if folder is None else find_records(folder)


def _table(record: Record) -> Any:
    """The number of the paper's table; None for a row of another publication."""
    return record["provenance"].get("table")


def _average(record: Record) -> float:
    value = record["aggregate"][0]["value"]
    return float("-inf") if value is None else float(value)
