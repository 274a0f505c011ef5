"""The words of the miniature world: `lexicon.tsv`, loaded and checked.

A line is a category, a concept and a cell for each language. A cell holds one or more forms separated by `|`
(`rules.py` says which is used when) and, after `:`, what a phrase needs to know of the word: gender, class, classifier.
Square brackets mark the content word where a form has function words too (`auf dem [Markt]`).
Nouns stand in the form that they have as an indefinite direct object, the only place where the world uses them.
A proper name has a single cell: names are written in Latin letters in every language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import DataError

LANGUAGES = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur", "nl")
KINDS = ("animal", "fruit", "vehicle", "furniture", "clothing", "tool")
CATEGORIES = ("name", *KINDS, "hypernym", "action", "colour", "place", "time")
LEXICON_FILE = Path(__file__).with_name("lexicon.tsv")

_CELL = re.compile(r"(?P<forms>[^:]+)(:(?P<feature>[^:]+))?")
_BRACKETED = re.compile(r"\[(.+)\]")


@dataclass(frozen=True)
class Word:
    """A concept in one language: `cores` are the content words of `forms`, `feature` is '' where there is none."""

    forms: tuple[str, ...]
    cores: tuple[str, ...]
    feature: str


@dataclass(frozen=True)
class Lexicon:
    """`words[language][concept]`, and the concepts of each category in the order of the file."""

    words: Mapping[str, Mapping[str, Word]]
    concepts: Mapping[str, tuple[str, ...]]
    kind_of: Mapping[str, str]

    @property
    def nouns(self) -> tuple[str, ...]:
        """The specific nouns, without the hypernyms."""
        return tuple(noun for kind in KINDS for noun in self.concepts[kind])


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon that comes with the package."""
    return read_lexicon(LEXICON_FILE)


def read_lexicon(path: Path) -> Lexicon:
    """Read and check a lexicon file.

    Raises DataError, with the line, for a missing cell, an unknown category, a repeated concept or a tab too many.
    """
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    if header.split("\t") != ["category", "concept", *LANGUAGES]:
        raise DataError(f"{path}, line 1: the header must be category, concept and {', '.join(LANGUAGES)}.")
    words: dict[str, dict[str, Word]] = {language: {} for language in LANGUAGES}
    concepts: dict[str, list[str]] = {category: [] for category in CATEGORIES}
    for number, line in enumerate(lines, 2):
        category, concept, *cells = line.split("\t")
        if category not in concepts:
            raise DataError(f"{path}, line {number}: category {category!r} is none of {', '.join(CATEGORIES)}.")
        if category == "name" and len(cells) == 1:
            cells *= len(LANGUAGES)
        if len(cells) != len(LANGUAGES):
            raise DataError(f"{path}, line {number}: {len(cells)} cells instead of {len(LANGUAGES)}.")
        if any(concept in known for known in concepts.values()):
            raise DataError(f"{path}, line {number}: concept {concept!r} stands in the file twice.")
        concepts[category].append(concept)
        for language, cell in zip(LANGUAGES, cells, strict=True):
            words[language][concept] = _word(cell, f"{path}, line {number}, {language!r}")
    kind_of = {noun: kind for kind in KINDS for noun in (*concepts[kind], kind)}
    if missing := [kind for kind in KINDS if kind not in concepts["hypernym"]]:
        raise DataError(f"{path}: no hypernym line for {', '.join(missing)}.")
    return Lexicon(words, {c: tuple(ids) for c, ids in concepts.items()}, kind_of)


def _word(cell: str, place: str) -> Word:
    match = _CELL.fullmatch(cell)
    forms = match["forms"].split("|") if match else []
    if match is None or not all(form.strip() == form != "" for form in forms):
        raise DataError(f"{place}: {cell!r} is not FORM, FORM:FEATURE or FORM|FORM:FEATURE.")
    cores = tuple(found[1] if (found := _BRACKETED.search(form)) else form for form in forms)
    return Word(tuple(_BRACKETED.sub(r"\1", form) for form in forms), cores, match["feature"] or "")


def parallel_words() -> list[dict[str, str]]:
    """One entry a content word: its translation into each language, as it stands in the sentences.

    Single words, without the function words around them; Vietnamese writes spaces between syllables. Proper names are
    left out because they are the same everywhere.
    """
    known = lexicon()
    return [
        {language: known.words[language][concept].cores[0] for language in LANGUAGES}
        for category in CATEGORIES[1:]
        for concept in known.concepts[category]
    ]
