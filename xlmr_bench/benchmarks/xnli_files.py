"""Reading XNLI: the official files, the layouts its translations come in, and the Hub.

Official statistics: 2,490 dev and 5,010 test pairs in each of 15 parallel languages, three hypotheses a premise,
one of each label; 392,702 training pairs (Conneau et al. 2018, section 3; XNLI-1.0 and XNLI-MT-1.0).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..data.find import Found, data_set_name, find_file, missing_file
from ..data.tables import read_tsv, wrong_width
from ..errors import DataError, MissingData, UsageError
from ..examples import PairExample, Split
from .base import Where
from .xnli_official import EXPECTED, OFFICIAL_COLUMNS, REMEDY, check_aligned, check_block, deviation

LABELS = ("entailment", "neutral", "contradiction")
# XNLI-MT writes the third label differently from XNLI-1.0.
SPELLINGS = {**{label: label for label in LABELS}, "contradictory": "contradiction"}

_MT = ("XNLI-MT-1.0/", "")
LAYOUTS = {
    "dev": ("XNLI-1.0/xnli.dev.tsv", "xnli.dev.tsv"),
    "test": ("XNLI-1.0/xnli.test.tsv", "xnli.test.tsv"),
    "train": (
        *(f"{mt}{folder}/multinli.train.{{language}}.tsv" for mt in _MT for folder in ("multinli", "multiNLI")),
        "multinli.train.{language}.tsv",
        *(f"{folder}en-{{language}}-translated.tsv" for folder in ("XNLI-Translated/", "translate-train/", "")),
    ),
    **{
        f"translate-{split}": (
            *(f"{mt}{folder}/xnli.{split}.{{language}}.tsv" for mt in _MT for folder in ("xnli", "XNLI")),
            f"XNLI-Translated/{split}-{{language}}-en-translated.tsv",
            f"translate-test/{split}-{{language}}-en-translated.tsv",
            f"{split}-{{language}}-en-translated.tsv",
            f"translate-test/{{language}}.trans.{split}.tsv",
            f"{{language}}.trans.{split}.tsv",
        )
        for split in ("dev", "test")
    },
}

# Columns of (premise, hypothesis, label), by header where there is one and by number of columns where not.
# The five-column files of XTREME hold the original pair, then the translated pair: the translation is wanted.
_HEADERS = (
    ("premise", "hypo", "label"),
    ("premise", "hypothesis", "label"),
    ("sentence1_en", "sentence2_en", "label"),
)
_WIDTHS = {3: (0, 1, 2), 5: (2, 3, 4)}


def read_xnli(where: Where, role: str, language: str) -> Split[PairExample]:
    """One split in one language; see `base.Reader`."""
    pattern = dict(where.patterns).get(role)
    if where.hub is not None and pattern is None:
        return _read_hub(where.hub, role, language)
    _refuse_one_file_for_all(role, language, pattern)
    found = find_file(where.folders, LAYOUTS[role], pattern, language)
    if found is None:
        raise missing_file(f"XNLI {language!r} {role}", where.folders, LAYOUTS[role], pattern, language, role)
    own = data_set_name(found)
    if role in ("dev", "test"):
        examples = _official_file(found.path, role, own is None).get(language)
        if not examples:
            raise DataError(f"{found.path} holds no rows of language {language!r}. Fetch XNLI-1.0 again.")
        return _split(role, language, examples, found, own)
    split = _split(role, language, _pair_file(found.path), found, own)
    original = _original_of(where, role, language, found)
    if original is not None:
        check_aligned(split, original)
    return split


def _refuse_one_file_for_all(role: str, language: str, pattern: str | None) -> None:
    """Only the official dev and test files, and an English training set, are named without a language."""
    one = role in ("dev", "test") or (role == "train" and language == "en")
    if pattern is not None and "{language}" not in pattern and not one:
        raise UsageError(
            f"--files {role}={pattern}: only {{language}} may stand in braces, "
            "and it must stand there: these files differ by language."
        )


def _original_of(where: Where, role: str, language: str, found: Found) -> Split[PairExample] | None:
    """What a translated file must be aligned with: the English file beside a training set, the official test set."""
    if role != "train":
        return read_xnli(where, role.removeprefix("translate-"), language)
    english = find_file(where.folders, LAYOUTS[role], dict(where.patterns).get(role), "en")
    if language == "en" or english is None or english.path.parent != found.path.parent:
        return None
    return Split(role, "en", _pair_file(english.path), (english.path,))


def _split(
    role: str, language: str, examples: tuple[PairExample, ...], found: Found, own: str | None
) -> Split[PairExample]:
    """The split with its standing: a data set with a manifest of its own is not measured against the official one."""
    split = Split(role, language, examples, (found.path,), own or "files")
    return split if own is not None else _measured(split)


def _measured(split: Split[PairExample]) -> Split[PairExample]:
    words = deviation(split)
    return replace(split, official=words is None, deviation=words)


@lru_cache(maxsize=4)
def _official_file(path: Path, role: str, official: bool) -> dict[str, tuple[PairExample, ...]]:
    """All languages of `xnli.dev.tsv` or `xnli.test.tsv`: parallel blocks, checked against each other."""
    rows = read_tsv(path)
    header = next(rows, (1, [""]))[1]
    absent = [c for c in OFFICIAL_COLUMNS if c not in header]
    if absent:
        raise DataError(f"{path}, line 1: column {absent[0]!r} is missing; this is not an XNLI-1.0 file. {REMEDY}")
    at = [header.index(c) for c in OFFICIAL_COLUMNS]
    blocks: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for number, fields in rows:
        if len(fields) != len(header):
            raise wrong_width(path, number, len(fields), len(header))
        language, label, premise, hypothesis, prompt, pair = (fields[i] for i in at)
        row = (_label(path, number, label), premise, hypothesis, prompt, pair)
        blocks.setdefault(language, []).append((number, row))
    # English first: the others are measured against it.
    for language, block in sorted(blocks.items(), key=lambda item: item[0] != "en"):
        check_block(path, role, language, block, blocks.get("en", block), EXPECTED[role] if official else None)
    return {
        language: tuple(PairExample(str(i), row[1], row[2], row[0]) for i, (_, row) in enumerate(block, 1))
        for language, block in blocks.items()
    }


@lru_cache(maxsize=2)
def _pair_file(path: Path) -> tuple[PairExample, ...]:
    """A training or translated file with or without header; see _HEADERS and _WIDTHS."""
    rows = read_tsv(path)
    number, first = next(rows, (1, [""]))
    named = next((h for h in _HEADERS if set(h) <= set(first)), None)
    examples: list[PairExample] = []
    if named is not None:
        at = tuple(first.index(c) for c in named)
    elif len(first) in _WIDTHS and first[_WIDTHS[len(first)][2]] in SPELLINGS:
        at = _WIDTHS[len(first)]
        examples.append(_pair(path, number, first, at, 1))
    else:
        raise DataError(
            f"{path}, line 1: neither a known header ({' or '.join(map(' '.join, _HEADERS))}) nor 3 or 5 columns "
            "ending in a label. Bring the file into one of these forms."
        )
    for number, fields in rows:
        if len(fields) != len(first):
            raise wrong_width(path, number, len(fields), len(first))
        examples.append(_pair(path, number, fields, at, len(examples) + 1))
    if not examples:
        raise DataError(f"{path} holds no examples. Fetch it again.")
    return tuple(examples)


def _pair(path: Path, number: int, fields: list[str], at: tuple[int, ...], row: int) -> PairExample:
    premise, hypothesis, label = (fields[i] for i in at)
    return PairExample(str(row), premise, hypothesis, _label(path, number, label))


def _label(path: Path | str, number: int, label: str) -> str:
    if label not in SPELLINGS:
        raise DataError(
            f"{path}, line {number}: label {label!r} is none of {', '.join(SPELLINGS)}. "
            "Repair or remove that line; MultiNLI's pairs without gold label ('-') are not part of XNLI."
        )
    return SPELLINGS[label]


def _read_hub(repository: str, role: str, language: str) -> Split[PairExample]:
    """A split from a Hub repository or a local folder laid out like one; it has no translate-test data."""
    from .xnli_hub import read_hub_rows

    if role not in ("train", "dev", "test"):
        raise MissingData(
            f"the Hub copy of XNLI ({repository}) holds no {role} data. Name files: --files {role}=PATTERN."
        )
    rows = read_hub_rows(repository, language, role)
    place = f"{repository} {language} {role}"
    examples = tuple(PairExample(str(i), p, h, _label(place, i, label)) for i, (p, h, label) in enumerate(rows, 1))
    return _measured(Split(role, language, examples, (Path(repository),), _hub_source(repository)))


@lru_cache
def _hub_source(repository: str) -> str:
    """The repository and its revision, for the record."""
    from .xnli_hub import hub_revision

    return f"hub:{repository}@{hub_revision(repository)[:19]}"
