"""What has been translated already, on disk: one appended line a batch, so that a killed run loses one batch at most.

A journal belongs to one direction of one model with its settings, which its name tells; in it a text is known by its
digest. Every file of that direction shares it: what two of them have in common is translated once. Deleting a journal
costs only time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import explained


@dataclass(frozen=True, slots=True)
class Entry:
    """A translation; `cut` tells that the model had not finished it when it reached the limit of new tokens."""

    text: str
    cut: bool


class Journal:
    """Translations by text. Open it under a lock: two writers would mix their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, Entry] = {}
        self._seconds: dict[str, float] = {}
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._read() if path.exists() else 0
            # Unbuffered: nothing may be left to write when a full disk has ended the work.
            self._file = path.open("ab", buffering=0)
            if self._file.tell() > whole:
                self._file.truncate(whole)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._entries

    def __getitem__(self, text: str) -> Entry:
        return self._entries[_key(text)]

    def add(self, batch: Iterable[tuple[str, Entry]], seconds: float) -> None:
        """Write the translations of a batch and the seconds they took, as one line."""
        rows = [(_key(text), entry) for text, entry in batch]
        line = {"seconds": round(seconds, 4), "texts": [[k, e.text, int(e.cut)] for k, e in rows]}
        left = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with explained(self.path):
            while left:
                left = left[self._file.write(left) :]
        self._keep(rows, seconds)

    def seconds(self, texts: Iterable[str]) -> float:
        """How long these texts took, whenever that was."""
        return sum(self._seconds.get(_key(text), 0.0) for text in texts)

    def _keep(self, rows: list[tuple[str, Entry]], seconds: float) -> None:
        for key, entry in rows:
            self._entries[key] = entry
            self._seconds[key] = seconds / len(rows)

    def _read(self) -> int:
        """Read all whole lines and return their size; what a killed run left of its last one comes after."""
        whole = 0
        with self.path.open("rb") as f:
            for raw in f:
                line = _parsed(raw)
                if line is None:
                    break
                self._keep([(str(k), Entry(str(t), bool(c))) for k, t, c in line["texts"]], float(line["seconds"]))
                whole += len(raw)
        return whole


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A line of the journal; None for one that was cut or damaged."""
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
        return line if {"seconds", "texts"} <= line.keys() and all(len(t) == 3 for t in line["texts"]) else None
    except (ValueError, AttributeError, TypeError):
        return None
