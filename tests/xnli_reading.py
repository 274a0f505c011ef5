"""Reading a split of XNLI from a folder, and the message where it is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from samples import Row

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import DataError
from xlmr_bench.examples import Split

DEV_FILE = "XNLI-1.0/xnli.dev.tsv"


def read(folder: Path | tuple[Path, ...], role: str, language: str, **patterns: str) -> Split:
    folders = folder if isinstance(folder, tuple) else (folder,)
    return XNLI.read(Where(folders, None, tuple((k.replace("_", "-"), v) for k, v in patterns.items())), role, language)


def refusal(folder: Path, language: str = "en", role: str = "dev") -> str:
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        read(folder, role, language)
    return str(caught.value)


def swap(a: int, b: int) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        rows[a], rows[b] = rows[b], rows[a]

    return change
