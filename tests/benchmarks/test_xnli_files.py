"""Reading the official XNLI files: complete, in order, to the character; every defect is named with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import ROWS, Row, gold, pair_rows, write_manifest, write_rows, write_world
from xnli_reading import DEV_FILE, read, refusal, swap

from xlmr_bench.examples import PairExample
from xlmr_bench.languages import XNLI_LANGUAGES

Damage = Callable[[Callable[[list[Row]], object]], Path]


def line_of(language: str, row: int) -> int:
    """The line of row `row` (from 0) of a language in the dev file, counted from 1, after the header."""
    return 2 + sorted(XNLI_LANGUAGES).index(language) * ROWS["dev"] + row


# --- the official files ---


@pytest.mark.parametrize("role", ["dev", "test"])
@pytest.mark.parametrize("language", ["ar", "en", "zh"])
def test_official_files_give_every_language_its_rows_in_order(official: Path, role: str, language: str) -> None:
    split = read(official, role, language)
    assert len(split.examples) == ROWS[role]
    assert split.examples[4] == PairExample("5", f"premise 1 {language}", f"hypothesis 4 {language}", gold(4))
    assert [e.id for e in split.examples] == [str(i) for i in range(1, ROWS[role] + 1)]
    assert (split.role, split.language, split.source) == (role, language, "files")


def test_invented_texts_in_the_official_shape_are_not_called_official(official: Path) -> None:
    split = read(official, "test", "sw")
    assert split.official is False
    assert split.deviation == "texts or labels are not the official ones"


def test_parallel_languages_share_gold_but_not_content(official: Path) -> None:
    en, sw = read(official, "dev", "en"), read(official, "dev", "sw")
    assert en.gold_digest == sw.gold_digest
    assert en.digest != sw.digest


def test_files_may_lie_directly_in_the_folder(tmp_path: Path) -> None:
    write_world(tmp_path / "made")
    flat = tmp_path / "flat"
    flat.mkdir()
    (tmp_path / "made" / DEV_FILE).rename(flat / "xnli.dev.tsv")
    write_manifest(flat)
    assert len(read(flat, "dev", "sw").examples) == 300


def relabel(language: str, row: int, label: str) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        rows[line_of(language, row) - 1][1] = label

    return change


def relabel_everywhere(rows: list[Row]) -> None:
    for code in XNLI_LANGUAGES:
        rows[line_of(code, 0) - 1][1] = gold(1)


def drop(*lines: int) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        for line in sorted(lines, reverse=True):
            del rows[line - 1]

    return change


def double(line: int) -> Callable[[list[Row]], None]:
    return lambda rows: rows.insert(line, list(rows[line - 1]))


DEFECTS: dict[str, tuple[Callable[[list[Row]], object], int | None, str]] = {
    # what was done: (how, the line that must be named, further words)
    "short": (
        drop(line_of("sw", 7)),
        line_of("sw", 6),
        "'sw' dev has 2,489 rows instead of 2,490.*prompt 11 has 2 pairs",
    ),
    "short at its end": (drop(line_of("sw", 2489)), line_of("sw", 2487), "prompt 4146 has 2 pairs instead of 3"),
    "short of a whole prompt": (
        drop(*(line_of("sw", i) for i in (6, 7, 8))),
        None,
        "'sw' dev has 2,487 rows instead of 2,490 .first missing pairID: 31",
    ),
    "short in English": (drop(line_of("en", 6)), line_of("en", 6), "'en' dev has 2,489 rows.*prompt 11 has 2 pairs"),
    "short at the end of English": (drop(line_of("en", 2489)), line_of("en", 2487), "'en' dev has 2,489 rows"),
    "long": (double(line_of("sw", 6)), line_of("sw", 6), "'sw' dev has 2,491 rows instead of 2,490.*has 4 pairs"),
    "long in English": (double(line_of("en", 6)), line_of("en", 6), "'en' dev has 2,491 rows instead of 2,490"),
    "re-ordered within a prompt": (
        swap(line_of("sw", 6) - 1, line_of("sw", 7) - 1),
        line_of("sw", 6),
        "pairID 32 stands where 31 is expected; the rows of 'sw' are re-ordered",
    ),
    "re-ordered across prompts": (
        swap(line_of("sw", 0) - 1, line_of("sw", 2489) - 1),
        line_of("sw", 0),
        "the rows of 'sw' are re-ordered",
    ),
    "re-ordered in English": (
        swap(line_of("en", 6) - 1, line_of("en", 7) - 1),
        line_of("en", 7),
        "pairIDs are not ascending; rows are re-ordered",
    ),
    "mislabelled in one language": (
        relabel("sw", 5, gold(4)),
        line_of("sw", 5),
        rf"'sw' pair 18 is labelled {gold(4)}, its English original {gold(5)}",
    ),
    "mislabelled in English": (
        relabel("en", 0, gold(1)),
        line_of("en", 0),
        "one entailment, one neutral and one contr",
    ),
    "mislabelled alike in all languages": (relabel_everywhere, line_of("en", 0), "one entailment, one neutral and one"),
    "labelled with an unknown word": (relabel("sw", 5, "netural"), line_of("sw", 5), "label 'netural' is none of"),
    "unlabelled": (relabel("sw", 5, "-"), line_of("sw", 5), "label '-' is none of .* without gold label"),
    "missing a column": (lambda rows: [r.pop(8) for r in rows], 1, "column 'promptID' is missing"),
    "cut in a line": (lambda rows: rows[99].__delitem__(slice(7, None)), 100, "7 columns instead of 19"),
    "holding a stray tab": (lambda rows: rows[99].insert(3, "x"), 100, "20 columns instead of 19"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_damaged_official_file_is_refused_by_file_line_and_remedy(damaged: Damage, name: str) -> None:
    change, line, words = DEFECTS[name]
    folder = damaged(change)
    message = refusal(folder, "fr")  # whichever language is asked for: the file as a whole is wrong
    assert str(folder / DEV_FILE) in message
    assert line is None or re.search(rf"line {line}\b", message), message
    assert re.search(words, message, re.DOTALL), message
    assert re.search(r"[Ff]etch|[Rr]epair", message), message


def test_a_language_that_is_missing_is_named_with_the_file(damaged: Damage) -> None:
    folder = damaged(lambda rows: rows.__setitem__(slice(None), [r for r in rows if r[0] != "sw"]))
    message = refusal(folder, "sw")
    assert message.startswith(f"{folder / DEV_FILE} holds no rows of language 'sw'")
    assert len(read(folder, "dev", "ur").examples) == 2490


def test_without_english_the_other_languages_still_check_themselves(damaged: Damage) -> None:
    folder = damaged(lambda rows: rows.__setitem__(slice(None), [r for r in rows if r[0] != "en"]))
    assert len(read(folder, "dev", "ur").examples) == 2490
    assert "holds no rows of language 'en'" in refusal(folder, "en")


# --- bytes ---


def dev_with(folder: Path, old: bytes, new: bytes, count: int = 1) -> Path:
    """A small world whose dev file has some bytes replaced."""
    path = write_world(folder) / DEV_FILE
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))
    write_manifest(folder)
    return folder


def test_bytes_that_are_not_utf8_are_refused_by_line(tmp_path: Path) -> None:
    folder = dev_with(tmp_path, b"hypothesis 7 en", b"caf\xe9")
    assert f"{folder / DEV_FILE}, line 9: not UTF-8" in refusal(folder)


@pytest.mark.parametrize(
    "text",
    [
        'She said "no',
        "\"quoted\" and 'not'",
        'a ""doubled"" quote',
        "a line\u2028separator",
        "a next\x85line",
        "form\x0cfeed",
        "group\x1dseparator",
        " blanks around ",
        "trailing \u3000",
        "a return\rinside",
    ],
)
def test_texts_are_kept_to_the_character(tmp_path: Path, text: str) -> None:
    folder = dev_with(tmp_path, b"hypothesis 7 en", text.encode())
    assert [e.hypothesis for e in read(folder, "dev", "en").examples][6:9] == [
        "hypothesis 6 en",
        text,
        "hypothesis 8 en",
    ]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    plain, windows = write_world(tmp_path / "plain"), tmp_path / "windows"
    for name in ("XNLI-1.0/xnli.dev.tsv", "XNLI-MT-1.0/multinli/multinli.train.en.tsv"):
        (windows / name).parent.mkdir(parents=True)
        (windows / name).write_bytes(b"\xef\xbb\xbf" + (plain / name).read_bytes().replace(b"\n", b"\r\n"))
    write_manifest(windows)
    assert read(plain, "dev", "sw").digest == read(windows, "dev", "sw").digest
    assert read(plain, "train", "en").digest == read(windows, "train", "en").digest


def test_a_missing_end_of_the_last_line_is_no_defect(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "multinli.train.en.tsv", pair_rows(6, "en"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert len(read(tmp_path, "train", "en").examples) == 6


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("xnli.dev.tsv", "multinli.train.en.tsv"):
        (tmp_path / name).write_bytes(content)
    assert "xnli.dev.tsv, line 1: column 'language' is missing" in refusal(tmp_path)
    assert "multinli.train.en.tsv, line 1: neither a known header" in refusal(tmp_path, role="train")
