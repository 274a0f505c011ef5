"""Reading XNLI in its other layouts: translations, the user's own files, data sets of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import LABELS, Row, gold, pair_rows, write_manifest, write_rows, write_world, xnli_rows
from xnli_reading import DEV_FILE, read, refusal, swap

from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import MissingData, UsageError

MT = {"contradiction": "contradictory"}

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
