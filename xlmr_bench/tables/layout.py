"""What one of the paper's tables declares: its columns and sections, and which results belong where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..report import N_MODELS
from ..results import Record
from .sheet import Column, Row


@dataclass(frozen=True)
class Fact:
    """A column that describes the model or its training; `read` takes it from a record, None where it is not known."""

    key: str
    title: str
    read: Callable[[Record], str | int | None]


@dataclass(frozen=True)
class Part:
    """A section: the paper's rows in their printed order (`provenance.row`), and which of our results join them."""

    key: str
    title: str
    rows: tuple[str, ...]
    takes: Callable[[Record], bool]


@dataclass(frozen=True)
class ResultTable:
    """One of Tables 1 to 5.

    `columns` maps languages or tasks to their printed titles; each has a score for every one of `metrics`, in the
    order of the benchmark's. `group` is the heading above them, `decimals` are those of the paper's per cents.
    """

    number: int
    title: str
    caption: str
    benchmark: str
    columns: Mapping[str, str]
    metrics: tuple[str, ...]
    group: str
    decimals: int
    facts: tuple[Fact, ...]
    parts: tuple[Part, ...]

    def sheet_columns(self) -> tuple[Column, ...]:
        """The model, its facts, the scores and their averages."""
        scores = [
            Column(self._key(code, metric), title, "score", self.decimals, self.group)
            for code, title in self.columns.items()
            for metric in self.metrics
        ]
        averages = [Column(self._key("avg", m), "Avg", "score", self.decimals, average=True) for m in self.metrics]
        return (Column("model", "Model"), *(Column(f.key, f.title) for f in self.facts), *scores, *averages)

    def _key(self, column: str, metric: str) -> str:
        return column if len(self.metrics) == 1 else f"{column}.{metric}"


@dataclass(frozen=True)
class FactTable:
    """Table 6 or 7: facts that the paper prints, read from a file beside the published records."""

    number: int
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: Callable[[], tuple[Row, ...]]


def pretraining_data(record: Record) -> str | None:
    """The corpus, in the paper's abbreviation (D)."""
    value: str | None = record["model"].get("pretraining_data")
    return value


def n_languages(record: Record) -> int | None:
    """In how many languages the model was pretrained (#lg)."""
    value: int | None = record["model"].get("languages")
    return value


def n_models(record: Record) -> str:
    """The paper's #M: how many checkpoints one row is from, N for one a language."""
    printed: str | None = record["config"].get("n_models") if record["origin"] == "paper" else None
    return printed or N_MODELS[record["selection"]]


def vocabulary(record: Record) -> str | None:
    """The size of the vocabulary in thousands, as the paper prints it."""
    model = record["model"]
    size = model.get("vocab_size") or model.get("config", {}).get("vocab_size")
    return None if size is None else f"{size / 1000:.3g}k"


def protocol_is(name: str) -> Callable[[Record], bool]:
    """Whether a result is of that protocol."""
    return lambda record: bool(record["protocol"] == name)
