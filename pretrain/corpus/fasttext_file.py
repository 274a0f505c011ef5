"""The layout of a fastText model file: whether one is whole, and which labels it knows.

fastText does not check what it reads: a download that was cut short makes it hang, crash the process or give nonsense
answers. The layout (version 12) is that of `FastText::saveModel` in https://github.com/facebookresearch/fastText.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError, MissingData

DOWNLOAD = "https://fasttext.cc/docs/en/language-identification.html"
_MAGIC, _VERSION = 793712314, 12
_LABEL, _SUPERVISED = 1, 3
_SETTINGS = "<12id"
_PLAUSIBLE = 1 << 40


class _Cut(Exception):
    """The file ends, or holds an impossible number, at this byte."""


def labels_of(path: Path) -> tuple[str, ...]:
    """The labels that a model can answer with, most frequent first.

    Raises DataError for a file that is not there, is cut short or longer than its layout says, or is no classifier.
    """
    try:
        with path.open("rb") as f:
            content = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as e:
        raise MissingData(f"no language identification model at {path}. {_remedy()}") from e
    except (OSError, ValueError) as e:  # a folder, no permission, an empty file
        raise DataError(f"cannot read the language identification model {path}: {e}. {_remedy()}") from e
    with content:
        size = len(content)
        magic, version = struct.unpack("<ii", content[:8].ljust(8, b"\0"))
        if magic != _MAGIC or version > _VERSION:
            raise DataError(f"{path} is no fastText model of version {_VERSION} or older. {_remedy()}")
        try:
            labels, end = _read(content)
        except (_Cut, struct.error) as e:
            raise DataError(f"{path} is damaged or cut short ({size:,} bytes). {_remedy()}") from e
    if end != size:
        raise DataError(f"{path} is damaged or cut short: {size:,} bytes where {end:,} should be. {_remedy()}")
    if not labels:
        raise DataError(f"{path} holds word vectors and no labels: it identifies no language. {_remedy()}")
    return labels


def _remedy() -> str:
    return f"Download lid.176.bin (or the smaller lid.176.ftz) from {DOWNLOAD} and give its path."


def _read(content: mmap.mmap) -> tuple[tuple[str, ...], int]:
    """The labels, and the size that the file should have."""
    kind = _unpack(_SETTINGS, content, 8)[7]
    position = 8 + struct.calcsize(_SETTINGS)
    size, _, _, _, pruned = _unpack("<iiiqq", content, position)
    position += struct.calcsize("<iiiqq")
    if not 0 <= size < len(content):
        raise _Cut(position)
    labels = []
    for _ in range(size):
        end = content.find(b"\0", position)
        if end < 0 or end + 10 > len(content):
            raise _Cut(position)
        if content[end + 9] == _LABEL and kind == _SUPERVISED:  # after a count of eight bytes
            labels.append(content[position:end].decode("utf-8", errors="replace"))
        position = end + 10
    position += 8 * _plausible(max(pruned, 0))
    (quantised,) = _unpack("<?", content, position)
    position = (_quantised_end if quantised else _matrix_end)(content, position + 1)
    (output_quantised,) = _unpack("<?", content, position)
    return tuple(labels), (_quantised_end if quantised and output_quantised else _matrix_end)(content, position + 1)


def _matrix_end(content: mmap.mmap, position: int) -> int:
    rows, columns = _unpack("<qq", content, position)
    return position + 16 + 4 * _plausible(rows) * _plausible(columns)


def _quantised_end(content: mmap.mmap, position: int) -> int:
    """After a matrix by product quantisation: codes and their codebook, and rows' norms with a codebook of theirs."""
    with_norms, rows, _, codes = _unpack("<?qqi", content, position)
    position = _codebook_end(content, position + struct.calcsize("<?qqi") + _plausible(codes))
    return _codebook_end(content, position + _plausible(rows)) if with_norms else position


def _codebook_end(content: mmap.mmap, position: int) -> int:
    dimensions, _, _, _ = _unpack("<iiii", content, position)
    return position + 16 + 4 * 256 * _plausible(dimensions)


def _unpack(layout: str, content: mmap.mmap, position: int) -> tuple[Any, ...]:
    if position + struct.calcsize(layout) > len(content):
        raise _Cut(position)
    return struct.unpack_from(layout, content, position)


def _plausible(number: int) -> int:
    if not 0 <= number < _PLAUSIBLE:
        raise _Cut(number)
    return number
