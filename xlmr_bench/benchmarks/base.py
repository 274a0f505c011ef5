"""What a benchmark declares: its tasks, columns, protocols, presets and how its files are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..examples import Split
from ..settings import Preset
from ..tasks import Task

# Weights by column of each average that is reported, by the average's name; the first one is the headline.
Averages = Mapping[str, Mapping[str, float]]


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
    """Reads one split; raises DataError with file, line and remedy where it is not what it should be.

    Roles are `train`, `dev`, `test`, `translate-test` (test brought into English) and whatever `train_translated`
    of the benchmark names. A task's examples must be of its kind: `PairExample` or `LabelledText`, `TaggedSentence`,
    `Question`.
    """

    def __call__(self, where: Where, role: str, language: str) -> Split[Any]: ...


def plain_mean(languages: tuple[str, ...]) -> Averages:
    """The paper's Avg of Tables 1 to 3: each language counts the same."""
    return {"mean": dict.fromkeys(languages, 1.0)}


def no_refusal(protocol: str, language: str) -> str | None:
    """Every column takes part in every protocol."""
    return None


@dataclass(frozen=True)
class Benchmark:
    """One benchmark of the harness. To add one, declare it in its own file and list it in BENCHMARKS.

    `languages` are the columns of its table: language codes, or tasks (GLUE), or pairs (MLQA); `chosen` those that run
    where none are named (all where empty). `protocols`: the first is the default. `task` is one for all columns or
    one a column. `tested` is the split that scores are reported on, `selections` which rules may choose checkpoints
    on dev. `same_model` maps a column to the one whose model, training set and dev set are its own too.
    `train_translated` is the role of training sets that are translations; with `gold_translated` the gold answers of
    translate-test are translations too, not those of test. `shown` metrics stand in a cell of the table; `median`
    tells that seeds are summed up by their median. `refuses` gives the reason why a column is not in a protocol.
    `published` names the paper's table, `archives` what `data fetch` downloads.
    """

    name: str
    title: str
    task: Task | Mapping[str, Task]
    languages: tuple[str, ...]
    protocols: tuple[str, ...]
    presets: tuple[Preset, ...]
    read: Reader
    licence: str
    reference: str
    published: str | None = None
    archives: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    tested: str = "test"
    selections: tuple[str, ...] = ("joint", "per-language", "english")
    same_model: Mapping[str, str] = field(default_factory=dict)
    train_translated: str = "train"
    gold_translated: bool = False
    shown: int = 1
    median: bool = False
    averages: Callable[[tuple[str, ...]], Averages] = plain_mean
    refuses: Callable[[str, str], str | None] = no_refusal
    plugin: str | None = None

    @property
    def column(self) -> str:
        """What a column of the table is called."""
        return "task" if isinstance(self.task, Mapping) else "language"

    def task_of(self, language: str) -> Task:
        """The task of one column."""
        return self.task[language] if isinstance(self.task, Mapping) else self.task

    def model_of(self, language: str) -> str:
        """The column whose model predicts this one, which is this one except where `same_model` says otherwise."""
        return self.same_model.get(language, language)

    def gold_role(self, protocol: str, split: str, language: str) -> str:
        """The role that holds the gold of what is called `split` in results of a protocol."""
        translated = self.gold_translated and protocol == "translate-test" and split == "test" and language != "en"
        return "translate-test" if translated else split
