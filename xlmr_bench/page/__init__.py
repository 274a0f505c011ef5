"""The page of the leaderboards: one README and one self-contained HTML file, from the records alone."""

from __future__ import annotations

from pathlib import Path

from ..benchmarks.base import Where
from ..files import write_text
from ..results import Record
from .data import WhereOf, gather
from .html import html
from .markdown import markdown


def no_gold(record: Record) -> Where | None:
    """Without gold answers nothing is tested: rows are ranked by whether their intervals overlap."""
    return None


def build_page(runs: Path | None, out: Path, where_of: WhereOf = no_gold) -> list[Path]:
    """Write `README.md` and `index.html` into `out` from the records below `runs` (None: the paper's rows alone).

    `where_of` tells where the gold of a record lies, so that differences can be tested. Equal records give equal files.
    Raises DataError for a folder or record that cannot be read, UsageError where the extra `page` is not installed.
    """
    page = gather(runs, out, where_of)
    files = {out / "README.md": markdown(page), out / "index.html": html(page)}
    for path, text in files.items():
        write_text(path, text)
    return list(files)


__all__ = ["build_page", "no_gold"]
