"""The paper's rows, and a folder of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from claimed import WriteRun

from xlmr_bench.claims.printed import Book, read_book


@pytest.fixture(scope="session")
def book() -> Book:
    return read_book()


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    return WriteRun(tmp_path)
