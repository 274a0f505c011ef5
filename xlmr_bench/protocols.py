"""The evaluation protocols (paper sections 4 and 5): what is fine-tuned on, what is tested, how dev selects.

A protocol turns a list of languages into fine-tunings. Each fine-tuning names the training sets it joins and
the languages it serves. To add a protocol, declare one object and list it in PROTOCOLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import UsageError, unknown_name

ENGLISH = "en"

# How dev results choose the checkpoint that is tested.
SELECTIONS = {
    "joint": "one checkpoint, by mean dev score over all languages (the paper's #M = 1)",
    "per-language": "one checkpoint a language, by that language's dev score (#M = N)",
    "english": "one checkpoint, by the English dev score alone: no dev data in the target languages",
}


@dataclass(frozen=True)
class FineTuning:
    """One model to fine-tune: the languages whose training sets it joins, and the languages it is tested on."""

    name: str
    train: tuple[str, ...]
    serves: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """How training and testing go together.

    `fine_tunings` takes the languages (columns) and a map to the column whose model serves each (`Benchmark.model_of`).
    `trains_translated`: training sets other than English are translations of it. `tests_translated`: so are test sets,
    into English.
    """

    name: str
    summary: str
    fine_tunings: Callable[[tuple[str, ...], Callable[[str], str]], tuple[FineTuning, ...]]
    selections: tuple[str, ...]
    trains_translated: bool = False
    tests_translated: bool = False


def _english_only(languages: tuple[str, ...], model_of: Callable[[str], str]) -> tuple[FineTuning, ...]:
    return (FineTuning(ENGLISH, (ENGLISH,), languages),)


def _each(languages: tuple[str, ...], model_of: Callable[[str], str]) -> tuple[FineTuning, ...]:
    served: dict[str, list[str]] = {}
    for code in languages:
        served.setdefault(model_of(code), []).append(code)
    return tuple(FineTuning(code, (code,), tuple(serves)) for code, serves in served.items())


def _all(languages: tuple[str, ...], model_of: Callable[[str], str]) -> tuple[FineTuning, ...]:
    return (FineTuning("all", tuple(dict.fromkeys(map(model_of, languages))), languages),)


TRANSFER = Protocol(
    name="transfer",
    summary="fine-tune on English, test every language: zero-shot cross-lingual transfer",
    fine_tunings=_english_only,
    selections=("joint", "per-language", "english"),
)
TRANSLATE_TEST = Protocol(
    name="translate-test",
    summary="fine-tune on English, test on test sets machine-translated into English; English dev selects",
    fine_tunings=_english_only,
    # The authors chose checkpoints of this row on English dev only (fairseq issue 1243).
    selections=("english",),
    tests_translated=True,
)
TRANSLATE_TRAIN = Protocol(
    name="translate-train",
    summary="one model a language, each fine-tuned on the training set translated into it",
    fine_tunings=_each,
    selections=("per-language",),
    trains_translated=True,
)
TRANSLATE_TRAIN_ALL = Protocol(
    name="translate-train-all",
    summary="one model fine-tuned on the training sets of all languages together",
    fine_tunings=_all,
    selections=("joint", "per-language", "english"),
    trains_translated=True,
)
EACH = Protocol(
    name="each",
    summary="one model a language (or a task of GLUE), each fine-tuned on that language's own training set",
    fine_tunings=_each,
    selections=("per-language",),
)
ALL = Protocol(
    name="all",
    summary="one model fine-tuned on the own training sets of all languages together",
    fine_tunings=_all,
    selections=("joint", "per-language", "english"),
)

PROTOCOLS = (TRANSFER, TRANSLATE_TEST, TRANSLATE_TRAIN, TRANSLATE_TRAIN_ALL, EACH, ALL)


def find_protocol(name: str, admitted: tuple[str, ...], benchmark: str) -> Protocol:
    """The protocol of that name; an error that names those which `benchmark` admits otherwise."""
    by_name = {p.name: p for p in PROTOCOLS}
    if name not in by_name:
        raise unknown_name("protocol", name, by_name)
    if name not in admitted:
        raise UsageError(f"{benchmark} has no data for {name}. It admits: {', '.join(admitted)}.")
    return by_name[name]
