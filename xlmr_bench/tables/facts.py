"""Files of facts: tab-separated, comments after #, and what is wrong with a printed figure beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from ..errors import DataError
from ..published import published_folder
from .sheet import Cell, Column


def read_facts(name: str) -> list[dict[str, str]]:
    """The rows of a file beside the published records, in its order; raises DataError where it is missing."""
    folder = published_folder()
    if folder is None or not (folder / name).is_file():
        place = "leaderboards/paper" if folder is None else folder
        raise DataError(f"there is no {name} in {place}. Restore it, or install xlmr_bench again.")
    with (folder / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t", restval=""))


def flagged(columns: Sequence[Column], fact: Mapping[str, str]) -> tuple[Cell, ...]:
    """A row's cells; `flag` stands at the columns that `flagged` names."""
    marked = fact["flagged"].split()
    return tuple(
        Cell(
            float(fact[column.key]) if column.kind == "number" else fact[column.key],
            flags=(fact["flag"],) if column.key in marked else (),
        )
        for column in columns
    )
