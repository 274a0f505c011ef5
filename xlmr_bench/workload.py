"""The data of a run: read, checked and encoded once for all its seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .benchmarks.translation import translation_quality
from .encode import Encoded, encode_pairs, join
from .examples import PairExample, Split, limited
from .modeling.tokenizer import Tokenizer
from .protocols import ENGLISH, FineTuning, Protocol
from .request import Request
from .selection import dev_languages, monitors_for


@dataclass(frozen=True)
class Workload:
    """Encoded training sets by language, and the dev and test splits with their encodings.

    `about` describes each split for the record, `translation` the quality of translated test data.
    """

    train: dict[str, Encoded]
    dev: dict[str, Encoded]
    test: dict[str, Encoded]
    dev_splits: dict[str, Split[PairExample]]
    test_splits: dict[str, Split[PairExample]]
    about: list[dict[str, Any]]
    translation: list[dict[str, Any]]

    def training_set(self, tuning: FineTuning) -> Encoded:
        """The joined training sets of one fine-tuning."""
        return join([self.train[code] for code in tuning.train])


def test_role(protocol: Protocol, language: str) -> str:
    """Which split is tested: English needs no translation into English."""
    return "test" if language == ENGLISH else protocol.test_role


def load_workload(request: Request, tokenizer: Tokenizer) -> Workload:
    """Read every split that the run needs. All checks happen here, before anything is trained."""
    tunings, labels = request.fine_tunings, request.benchmark.task.labels
    max_length = request.settings.max_length
    about: list[dict[str, Any]] = []

    def load(role: str, language: str) -> tuple[Split[PairExample], Encoded]:
        split = limited(request.benchmark.read(request.where, role, language), request.limit)
        encoded = encode_pairs(split, labels, tokenizer, max_length)
        about.append(describe(split, encoded))
        return split, encoded

    tested = {code: load(test_role(request.protocol, code), code) for code in request.languages}
    translation = _translation(request, {code: split for code, (split, _) in tested.items()})
    deved = {code: load("dev", code) for code in _dev_languages(request, tunings)}
    train = {code: load("train", code)[1] for code in dict.fromkeys(c for t in tunings for c in t.train)}
    return Workload(
        train=train,
        dev={code: encoded for code, (_, encoded) in deved.items()},
        test={code: encoded for code, (_, encoded) in tested.items()},
        dev_splits={code: split for code, (split, _) in deved.items()},
        test_splits={code: split for code, (split, _) in tested.items()},
        about=about,
        translation=translation,
    )


def describe(split: Split[PairExample], encoded: Encoded) -> dict[str, Any]:
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
        "truncated": encoded.truncated,
        "mean_tokens": round(float(np.mean(encoded.lengths)), 1),
    }


def data_name(about: Iterable[dict[str, Any]]) -> tuple[str, bool | None]:
    """What the data are called, and whether all of them are the published ones (None: another data set)."""
    splits = list(about)
    standings = [s["official"] for s in splits]
    official = None if any(s is None for s in standings) else all(standings)
    return " + ".join(dict.fromkeys(s["source"] for s in splits)), official


def _dev_languages(request: Request, tunings: tuple[FineTuning, ...]) -> tuple[str, ...]:
    monitors = [m for t in tunings for m in monitors_for(t, request.protocol.selections)]
    wanted = dev_languages(monitors)
    # In the order of the table, English (the language of one rule) first where it was not asked for.
    return tuple(c for c in request.benchmark.languages if c in wanted)


def _translation(request: Request, tested: dict[str, Split[PairExample]]) -> list[dict[str, Any]]:
    translated = [s for s in tested.values() if s.role.startswith("translate-")]
    if not translated:
        return []
    english = limited(request.benchmark.read(request.where, "test", ENGLISH), request.limit)
    return [translation_quality(split, english) for split in translated]
