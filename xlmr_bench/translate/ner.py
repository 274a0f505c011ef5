"""CoNLL: the English training set into a language, word by word with its tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..benchmarks.base import Where
from ..benchmarks.conll_files import read_conll
from ..examples import TaggedSentence
from .job import Composed, Job, refuse_role
from .words import is_translatable, project, units


def ner_jobs(where: Where, role: str, languages: tuple[str, ...], out: Path, limit: int | None) -> list[Job]:
    """One file a language."""
    refuse_role("ner", role, ("train",), "the protocols read translations of the English training set alone.")
    origin = read_conll(where, "train", "en")
    sentences = origin.examples[:limit]

    def job(language: str) -> Job:
        return Job(
            "ner", role, out, f"translate-train/{language}.conll", "en", language, origin, limit,
            lambda: _texts(sentences),
            lambda made: _composed(sentences, made, language),
        )  # fmt: skip

    return [job(language) for language in languages]


def _texts(sentences: tuple[TaggedSentence, ...]) -> Iterator[str]:
    return (unit.text for s in sentences for unit in units(s) if is_translatable(unit.text))


def _composed(sentences: tuple[TaggedSentence, ...], made: Mapping[str, str], language: str) -> Composed:
    counts: Counter[str] = Counter(examples=len(sentences))
    lines: list[str] = []
    for sentence in sentences:
        projected = project(sentence, made, language)
        counts["words"] += len(projected.words)
        counts["entities"] += sum(tag.startswith("B-") for tag in projected.tags)
        counts["units_kept_untranslated"] += projected.kept
        lines += [f"{word}\t{tag}" for word, tag in zip(projected.words, projected.tags, strict=True)]
        lines.append("")
    return Composed("".join(f"{line}\n" for line in lines), dict(counts))
