"""A site to download from, with waits that cost no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from download_site import Site, serve

from xlmr_bench.data import download as module


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(module, "_WAITS_S", (0.01,) * 4)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as site:
        yield site
