"""A file of the world on its way to the disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class MadeFile(NamedTuple):
    """Path below the world's folder, bytes, and how many examples they hold."""

    path: str
    content: bytes
    rows: int


def table(path: str, rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> MadeFile:
    """A tab-separated file in UTF-8, with a header line where one is given."""
    lines = ["\t".join(row) for row in rows]
    text = "\n".join(["\t".join(header), *lines] if header else lines)
    return MadeFile(path, (text + "\n").encode(), len(lines))


def compact_json(path: str, content: Any, rows: int) -> MadeFile:
    """A JSON file in UTF-8 without blanks or escapes."""
    return MadeFile(path, (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode(), rows)
