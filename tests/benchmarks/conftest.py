"""An official-shaped XNLI folder, written once (15 languages x 2,490 dev and 5,010 test pairs), and a small mirror."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from samples import ROWS, Row, official_dev, write_rows, xnli_rows

from xlmr_bench.languages import XNLI_LANGUAGES


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Complete, correct dev and test files; never to be changed."""
    folder = tmp_path_factory.mktemp("official")
    write_rows(folder / "XNLI-1.0" / "xnli.dev.tsv", official_dev())
    write_rows(folder / "XNLI-1.0" / "xnli.test.tsv", xnli_rows(ROWS["test"], sorted(XNLI_LANGUAGES)))
    return folder


@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[Callable[[list[Row]], object]], Path]:
    """Write a dev file after a change to its rows (row 0 is the header); returns the data folder."""

    def write(change: Callable[[list[Row]], object]) -> Path:
        rows = official_dev()
        change(rows)
        write_rows(tmp_path / "XNLI-1.0" / "xnli.dev.tsv", rows)
        return tmp_path

    return write


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder in the Hub's layout that a test may change."""
    from hub_mirror import write_mirror  # skips where the package `datasets` is missing

    folder = tmp_path / "mirror" / "xnli"
    write_mirror(folder)
    return folder
