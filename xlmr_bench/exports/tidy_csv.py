"""A flat table: one line a score of a seed, nothing summed up, so that any tool can group it as it likes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..results import Record
from .collect import Entry, Result, marks
from .document import Document, Publisher
from .words import started

COLUMNS = (
    "model", "benchmark", "protocol", "selection", "seed", "split", "language", "average", "metric", "value",
    "ci95_low", "ci95_high", "unit", "n", "signature", "data", "official_data", "data_sha256", "weights_sha256",
    "tokenizer_sha256", "predictions_sha256", "status", "limited", "marks", "xlmr_bench", "git_commit", "started",
)  # fmt: skip


def tidy_csv(results: Sequence[Result], publisher: Publisher) -> list[Document]:
    """One file of all results. Scores are fractions; `language` is empty for averages, `average` for columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for result in results:
        for place, record in enumerate(result.records):
            writer.writerows(_lines(result, record, place, publisher))
    return [Document(PurePosixPath("results.csv"), out.getvalue())]


def _lines(result: Result, record: Record, place: int, publisher: Publisher) -> Iterator[dict[str, Any]]:
    about = _about(result, record, publisher)
    for entry in result.entries:
        yield {**about, **_score(entry, place)}


def _score(entry: Entry, place: int) -> dict[str, Any]:
    low, high = entry.intervals[place] or (None, None)
    return {
        "split": entry.split,
        "language": entry.column,
        "average": entry.average,
        "metric": entry.metric,
        "value": entry.values[place],
        "ci95_low": low,
        "ci95_high": high,
        "unit": "fraction",
        "n": entry.n,
        "signature": entry.signature,
        "data_sha256": entry.data_sha256,
    }


def _about(result: Result, record: Record, publisher: Publisher) -> dict[str, Any]:
    at = started(record)
    return {
        "model": publisher.model_id or record["model"]["name"],
        **{key: record[key] for key in ("benchmark", "protocol", "selection", "seed", "status", "limited")},
        "data": record["data"]["name"],
        "official_data": record["data"]["official"],
        "weights_sha256": record["model"]["weights_sha256"],
        "tokenizer_sha256": record["model"]["tokenizer_sha256"],
        "predictions_sha256": (record["predictions"] or {}).get("sha256"),
        "marks": "; ".join(marks(record, result.benchmark)),
        "xlmr_bench": record["provenance"].get("xlmr_bench"),
        "git_commit": record["provenance"].get("git_commit"),
        "started": at.isoformat() if at else None,
    }
