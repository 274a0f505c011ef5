"""The sentences with named entities as the files of CoNLL-2002 and CoNLL-2003, in their columns, schemes and encodings.

English and German (2003) are tagged in IOB1, Spanish and Dutch (2002) in IOB2; all are ISO-8859-1. Parts of speech and
chunks are rough: no reader of the harness looks at them. German lemmas are all `<unknown>`, as many officially are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .draw import number, stream
from .made import MadeFile
from .named import Drawn, Words, say, sentences, word_by_word
from .names import LANGUAGES, named

COUNTS = {"train": 600, "testa": 150, "testb": 200}
# Language -> (year of its shared task, its code in file names).
CODES = {"en": ("2003", "eng"), "de": ("2003", "deu"), "es": ("2002", "esp"), "nl": ("2002", "ned")}
DOCUMENT_SENTENCES = (8, 12)

_ENGLISH = {
    "verb": ("VBD", "I-VP"), "noun": ("NN", "I-NP"), "adjective": ("JJ", "I-NP"), "preposition": ("IN", "I-PP"),
    "determiner": ("DT", "I-NP"), "conjunction": ("CC", "O"), "name": ("NNP", "I-NP"), "stop": (".", "O"),
}  # fmt: skip
_GERMAN = {
    "verb": ("VVFIN", "I-VC"), "noun": ("NN", "I-NC"), "adjective": ("ADJA", "I-NC"), "preposition": ("APPR", "I-PC"),
    "determiner": ("ART", "I-NC"), "conjunction": ("KON", "O"), "name": ("NE", "I-NC"), "stop": ("$.", "O"),
}  # fmt: skip
_DUTCH = {
    "verb": "V", "noun": "N", "adjective": "Adj", "preposition": "Prep", "determiner": "Art", "conjunction": "Conj",
    "name": "N", "stop": "Punc",
}  # fmt: skip
_MARKS = {"en": ("-DOCSTART- -X- O O", ""), "de": ("-DOCSTART- -X- -X- -X- O", ""), "nl": ("-DOCSTART- -DOCSTART- O",)}


def conll_files(name: str) -> Iterator[MadeFile]:
    """Three splits in each language, and the English training sentences rendered word by word in the others."""
    for language, (year, code) in CODES.items():
        for split, count in COUNTS.items():
            told = [say(drawn, language) for drawn in sentences(name, language, split, count)]
            lines = _lines(told, language, _document_starts(name, language, split))
            yield MadeFile(f"{year}/{code}.{split}", _joined(lines).encode("iso-8859-1"), count)
    english = sentences(name, "en", "train", COUNTS["train"])
    for language in LANGUAGES[1:]:
        yield _translated(english, language)


def to_iob1(tags: Sequence[str]) -> list[str]:
    """IOB2 as IOB1: `B-` only where an entity follows another of its type at once."""
    pairs = zip(("O", *tags), (*tags, "O"), strict=True)
    return [f"I{tag[1:]}" if tag[0] == "B" and tag[1:] != last[1:] else tag for last, tag in pairs][:-1]


def _translated(english: list[Drawn], language: str) -> MadeFile:
    """A word and its IOB2 tag a line, between them a tab."""
    lines: list[str] = []
    for drawn in english:
        lines.extend(f"{word}\t{tag}" for word, tag in word_by_word(drawn, language))
        lines.append("")
    return MadeFile(f"translate-train/{language}.conll", _joined(lines).encode(), len(english))


def _lines(told: list[Words], language: str, starts: set[int]) -> Iterator[str]:
    for i, words in enumerate(told):
        if i in starts:
            yield from _MARKS.get(language, ())
        tags = [tag for _, tag in words]
        tags = to_iob1(tags) if CODES[language][0] == "2003" else tags
        for (word, entity), tag in zip(words, tags, strict=True):
            yield " ".join((word, *_columns(word, entity, language), tag))
        yield ""


def _columns(word: str, entity: str, language: str) -> tuple[str, ...]:
    """What stands between a word and its tag."""
    if language == "es":
        return ()
    kind = "name" if entity != "O" else "stop" if word == "." else named().kinds[language][word.lower()]
    if language == "nl":
        return (_DUTCH[kind],)
    return _ENGLISH[kind] if language == "en" else ("<unknown>", *_GERMAN[kind])


def _document_starts(name: str, language: str, split: str) -> set[int]:
    """The sentences that a document starts with; Spanish files do not mark them."""
    rng = stream(name, "conll documents", language, split)
    starts = {0}
    while max(starts) < COUNTS[split]:
        starts.add(max(starts) + number(rng, *DOCUMENT_SENTENCES))
    return starts


def _joined(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(lines) + "\n"
