"""Reading CoNLL-2002 and CoNLL-2003 in every layout, encoding and tag scheme that they come in.

A file has one word a line, columns between blanks or tabs, the tag last, and blank lines between sentences.
English and German are of the shared task of 2003, Spanish and Dutch of 2002. Officially all are ISO-8859-1
with 4, 5, 2 or 3, and 3 columns; 2003 is tagged in IOB1, 2002 in IOB2. Tags leave this module as IOB2.
"""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from ..data.find import data_set_name, find_file, missing_file
from ..data.tables import wrong_width
from ..errors import DataError, MissingData, UsageError, unknown_name
from ..examples import Split, TaggedSentence
from .base import Where
from .conll_official import CODES, REMEDY, TYPES, annotation, check_complete, deviation

TAGS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
ISO = "ISO-8859-1"

_OFFICIAL = {"train": ("train",), "dev": ("testa",), "test": ("testb",)}
_NAMED = {"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)}
_ENDINGS = ("", ".txt", ".gz", ".bz2", ".utf8", ".conll", ".2col-utf8-bio.txt")
_TRANSLATED = tuple(
    f"{folder}{name}"
    for folder in ("translate-train/", "")
    for name in (
        *(f"{{language}}.{ending}" for ending in ("conll", "tsv", "txt", "train")),
        "{language}/train.txt",
        *(f"conll.train.{{language}}.{ending}" for ending in ("conll", "tsv", "txt")),
        "en-{language}-translated.tsv",
    )
)
_SHOWN = 8  # of the many names, as many are listed where none exists


def layouts(role: str, language: str) -> tuple[str, ...]:
    """The names that a split's file is known by below a data folder, official ones first."""
    if role == "translate-train":
        return _TRANSLATED
    if language not in CODES:
        raise unknown_name("language of CoNLL", language, CODES)
    code, year = CODES[language]
    folders = ("", f"{year}/", f"conll{year}/", f"CoNLL-{year}/", "ner/", "ner/data/", "data/", "NER/", "conll/")
    official = [f"{f}{code}.{part}{end}" for f, part, end in product(folders, _OFFICIAL[role], _ENDINGS)]
    named = [
        f"{folder}{name}"
        for folder, part in product(folders, _NAMED[role])
        for name in (
            *(f"{{language}}/{part}{ending}" for ending in (".txt", ".tsv", ".conll", ".bio")),
            f"{{language}}.{part}",
            *(f"{part}-{{language}}{ending}" for ending in (".tsv", ".txt")),
        )
    ]
    return (*official, *named)


def read_conll(where: Where, role: str, language: str) -> Split[TaggedSentence]:
    """One split in one language; see `base.Reader`.

    `note` tells the encoding where it is not the official one, and whose annotation German data have.
    """
    pattern = dict(where.patterns).get(role)
    what = f"CoNLL {language!r} {role}"
    _refuse_what_no_file_can_be(where, role, language, pattern)
    names = layouts(role, language)
    found = find_file(where.folders, names, pattern, language)
    if found is None:
        raise missing_file(what, where.folders, names[:_SHOWN], pattern, language, role)
    own = data_set_name(found)
    sentences, encoding = read_sentences(found.path)
    split = Split(role, language, sentences, (found.path,), own or "files")
    return split if own is not None else _measured(split, encoding)


def _refuse_what_no_file_can_be(where: Where, role: str, language: str, pattern: str | None) -> None:
    if where.hub is not None and pattern is None:
        raise MissingData(
            f"CoNLL {language!r} {role} is not read from the Hub ({where.hub}): no copy there is official. "
            f"Give a folder (--data DIR) or name files: --files {role}=PATTERN."
        )
    if pattern is not None and "{language}" not in pattern and (role, language) != ("train", "en"):
        raise UsageError(
            f"--files {role}={pattern}: only {{language}} may stand in braces, "
            "and it must stand there: these files differ by language."
        )


def _measured(split: Split[TaggedSentence], encoding: str) -> Split[TaggedSentence]:
    """The split with its standing against the published one, and what tells copies of equal content apart."""
    check_complete(split)
    words = deviation(split)
    recoded = f"{encoding} for {ISO}" if encoding not in ("ASCII", ISO) else None
    note = "; ".join(n for n in (recoded, annotation(split)) if n) or None
    return replace(split, official=words is None, deviation=words, note=note)


def read_sentences(path: Path) -> tuple[tuple[TaggedSentence, ...], str]:
    """All sentences of a file, tags in IOB2, and the encoding it is in.

    `-DOCSTART-` lines are dropped, whether they stand alone or open a sentence as in Dutch. Raises DataError for
    lines whose number of columns differs from the first one's, for unknown tags and for files without sentences.
    """
    lines, encoding = _lines(path)
    made: list[TaggedSentence] = []
    for block in _blocks(path, lines):
        words = tuple(word for word, _ in block)
        made.append(TaggedSentence(str(len(made) + 1), words, to_iob2(tag for _, tag in block)))
    if not made:
        raise DataError(f"{path} holds no sentences. {REMEDY}")
    return tuple(made), encoding


def to_iob2(tags: Iterable[str]) -> tuple[str, ...]:
    """IOB1, IOB2 or a mixture as IOB2: `I-` after `O`, after another type or at the start begins an entity."""
    made: list[str] = []
    before = "O"
    for tag in tags:
        begins = tag[0] == "I" and tag[1:] != before[1:]
        made.append(f"B{tag[1:]}" if begins else tag)
        before = tag
    return tuple(made)


def _blocks(path: Path, lines: list[str]) -> Iterator[list[tuple[str, str]]]:
    """The (word, tag) pairs of each sentence."""
    block: list[tuple[str, str]] = []
    width, tabs = 0, False
    for number, line in enumerate(lines, 1):
        line = line.rstrip(" \t\r")
        if not line or line.startswith("-DOCSTART-"):
            # A document's mark ends a sentence too, so that one without blank line before it is not joined on.
            if block:
                yield block
            block = []
            continue
        if not width:
            tabs = "\t" in line
        # Blanks may be doubled; tabs may enclose an empty column, or a word that was translated into two.
        fields = [f.strip(" ") for f in line.split("\t")] if tabs else re.split("[ \t]+", line)
        width = width or len(fields)
        if width < 2:
            raise DataError(
                f"{path}, line {number}: one column. A line has a word, a blank or tab, and its tag last. {REMEDY}"
            )
        if len(fields) != width:
            raise wrong_width(path, number, len(fields), width)
        if not fields[0]:
            raise DataError(f"{path}, line {number}: no word before the first blank or tab. Repair that line.")
        block.append((fields[0], _tag(path, number, fields[-1])))
    if block:
        yield block


def _tag(path: Path, number: int, tag: str) -> str:
    if tag in TAGS:
        return tag
    if tag in ("B", "I", "B-", "I-"):
        raise DataError(f"{path}, line {number}: tag {tag!r} has no type (one of {', '.join(TYPES)}). {REMEDY}")
    raise DataError(
        f"{path}, line {number}: unknown tag {tag!r}; the last column must be one of {', '.join(TAGS)}. "
        "Convert other schemes (IOBES, BILOU) to IOB2 and other types to these, or move the tags to the last column."
    )


def _lines(path: Path) -> tuple[list[str], str]:
    """The lines of a file and its encoding: ASCII, UTF-8, or else ISO-8859-1.

    Any bytes are ISO-8859-1; a UTF-8 file with a damaged line shows by its other lines that are UTF-8, which
    accented text in ISO-8859-1 practically never is.
    """
    raw = _bytes(path)
    if raw.isascii():
        return raw.decode("ascii").split("\n"), "ASCII"
    lines = raw.split(b"\n")
    wrong = [n for n, line in enumerate(lines, 1) if not _is_utf8(line)]
    if not wrong:
        return raw.decode("utf-8-sig").split("\n"), "UTF-8"
    right = next((n for n, line in enumerate(lines, 1) if not line.isascii() and _is_utf8(line)), None)
    if right is not None:
        raise DataError(
            f"{path}, line {wrong[0]}: not UTF-8, but line {right} is. The file is damaged or was joined from two "
            f"encodings. {REMEDY}"
        )
    return raw.decode(ISO).split("\n"), ISO


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            return gzip.decompress(raw)
        return bz2.decompress(raw) if path.suffix == ".bz2" else raw
    except (OSError, ValueError, EOFError, zlib.error) as e:
        raise DataError(f"cannot read {path}: {getattr(e, 'strerror', None) or e}. {REMEDY}") from e
