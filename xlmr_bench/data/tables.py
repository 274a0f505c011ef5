"""Tab-separated files as corpora have them: no quoting, one record a line, every irregularity named by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError


def read_tsv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields). Quotes are ordinary characters: csv quoting would join unbalanced lines.

    Lines end at \\n or \\r\\n only, never at Unicode separators inside a text. Raises DataError for bytes that
    are not UTF-8. A last line without its end is read; a file cut there shows by its columns, rows or digest.
    """
    try:
        with path.open("rb") as f:
            for number, raw in enumerate(f, 1):
                yield number, _decode(path, number, raw).split("\t")
    except OSError as e:
        raise DataError(f"cannot read {path}: {e.strerror or e}.") from e


def _decode(path: Path, number: int, raw: bytes) -> str:
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as e:
        raise DataError(
            f"{path}, line {number}: not UTF-8 (byte {e.start}). The official files are UTF-8; fetch the file again."
        ) from None
    return line.rstrip("\r\n")


def wrong_width(path: Path, number: int, found: int, expected: int) -> DataError:
    """The error for a line with too few or too many columns."""
    return DataError(
        f"{path}, line {number}: {found} columns instead of {expected}. "
        "The line is cut or holds a stray tab; fetch the file again or repair that line."
    )
