"""Result records: one JSON file a (model, benchmark, protocol, selection, seed), validated on writing and reading.

A record's path is its identity, so merging two machines' results is copying files. The schema is
`result_schema.json` beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .errors import DataError, UsageError, XlmrBenchError
from .files import digest_of, write_json

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("result_schema.json")
MODELS = "models"  # the folder of exported models, beside the folders of the selection rules
Record = dict[str, Any]


def record_path(output: Path, model: str, benchmark: str, protocol: str, selection: str, seed: int) -> Path:
    """`<output>/<model>/<benchmark>/<protocol>/<selection>/seed<k>.json`."""
    return output / model / benchmark / protocol / selection / f"seed{seed}.json"


def identity(record: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a result: two runs of equal identity give equal scores. Timing and machine are not part of it."""
    return {
        "model": {k: record["model"][k] for k in ("weights_sha256", "tokenizer_sha256")},
        "data": {f"{s['role']}/{s['language']}": s["sha256"] for s in record["data"]["splits"]},
        "config": record["config"],
        "limited": record["limited"],
        "schema_version": record["schema_version"],
    }


def write_record(path: Path, record: Record) -> None:
    """Validate and write a record atomically."""
    problem = _problem(record) or _not_json(record)
    if problem:
        raise XlmrBenchError(f"refusing to write {path}: {problem}. This is a fault of xlmr_bench; please report it.")
    write_json(path, record)


def read_record(path: Path) -> Record:
    """Read and validate a record; raises DataError naming what is wrong with it."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise DataError(f"there is no record {path}.") from None
    except (ValueError, OSError) as e:
        raise DataError(f"{path} is not a readable record ({e}). Delete it and repeat the run.") from None
    problem = _problem(record)
    if problem:
        raise DataError(f"{path} is not a valid result record: {problem}.")
    return dict(record)


def find_records(place: Path) -> Iterator[tuple[Path, Record]]:
    """All records at or below a path, in order of their paths."""
    if place.is_file():
        yield place, read_record(place)
        return
    if not place.is_dir():
        raise DataError(f"there is no record file or folder {place}.")
    for path in sorted(place.rglob("*.json")):
        # Exported models and work in progress lie in the same tree.
        if not any(part == MODELS or part.startswith(".") for part in path.relative_to(place).parts):
            yield path, read_record(path)


def existing(path: Path, wanted: Record) -> Record | None:
    """The record at `path` if it is of the same identity as `wanted`; None if there is none.

    Raises UsageError, listing the differences, for a record of other settings, data or weights.
    """
    if not path.is_file():
        return None
    record = read_record(path)
    mine, theirs = identity(wanted), identity(record)
    if mine == theirs:
        return record
    raise UsageError(
        f"{path} belongs to another run: {'; '.join(_differences(theirs, mine))}. Choose another --output or --name, "
        "or delete that file."
    )


def identity_digest(record: Record) -> str:
    """A short name for an identity together with the seed."""
    return digest_of([identity(record), record["benchmark"], record["protocol"], record["seed"]])[:16]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key} was {_short(a)}, is now {_short(b)}")
    return found


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"


def _problem(record: Any) -> str | None:
    """The first violation of the schema in words, or None."""
    error = next(iter(sorted(_validator().iter_errors(record), key=lambda e: list(map(str, e.path)))), None)
    if error is None:
        return None
    place = ".".join(map(str, error.path)) or "the record"
    return f"{place}: {error.message[:200]}"


def _not_json(record: Record) -> str | None:
    """NaN and infinity pass a schema's bounds, and are no JSON."""
    try:
        json.dumps(record, allow_nan=False)
    except ValueError as e:
        return str(e)
    return None


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not a number")


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
