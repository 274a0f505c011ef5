"""Translating tagged sentences word by word, so that every tag goes with its words. Pure functions.

The unit is a word outside entities, or a whole entity: names of several words are translated as one phrase. Whatever
a unit becomes keeps its tag, so the translation has the same entities in the same order as the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..examples import TaggedSentence

_FINAL, _FIRST = ".,;:!?…。，、；：！？।۔؟،؛", "¡¿"
# A model that is given one word sometimes goes on; longer than this is no translation of it.
_MOST_WORDS_PER_WORD, _MORE_WORDS = 2, 3
_CAPITALISED_NOUNS = ("de",)


@dataclass(frozen=True)
class Unit:
    """A word or an entity: its words and its type, '' outside entities."""

    words: tuple[str, ...]
    kind: str

    @property
    def text(self) -> str:
        """What is translated."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Projected:
    """A translated sentence, and how many of its units were kept as they were for want of a usable translation."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    kept: int


def units(sentence: TaggedSentence) -> Iterator[Unit]:
    """The units of a sentence in order; its tags are IOB2."""
    words: list[str] = []
    kind = ""
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        if words and not tag.startswith("I-"):
            yield Unit(tuple(words), kind)
            words = []
        kind = tag[2:]
        if kind:
            words.append(word)
        else:
            yield Unit((word,), "")
    if words:
        yield Unit(tuple(words), kind)


def is_translatable(text: str) -> bool:
    """Whether a text has letters; numbers and punctuation stay as they are."""
    return any(c.isalpha() for c in text)


def project(sentence: TaggedSentence, translations: Mapping[str, str], language: str) -> Projected:
    """A sentence translated into `language`, with its tags."""
    words: list[str] = []
    tags: list[str] = []
    kept = 0
    for unit in units(sentence):
        made = list(unit.words)
        if is_translatable(unit.text):
            translated = tidy(unit.text, translations[unit.text], language).split()
            usable = 0 < len(translated) <= _MOST_WORDS_PER_WORD * len(unit.words) + _MORE_WORDS
            made = translated if usable else made
            kept += not usable
        words += made
        tags += [f"B-{unit.kind}", *[f"I-{unit.kind}"] * (len(made) - 1)] if unit.kind else ["O"] * len(made)
    return Projected(tuple(words), tuple(tags), kept)


def tidy(original: str, translation: str, language: str) -> str:
    """A translation of words without what models add to make a sentence of them: a full stop, a capital letter."""
    made = translation.strip()
    if original[-1] not in _FINAL:
        made = made.rstrip(_FINAL + " ")
    made = made.lstrip(_FIRST + " ")
    if not made:
        return ""
    first = made.split()[0]
    if original.isupper() and len(original) > 1:
        return made.upper()
    if original.islower() and language not in _CAPITALISED_NOUNS and not first[1:].isupper():
        return made[0].lower() + made[1:]
    return made[0].upper() + made[1:] if original[0].isupper() else made
