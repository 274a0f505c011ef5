"""Where reusable work is kept: the miniature world and tokenised examples. Deleting it costs only time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$XLMR_BENCH_CACHE, else $XDG_CACHE_HOME/xlmr_bench, else ~/.cache/xlmr_bench."""
    chosen = os.environ.get("XLMR_BENCH_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xlmr_bench"
