"""One file to be made: what of the original is translated, and how the file is put together from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..examples import Split


@dataclass(frozen=True)
class Composed:
    """A file's content, what there is to count in it, and (translation, reference) pairs where references exist."""

    content: str
    counts: dict[str, int] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Job:
    """One file. `path` is below `root`, the folder that is given as --data to read it; `origin` is what is translated.

    `texts` lists every text in need of translation, repetitions included; `compose` takes their translations.
    """

    benchmark: str
    role: str
    root: Path
    path: str
    source: str
    target: str
    origin: Split[Any]
    limit: int | None
    texts: Callable[[], Iterable[str]]
    compose: Callable[[Mapping[str, str]], Composed]

    @property
    def file(self) -> Path:
        """Where the file will stand."""
        return self.root / self.path


def refuse_role(benchmark: str, role: str, known: tuple[str, ...], why: str) -> None:
    """Raise UsageError for a split that is not translated for a benchmark."""
    if role not in known:
        raise UsageError(f"{benchmark} has no {role!r} to translate: {why} Known: {', '.join(known)}.")
