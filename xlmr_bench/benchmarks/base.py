"""What a benchmark declares: its task, languages, protocols, presets and how its files are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..examples import PairExample, Split
from ..settings import Preset


@dataclass(frozen=True)
class Where:
    """Where data are looked for: folders in order, a Hub repository, and patterns that the user named by role.

    A pattern holds `{language}`, for example `{"train": "mt/{language}.tsv"}`. With `hub` the folders are ignored
    except for roles that a pattern names.
    """

    folders: tuple[Path, ...] = ()
    hub: str | None = None
    patterns: tuple[tuple[str, str], ...] = ()


class Reader(Protocol):
    """Reads one split; raises DataError with file, line and remedy where it is not what it should be."""

    def __call__(self, where: Where, role: str, language: str) -> Split[PairExample]: ...


@dataclass(frozen=True)
class PairClassification:
    """A pair of sentences to one of `labels`, in the order of the model's logits."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark of the harness. To add one, declare it in its own file and list it in BENCHMARKS.

    `published` names the table of the paper that holds its numbers, `archives` what `data fetch` downloads.
    """

    name: str
    title: str
    task: PairClassification
    languages: tuple[str, ...]
    protocols: tuple[str, ...]
    presets: tuple[Preset, ...]
    metric: str
    read: Reader
    archives: tuple[str, ...]
    licence: str
    published: str
    reference: str
