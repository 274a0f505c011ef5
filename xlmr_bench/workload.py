"""The data of a run: read, checked and encoded once for all its seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .benchmarks.translation import translation_quality
from .encode import Encoded, join
from .errors import DataError
from .examples import Split, limited
from .modeling.tokenizer import Tokenizer
from .protocols import ENGLISH, FineTuning
from .request import Request
from .scoring import main_score, measures
from .selection import dev_languages
from .settings import Settings
from .tasks import Task
from .tasks.coders import coder_of

Outputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """A split, encoded for its task: what a model's outputs for it mean, and how good they are."""

    split: Split[Any]
    task: Task
    encoded: Encoded
    settings: Settings

    def decode(self, outputs: Outputs) -> tuple[list[str], dict[str, list[float]]]:
        """Predictions in the order of the examples, and columns of numbers to keep beside them."""
        return coder_of(self.task).decode(self.task, self.split, self.encoded, outputs, self.settings)

    def score(self, outputs: Outputs) -> float:
        """The task's first metric."""
        return main_score(self.task, self.split, self.decode(outputs)[0])

    def collapse(self, outputs: Outputs) -> str | None:
        """Why the outputs are no better than chance, or None."""
        return coder_of(self.task).collapsed(self.task, self.split, self.decode(outputs)[0])


@dataclass(frozen=True)
class Workload:
    """Encoded training sets, dev sets and tested sets by language.

    `about` describes each split for the record, `translation` the quality of translated test data.
    """

    train: dict[str, Encoded]
    dev: dict[str, Prepared]
    test: dict[str, Prepared]
    about: list[dict[str, Any]]
    translation: list[dict[str, Any]]

    def training_set(self, tuning: FineTuning) -> Encoded:
        """The joined training sets of one fine-tuning."""
        return join([self.train[code] for code in tuning.train])


def prepare(task: Task, split: Split[Any], tokenizer: Tokenizer, settings: Settings) -> Prepared:
    """Encode a split for its task."""
    return Prepared(split, task, coder_of(task).encode(task, split, tokenizer, settings), settings)


def load_workload(request: Request, tokenizer: Tokenizer) -> Workload:
    """Read every split that the run needs. All checks happen here, before anything is trained."""
    benchmark = request.benchmark
    about: list[dict[str, Any]] = []

    @cache  # where dev is reported, it selects too
    def load(role: str, language: str) -> Prepared:
        split = limited(benchmark.read(request.where, role, language), request.limit)
        if not split.examples:
            raise DataError(f"{benchmark.name} {language!r} {role} holds no examples. Give another file.")
        if len({e.id for e in split.examples}) < len(split.examples):
            raise DataError(f"{split.files[0]}: an id stands there twice. Predictions go by id; make ids unique.")
        settings = request.settings_of(benchmark.model_of(language))
        made = prepare(benchmark.task_of(language), split, tokenizer, settings)
        about.append(describe(split, made.encoded))
        return made

    for code in request.languages:
        measures(benchmark.task_of(code))  # a plugin may name a metric that does not exist
    tested = {code: load(request.test_role(code), code) for code in request.languages}
    translation = _translation(request, {code: made.split for code, made in tested.items()})
    dev = {code: load("dev", code) for code in _dev_languages(request)}
    codes = dict.fromkeys(c for t in request.fine_tunings for c in t.train)
    train = {code: load(request.train_role(code), code).encoded for code in codes}
    return Workload(train, dev, tested, about, translation)


def describe(split: Split[Any], encoded: Encoded) -> dict[str, Any]:
    """A split as the record has it; file names without their folders, which mean nothing elsewhere."""
    return {
        "role": split.role,
        "language": split.language,
        "n": len(split.examples),
        "sha256": split.digest,
        "gold_sha256": split.gold_digest,
        "files": [f.name for f in split.files],
        "source": split.source,
        "official": split.official,
        "deviation": split.deviation,
        "note": split.note,
        "inputs": len(encoded),
        "truncated": encoded.truncated,
        "mean_tokens": round(float(np.mean(encoded.lengths)), 1),
    }


def data_name(about: Iterable[dict[str, Any]]) -> tuple[str, bool | None]:
    """What the data are called, and whether all of them are the published ones (None: another data set)."""
    splits = list(about)
    standings = [s["official"] for s in splits]
    official = None if any(s is None for s in standings) else all(standings)
    return " + ".join(dict.fromkeys(s["source"] for s in splits)), official


def _dev_languages(request: Request) -> tuple[str, ...]:
    monitors = [m for tuning in request.fine_tunings for m in request.monitors(tuning)]
    wanted = dev_languages(monitors)
    # In the order of the table, English (the language of one rule) first where it was not asked for.
    return tuple(c for c in request.benchmark.languages if c in wanted)


def _translation(request: Request, tested: dict[str, Split[Any]]) -> list[dict[str, Any]]:
    translated = [s for s in tested.values() if s.role.startswith("translate-")]
    if not translated:
        return []
    english = request.benchmark.read(request.where, "test", ENGLISH)
    return [translation_quality(split, english) for split in translated]
