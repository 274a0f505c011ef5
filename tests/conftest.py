"""Shared fixtures. Real benchmark data may not be redistributed: tests that read it skip where it is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data: $XLMR_BENCH_SHARED, else ../shared beside the repository."""
    folder = Path(os.environ.get("XLMR_BENCH_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real benchmark data are not at {folder}; set XLMR_BENCH_SHARED to test on them")
    return folder
