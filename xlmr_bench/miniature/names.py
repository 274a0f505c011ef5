"""The words around named entities, in the four languages of CoNLL: `named.tsv` and `named_sentences.tsv`, loaded.

A line of `named.tsv` is a kind and a cell for each language; a name with a single cell is the same everywhere. A cell
of a grammar word may hold several forms separated by `|`, the first of which a word-by-word translator takes.
A line of `named_sentences.tsv` is a weight and the same sentence in each language, in that language's word order;
braces hold what is drawn anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .lexicon import lexicon

LANGUAGES = ("en", "de", "es", "nl")
NAME_KINDS = ("first", "surname", "city", "country", "people", "company", "tail", "club", "institute", "race")
NAMED_FILE = Path(__file__).with_name("named.tsv")
SENTENCES_FILE = Path(__file__).with_name("named_sentences.tsv")

_LEXICON_KINDS = {"object": "noun", "action": "verb", "colour": "adjective"}


@dataclass(frozen=True)
class Named:
    """`cells[kind]` lists entries by language; `sentences` are (weight, template by language).

    `dictionary[language]` translates English grammar words, `kinds[language]` tells the part of speech of every word
    that is no name, in lower case.
    """

    cells: Mapping[str, tuple[Mapping[str, str], ...]]
    sentences: tuple[tuple[int, Mapping[str, str]], ...]
    dictionary: Mapping[str, Mapping[str, str]]
    kinds: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def named() -> Named:
    """The names, words and sentences that come with the package."""
    cells: dict[str, list[dict[str, str]]] = {}
    for kind, *forms in _rows(NAMED_FILE):
        cells.setdefault(kind, []).append(_by_language(forms))
    sentences = tuple((int(weight), _by_language(forms)) for weight, *forms in _rows(SENTENCES_FILE))
    dictionary: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    kinds = {language: _kinds_of_lexicon(language) for language in LANGUAGES}
    for kind in cells.keys() - set(NAME_KINDS):
        for entry in cells[kind]:
            for language, cell in entry.items():
                dictionary[language][entry["en"]] = cell.split("|")[0]
                kinds[language].update((form.lower(), "noun" if kind == "role" else kind) for form in cell.split("|"))
    return Named({kind: tuple(entries) for kind, entries in cells.items()}, sentences, dictionary, kinds)


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def _by_language(forms: list[str]) -> dict[str, str]:
    return dict(zip(LANGUAGES, forms * len(LANGUAGES) if len(forms) == 1 else forms, strict=True))


def _kinds_of_lexicon(language: str) -> dict[str, str]:
    """Parts of speech of the lexicon's words and articles; of a phrase such as "on the beach" the last is the noun."""
    known, words = lexicon(), lexicon().words[language]
    kinds = dict.fromkeys(("a", "an", "ein", "eine", "einen", "un", "una", "een", "het"), "determiner")
    for category, concepts in known.concepts.items():
        if category == "name":
            continue
        for form in (form for concept in concepts for form in words[concept].forms):
            *before, last = form.lower().split(" ")
            kinds.update(dict.fromkeys(before, "preposition"))
            kinds[last] = _LEXICON_KINDS.get(category, "noun")
    return kinds
