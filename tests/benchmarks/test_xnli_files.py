"""Reading XNLI: every layout it comes in is read, every way in which a file can be wrong is named with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import LABELS, ROWS, Row, gold, pair_rows, write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import DataError, MissingData, UsageError
from xlmr_bench.examples import PairExample, Split
from xlmr_bench.languages import XNLI_LANGUAGES

Damage = Callable[[Callable[[list[Row]], object]], Path]
MT = {"contradiction": "contradictory"}
DEV_FILE = "XNLI-1.0/xnli.dev.tsv"


def read(folder: Path | tuple[Path, ...], role: str, language: str, **patterns: str) -> Split:
    folders = folder if isinstance(folder, tuple) else (folder,)
    return XNLI.read(Where(folders, None, tuple((k.replace("_", "-"), v) for k, v in patterns.items())), role, language)


def refusal(folder: Path, language: str = "en", role: str = "dev") -> str:
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        read(folder, role, language)
    return str(caught.value)


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


def swap(a: int, b: int) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        rows[a], rows[b] = rows[b], rows[a]

    return change


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


# --- translated data ---

XTREME = [["original", "original", *r] for r in pair_rows(9, "sw")]
LAYOUTS: dict[str, tuple[str, list[Row]]] = {
    "XNLI-MT": (
        "XNLI-MT-1.0/multinli/multinli.train.sw.tsv",
        [["premise", "hypo", "label"], *pair_rows(9, "sw", MT)],
    ),
    "XNLI-MT, folder spelt otherwise": (
        "multiNLI/multinli.train.sw.tsv",
        [["premise", "hypo", "label"], *pair_rows(9, "sw", MT)],
    ),
    "columns in another order": (
        "multinli.train.sw.tsv",
        [["label", "genre", "hypothesis", "premise"], *([r[2], "g", r[1], r[0]] for r in pair_rows(9, "sw"))],
    ),
    "no header": ("multinli.train.sw.tsv", pair_rows(9, "sw", MT)),
    "XTREME": ("XNLI-Translated/en-sw-translated.tsv", XTREME),
    "XTREME, in translate-train": ("translate-train/en-sw-translated.tsv", XTREME),
    "XTREME, flat": ("en-sw-translated.tsv", XTREME),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_translated_training_sets_are_read_in_every_layout(tmp_path: Path, name: str) -> None:
    path, rows = LAYOUTS[name]
    write_rows(tmp_path / path, rows)
    split = read(tmp_path, "train", "sw")
    assert [e.premise for e in split.examples] == [f"premise {i // 3} sw" for i in range(9)]
    assert [e.hypothesis for e in split.examples] == [f"hypothesis {i} sw" for i in range(9)]
    assert [e.label for e in split.examples] == [gold(i) for i in range(9)]
    assert (split.official, split.deviation) == (False, "9 of 392,702 examples")


def translate_test_rows(rows: int, header: bool) -> list[Row]:
    """English translations in the first two text columns, the original in the last two."""
    made = [[gold(i), f"premise {i // 3} en", f"hypothesis {i} en", "p sw", "h sw"] for i in range(rows)]
    return [["label", "sentence1_en", "sentence2_en", "sentence1_sw", "sentence2_sw"], *made] if header else made


TRANSLATED_TESTS: dict[str, tuple[str, list[Row]]] = {
    "XNLI-MT": (
        "XNLI-MT-1.0/xnli/xnli.{split}.sw.tsv",
        [["premise", "hypo", "label"], *pair_rows(300, "en", MT)],
    ),
    "XTREME": (
        "XNLI-Translated/{split}-sw-en-translated.tsv",
        [["p sw", "h sw", *r] for r in pair_rows(300, "en")],
    ),
    "XTREME, in translate-test": (
        "translate-test/{split}-sw-en-translated.tsv",
        [["p sw", "h sw", *r] for r in pair_rows(300, "en")],
    ),
    "with named English columns": ("translate-test/sw.trans.{split}.tsv", translate_test_rows(300, header=True)),
    "with named English columns, flat": ("sw.trans.{split}.tsv", translate_test_rows(300, header=True)),
}


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("name", TRANSLATED_TESTS)
def test_translated_dev_and_test_sets_give_the_english_text(tmp_path: Path, name: str, split: str) -> None:
    path, rows = TRANSLATED_TESTS[name]
    write_rows(write_world(tmp_path) / path.format(split=split), rows)
    translated = read(tmp_path, f"translate-{split}", "sw")
    assert [(e.premise, e.hypothesis) for e in translated.examples][:2] == [
        ("premise 0 en", "hypothesis 0 en"),
        ("premise 0 en", "hypothesis 1 en"),
    ]
    assert translated.gold_digest == read(tmp_path, split, "sw").gold_digest
    assert (translated.role, translated.language) == (f"translate-{split}", "sw")


def test_five_columns_that_begin_with_the_label_are_refused_without_a_header(tmp_path: Path) -> None:
    path = write_rows(write_world(tmp_path) / "sw.trans.test.tsv", translate_test_rows(300, header=False))
    message = refusal(tmp_path, "sw", "translate-test")
    assert f"{path}, line 1" in message
    assert "nor 3 or 5 columns ending in a label" in message


def test_labels_are_mapped_by_name_whatever_order_they_first_occur_in(tmp_path: Path) -> None:
    for first in range(3):
        order = [LABELS[(first + i) % 3] for i in range(3)]
        rows = [["p", "h", MT.get(label, label)] for label in order]
        write_rows(tmp_path / str(first) / "multinli.train.en.tsv", rows)
        assert [e.label for e in read(tmp_path / str(first), "train", "en").examples] == order
    assert XNLI.task.labels == ("entailment", "neutral", "contradiction")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.pop(), "has 299 examples, .* has 300"),
        (lambda rows: rows.append(rows[-1]), "has 301 examples, .* has 300"),
        (swap(0, 1), "example 1: labelled"),
        (lambda rows: rows.pop(100), "example 101: labelled"),
        (lambda rows: rows[41].__setitem__(2, gold(42)), "example 42: labelled"),
    ],
)
def test_translations_that_do_not_line_up_with_their_originals_are_refused(
    tmp_path: Path, change: Callable[[list[Row]], object], words: str
) -> None:
    write_world(tmp_path)
    for role, path in (
        ("train", "XNLI-MT-1.0/multinli/multinli.train.sw.tsv"),
        ("translate-test", "XNLI-MT-1.0/xnli/xnli.test.sw.tsv"),
        ("translate-dev", "XNLI-MT-1.0/xnli/xnli.dev.sw.tsv"),
    ):
        rows = pair_rows(300, "sw")
        change(rows)
        write_rows(tmp_path / path, rows)
        message = refusal(tmp_path, "sw", role)
        assert message.startswith(str(tmp_path / path))
        assert re.search(words, message), message
        assert "translate it again" in message


def test_a_cut_or_unknown_line_of_a_translated_file_is_named(tmp_path: Path) -> None:
    rows = pair_rows(9, "sw")
    rows[4] = rows[4][:2]
    write_rows(tmp_path / "a" / "multinli.train.sw.tsv", [["premise", "hypo", "label"], *rows])
    assert "multinli.train.sw.tsv, line 6: 2 columns instead of 3" in refusal(tmp_path / "a", "sw", "train")
    rows[4] = ["p", "h", "netural"]
    write_rows(tmp_path / "b" / "multinli.train.sw.tsv", rows)
    assert "multinli.train.sw.tsv, line 5: label 'netural' is none of" in refusal(tmp_path / "b", "sw", "train")


# --- the user's own files ---


def test_patterns_name_files_by_role_and_win_over_folders(tmp_path: Path) -> None:
    write_world(tmp_path / "data")
    write_rows(tmp_path / "mt" / "sw" / "train.tsv", pair_rows(6, "sw"))
    write_rows(tmp_path / "mt" / "en.tsv", pair_rows(9, "en"))
    where = {"train": str(tmp_path / "mt" / "{language}" / "train.tsv")}
    assert len(read(tmp_path / "data", "train", "sw", **where).examples) == 6
    assert len(read(tmp_path / "data", "dev", "sw", **where).examples) == 300
    assert len(read(tmp_path / "data", "train", "en", train=str(tmp_path / "mt" / "{language}.tsv")).examples) == 9


def test_a_pattern_without_file_and_one_with_other_braces_are_explained(tmp_path: Path) -> None:
    write_world(tmp_path)
    with pytest.raises(MissingData, match=r"XNLI 'sw' train: no file nowhere/sw\.tsv \(from --files train=nowhere"):
        read(tmp_path, "train", "sw", train="nowhere/{language}.tsv")
    for pattern in ("{lang}.tsv", "{}.tsv", "{language", "{language.x}.tsv", "{language[x]}.tsv"):
        with pytest.raises(UsageError, match=r"only {language} may stand in braces"):
            read(tmp_path, "train", "sw", train=pattern)


def test_with_two_folders_the_first_that_has_the_file_wins(tmp_path: Path) -> None:
    write_rows(tmp_path / "a" / "multinli.train.sw.tsv", pair_rows(3, "sw"))
    write_rows(tmp_path / "b" / "XNLI-MT-1.0/multinli/multinli.train.sw.tsv", pair_rows(6, "sw"))
    write_rows(tmp_path / "b" / "multinli.train.ur.tsv", pair_rows(9, "ur"))
    a, b = tmp_path / "a", tmp_path / "b"
    assert len(read((a, b), "train", "sw").examples) == 3
    assert len(read((b, a), "train", "sw").examples) == 6
    assert len(read((a, b), "train", "ur").examples) == 9


def test_a_file_that_is_nowhere_is_reported_with_every_place_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(MissingData) as caught:
        read((tmp_path / "a", tmp_path / "b"), "train", "sw")
    message = str(caught.value)
    assert message.startswith("XNLI 'sw' train not found. Looked for")
    for folder in ("a", "b"):
        assert str(tmp_path / folder / "XNLI-MT-1.0/multinli/multinli.train.sw.tsv") in message
        assert str(tmp_path / folder / "XNLI-Translated/en-sw-translated.tsv") in message
    for remedy in ("data fetch", "--data DIR", "--files 'train=DIR/{language}.tsv'"):
        assert remedy in message
    with pytest.raises(MissingData, match=r"there is no folder .*/none. Give --data an existing folder"):
        read(tmp_path / "none", "train", "sw")


# --- data sets of their own ---


def test_a_folder_with_a_manifest_may_have_other_counts_and_is_neither_official_nor_altered(tmp_path: Path) -> None:
    for role, code in (("dev", "sw"), ("test", "en"), ("train", "en")):
        split = read(write_world(tmp_path), role, code)
        assert (len(split.examples), split.source, split.official, split.deviation) == (300, "toy", None, None)


def test_without_its_manifest_the_same_folder_has_the_wrong_number_of_rows(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "manifest.json").unlink()
    assert "has 300 rows instead of 2,490" in refusal(tmp_path)


def test_a_file_altered_after_its_manifest_was_written_is_refused(tmp_path: Path) -> None:
    path = write_world(tmp_path) / DEV_FILE
    path.write_bytes(path.read_bytes().replace(b"hypothesis 7 en", b"hypothesis 7 EN"))
    message = refusal(tmp_path)
    assert f"{path} is not the file that {tmp_path / 'manifest.json'} lists" in message


@pytest.mark.parametrize("rows", [301, 299])
def test_a_data_set_of_its_own_must_still_be_parallel(tmp_path: Path, rows: int) -> None:
    write_world(tmp_path)
    write_rows(tmp_path / DEV_FILE, [*xnli_rows(300, ["en"]), *xnli_rows(rows, ["sw"])[1:]])
    write_manifest(tmp_path)
    assert f"'sw' dev has {rows} rows instead of 300" in refusal(tmp_path, "sw")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"name": "x", "files": ["a.tsv"]}', '{"name": "x", "files": {"XNLI-1.0/xnli.dev.tsv": "0"}}'],
)
def test_a_manifest_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    write_world(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    assert f"{tmp_path / 'manifest.json'} is not a readable manifest" in refusal(tmp_path)


def test_somebody_elses_manifest_is_ignored(tmp_path: Path, official: Path) -> None:
    (tmp_path / "XNLI-1.0").symlink_to(official / "XNLI-1.0")
    (tmp_path / "manifest.json").write_text(json.dumps({"version": 3}))
    assert read(tmp_path, "dev", "sw").official is False
