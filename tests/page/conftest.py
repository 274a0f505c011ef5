"""The page of results that hold everything it must show."""

from __future__ import annotations

import pytest
from page_results import Built, write_results

from xlmr_bench.page import build_page


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The page of `write_results`, beside its records as in a checkout."""
    out = tmp_path_factory.mktemp("leaderboards")
    records = write_results(out / "runs")
    readme, html = build_page(out / "runs", out)
    return Built(out / "runs", out, html, readme, records)
