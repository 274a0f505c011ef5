"""Which published row a row of ours is set beside, and the two column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .values import Comparison, Point, Row

# Names under which the published models are released, without punctuation -> as the paper names them.
_RELEASED = {
    "xlmrobertabase": "XLM-R Base",
    "xlmrobertalarge": "XLM-R",
    "xlmrlarge": "XLM-R",
    "bertbasemultilingualcased": "mBERT",
    "xlmmlm1001280": "XLM-100",
    "robertalarge": "RoBERTa",
}
REFERENCE = "XLM-R Base"  # what a model without a published row is set beside


def comparisons(rows: Sequence[Row]) -> Iterator[Comparison]:
    """Rows of ours on the published data beside the published row of the same protocol and selection rule.

    Where none is of the same model it is REFERENCE's, and `same` is False; without that either, there is none.
    """
    for row in rows:
        if row.origin != "run" or row.foreign is not None:
            continue
        printed = {p.model: p for p in rows if p.origin == "paper" and _rules(p) == _rules(row)}
        own = next((name for name in printed if _plain(name) == _plain(_named(row.model))), None)
        paper = own or (REFERENCE if REFERENCE in printed else None)
        points = () if paper is None else tuple(_points(row, printed[paper]))
        if paper is not None and points:
            yield Comparison(row, paper, own is not None, points)


def _points(row: Row, paper: Row) -> Iterator[Point]:
    for code, values in row.values.items():
        if code in paper.values:
            low, high = row.columns_ci.get(code, (None, None))
            yield Point(code, values[0], paper.values[code][0], low, high)


def _rules(row: Row) -> tuple[str, str]:
    return row.protocol, row.selection


def _named(model: str) -> str:
    return _RELEASED.get(_plain(model), model)


def _plain(name: str) -> str:
    return "".join(c for c in name.rpartition("/")[2].casefold() if c.isalnum())
