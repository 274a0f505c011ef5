"""Prediction files: one row an example, by id, with what is needed to score them a year later.

Parquet with columns `split, language, id, prediction` and what the task adds (a probability a label, the score of an
answer). A prediction is a label, a score in digits, a sentence's tags between blanks, or an answer. Gold is not in the
file (not all of it may be redistributed); its digests are, so that scoring can tell whether it has the same gold.
Plain tab-separated files with a header of the first four columns are read as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .data.tables import read_tsv, wrong_width
from .errors import DataError
from .examples import Split
from .files import atomic_path

_KEY = b"xlmr_bench"
COLUMNS = ("split", "language", "id", "prediction")


@dataclass(frozen=True)
class Predictions:
    """`labels` maps (split, language) to predictions by example id; `about` is what the writer recorded."""

    labels: Mapping[tuple[str, str], Mapping[str, str]]
    about: Mapping[str, Any]


def write_predictions(path: Path, columns: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Write the columns (equally long) with `about` in the file's metadata."""
    table = pa.table(dict(columns)).replace_schema_metadata({_KEY: json.dumps(about, sort_keys=True)})
    with atomic_path(path) as part:
        pq.write_table(table, part, compression="zstd")


def read_predictions(path: Path) -> Predictions:
    """Read a prediction file; raises DataError for anything that is not one."""
    if not path.is_file():
        raise DataError(f"there is no prediction file {path}.")
    about: dict[str, Any] = {}
    if path.suffix == ".tsv":
        rows = _tsv_rows(path)
    else:
        rows, about = _parquet_rows(path)
    labels: dict[tuple[str, str], dict[str, str]] = {}
    for split, language, example, prediction in rows:
        found = labels.setdefault((split, language), {})
        if example in found:
            raise DataError(f"{path}: {language!r} {split} example {example} is predicted twice. Nothing was scored.")
        found[example] = prediction
    return Predictions(labels, about)


def match(predictions: Predictions, split: Split[Any], name: str) -> list[str]:
    """The predictions for a split in its order; every example must have one and no other may be there."""
    found = predictions.labels.get((name, split.language), {})
    missing = [e.id for e in split.examples if e.id not in found]
    unknown = set(found) - {e.id for e in split.examples}
    if missing or unknown:
        detail = f"first missing id: {missing[0]}" if missing else f"unknown id: {min(unknown)}"
        raise DataError(
            f"{split.language!r} {name}: {len(found):,} predictions for {len(split.examples):,} examples ({detail}). "
            "Re-run predict; nothing was scored."
        )
    return [found[e.id] for e in split.examples]


def _parquet_rows(path: Path) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
    try:
        table = pq.read_table(path)
        columns = [table.column(c).cast(pa.string()).to_pylist() for c in COLUMNS]
        about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    except (pa.ArrowException, KeyError, ValueError, OSError) as e:
        raise DataError(f"{path} is not a prediction file with columns {', '.join(COLUMNS)} ({e}).") from None
    rows = list(zip(*columns, strict=True))
    empty = next((i for i, row in enumerate(rows, 1) if None in row), None)
    if empty is not None:
        raise DataError(f"{path}, row {empty}: a cell of {', '.join(COLUMNS)} is empty. Re-run predict.")
    return rows, about


def _tsv_rows(path: Path) -> list[tuple[str, ...]]:
    lines = read_tsv(path)
    header = next(lines, (1, [""]))[1]
    absent = [c for c in COLUMNS if c not in header]
    if absent:
        raise DataError(f"{path}, line 1: column {absent[0]!r} is missing; columns are {', '.join(COLUMNS)}.")
    at = [header.index(c) for c in COLUMNS]
    rows = []
    for number, fields in lines:
        if len(fields) != len(header):
            raise wrong_width(path, number, len(fields), len(header))
        rows.append(tuple(fields[i] for i in at))
    return rows
