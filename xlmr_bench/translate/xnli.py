"""XNLI: the training set into a language, dev and test of a language into English, in XNLI-MT's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..benchmarks.base import Where
from ..benchmarks.xnli_files import read_xnli
from ..examples import PairExample, Split, limited
from .job import Composed, Job, refuse_role

_SPELLING = {"contradiction": "contradictory"}


def xnli_jobs(where: Where, role: str, languages: tuple[str, ...], out: Path, limit: int | None) -> list[Job]:
    """One file a language."""
    refuse_role("xnli", role, ("train", "dev", "test"), "its splits are these.")
    english = read_xnli(where, role, "en")
    if role == "train":
        return [_job(out, role, "en", language, english, english, limit) for language in languages]
    return [_job(out, role, lang, "en", read_xnli(where, role, lang), english, limit) for lang in languages]


def _job(
    out: Path, role: str, source: str, target: str, origin: Split[PairExample], english: Split[PairExample],
    limit: int | None,
) -> Job:  # fmt: skip
    pairs = limited(origin, limit).examples
    references = english.examples[: len(pairs)] if source != "en" else ()
    path = f"multinli/multinli.train.{target}.tsv" if role == "train" else f"xnli/xnli.{role}.{source}.tsv"
    return Job(
        "xnli", role, out, f"XNLI-MT-1.0/{path}", source, target, origin, limit,
        lambda: (text for p in pairs for text in (p.premise, p.hypothesis)),
        lambda made: Composed(_content(pairs, made), {"examples": len(pairs)}, _compared(pairs, references, made)),
    )  # fmt: skip


def _content(pairs: Iterable[PairExample], made: Mapping[str, str]) -> str:
    rows = ((made[p.premise], made[p.hypothesis], _SPELLING.get(p.label, p.label)) for p in pairs)
    return "".join("\t".join(row) + "\n" for row in (("premise", "hypo", "label"), *rows))


def _compared(
    pairs: tuple[PairExample, ...], references: tuple[PairExample, ...], made: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Distinct premises and all hypotheses with their English originals, as the reading side scores them."""
    if not references:
        return ()
    compared: list[tuple[str, str]] = []
    seen: set[str] = set()
    for ours, english in zip(pairs, references, strict=True):
        if english.premise not in seen:
            seen.add(english.premise)
            compared.append((made[ours.premise], english.premise))
        compared.append((made[ours.hypothesis], english.hypothesis))
    return tuple(compared)
