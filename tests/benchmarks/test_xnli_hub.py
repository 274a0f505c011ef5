"""XNLI through the `datasets` library, from a local mirror in the Hub's layout made here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hub_mirror import ORDERS, ROWS, datasets, write_card, write_split

from xlmr_bench.benchmarks.xnli_hub import hub_revision, read_hub_rows
from xlmr_bench.errors import DataError, UsageError


@pytest.mark.parametrize("language", ["fr", "sw"])
@pytest.mark.parametrize(
    ("split", "hub_split", "first"), [("train", "train", 0), ("dev", "validation", 1), ("test", "test", 2)]
)
def test_labels_go_by_name_whatever_their_order(
    mirror: Path, language: str, split: str, hub_split: str, first: int
) -> None:
    expected = [(f"{hub_split} {p}", f"{language} {h}", label) for p, h, label in ROWS[first:]]
    assert read_hub_rows(str(mirror), language, split) == expected


def declare_in_card(folder: Path, language: str, names: list[str]) -> None:
    """Add the features to the card, as facebook/xnli has them."""
    card = (folder / "README.md").read_text().removesuffix("---\n")
    listed = "".join(f"          '{i}': {name}\n" for i, name in enumerate(names))
    features = "".join(f"  - name: {c}\n    dtype: string\n" for c in ("premise", "hypothesis"))
    features += f"  - name: label\n    dtype:\n      class_label:\n        names:\n{listed}"
    text = f"{card}dataset_info:\n- config_name: {language}\n  features:\n{features}---\n"
    (folder / "README.md").write_text(text)


def test_the_card_declares_the_names_where_the_files_do_not(mirror: Path) -> None:
    import pyarrow.parquet as pq

    write_card(mirror, {"fr": ["test"]})
    path = mirror / "fr" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(DataError, match=r"not named.*Ids without names are not guessed"):
        read_hub_rows(str(mirror), "fr", "test")
    declare_in_card(mirror, "fr", ORDERS["fr"])
    assert [label for _, _, label in read_hub_rows(str(mirror), "fr", "test")] == [row[2] for row in ROWS[2:]]


def test_a_card_and_a_file_that_declare_different_orders_are_refused(mirror: Path) -> None:
    declare_in_card(mirror, "fr", ORDERS["fr"][::-1])
    with pytest.raises(
        DataError, match=r"declares the labels neutral, contradiction, entailment, but the dataset card"
    ):
        read_hub_rows(str(mirror), "fr", "test")


def test_every_file_is_read_by_its_own_names(mirror: Path) -> None:
    rows = [("p", "h", "neutral"), ("q", "i", "contradiction")]
    other = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    write_split(mirror / "fr/test-00001-of-00002.parquet", rows, other)
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    assert read_hub_rows(str(mirror), "fr", "test") == expected + rows


def test_another_folder_of_the_same_name_in_the_cache_lends_nothing(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    other = tmp_path / "other" / "xnli"
    for split in ("train", "validation", "test"):
        path = other / f"fr/{split}-00000-of-00001.parquet"
        write_split(path, [("p", "h", "neutral")], datasets.ClassLabel(names=ORDERS["sw"]))
    shutil.copy(mirror / "README.md", other)
    shutil.copytree(mirror / "sw", other / "sw")
    datasets.load_dataset(str(other), "fr")
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    assert read_hub_rows(str(mirror), "fr", "test") == expected


def test_only_parquet_files_are_read(mirror: Path) -> None:
    (mirror / "README.md").write_text("---\nconfigs:\n- config_name: fr\n  data_files: fr.csv\n---\n")
    (mirror / "fr.csv").write_text("premise,hypothesis,label\np,h,neutral\n")
    with pytest.raises(DataError, match=r"fr\.csv is not a parquet file"):
        read_hub_rows(str(mirror), "fr", "train")


def test_many_rows_keep_their_order_over_several_batches(mirror: Path) -> None:
    names = ORDERS["fr"]
    rows = [(f"p{i}", f"h{i}", names[i % 3]) for i in range(25_001)]
    write_split(mirror / "fr/test-00000-of-00001.parquet", rows, datasets.ClassLabel(names=names))
    assert read_hub_rows(str(mirror), "fr", "test") == rows


def test_a_folder_that_changed_is_read_anew(mirror: Path) -> None:
    path = mirror / "fr/test-00000-of-00001.parquet"
    before, times = read_hub_rows(str(mirror), "fr", "test"), path.stat()
    write_split(path, [("other", "text", "neutral")], datasets.ClassLabel(names=ORDERS["fr"]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert before != read_hub_rows(str(mirror), "fr", "test") == [("other", "text", "neutral")]


def test_an_unknown_language_or_split_gets_the_known_ones(mirror: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown language of .*'tlh'.*Known: fr, sw"):
        read_hub_rows(str(mirror), "tlh", "test")
    with pytest.raises(UsageError, match=r"unknown split 'tests'. Did you mean 'test'\? Known: train, dev, test"):
        read_hub_rows(str(mirror), "fr", "tests")


def test_a_missing_split_is_named_with_those_that_exist(mirror: Path) -> None:
    write_card(mirror, {"fr": ["train", "test"], "sw": ["test"]})
    with pytest.raises(DataError, match=r"fr dev: there is no split 'validation', only train, test\..*--data DIR"):
        read_hub_rows(str(mirror), "fr", "dev")


@pytest.mark.parametrize(
    ("rows", "label", "message"),
    [
        ([("p", "h", -1)], ORDERS["fr"], r"row 0: label -1 .*hidden"),
        ([("p", "h", 0), ("p", "h", None)], ORDERS["fr"], "row 1: label None"),
        ([("p", "", 0)], ORDERS["fr"], "row 0: premise or hypothesis is not a text"),
        ([(None, "h", 0)], ORDERS["fr"], "row 0: premise or hypothesis is not a text"),
        ([("p", "h", 0)], ["entailment", "not_entailment"], "labels are entailment, not_entailment, expected"),
        ([("p", "h", 0)], None, "labels are not named"),
        ([], ORDERS["fr"], "no rows"),
    ],
    ids=["hidden label", "no label", "empty text", "no text", "two classes", "bare ids", "no rows"],
)
def test_data_that_cannot_be_scored_are_refused(
    mirror: Path, rows: list[tuple[Any, Any, Any]], label: list[str] | None, message: str
) -> None:
    write_card(mirror, {"fr": ["test"]})
    feature = datasets.ClassLabel(names=label) if label else datasets.Value("int64")
    write_split(mirror / "fr/test-00000-of-00001.parquet", rows, feature)
    with pytest.raises(DataError, match=message):
        read_hub_rows(str(mirror), "fr", "test")


def test_other_columns_are_named(mirror: Path) -> None:
    write_card(mirror, {"fr": ["test"]})
    path = mirror / "fr/test-00000-of-00001.parquet"
    datasets.Dataset.from_dict({"sentence1": ["a"], "sentence2": ["b"], "label": [0]}).to_parquet(str(path))
    with pytest.raises(DataError, match="no column premise, hypothesis; found sentence1, sentence2, label"):
        read_hub_rows(str(mirror), "fr", "test")


@pytest.mark.parametrize("damage", ["empty folder", "cut file"])
def test_a_damaged_folder_is_explained(mirror: Path, damage: str) -> None:
    if damage == "empty folder":
        shutil.rmtree(mirror)
        mirror.mkdir()
    else:
        path = mirror / "fr/test-00000-of-00001.parquet"
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{mirror}: cannot be read .*README\.md"):
        read_hub_rows(str(mirror), "fr", "test")


@pytest.mark.parametrize("repository", ["", "/nowhere/xnli", "./xnli", "a/b/c", "facebook/"])
def test_what_is_neither_a_folder_nor_a_name_is_refused(repository: str) -> None:
    for read in (lambda: read_hub_rows(repository, "fr", "test"), lambda: hub_revision(repository)):
        with pytest.raises(DataError, match="no such folder, nor a name on the Hub"):
            read()


def test_the_revision_of_a_folder_follows_its_content_and_not_its_place(mirror: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(mirror, copy)
    (copy / ".cache").mkdir()
    (copy / ".cache/timestamps").write_text("now")
    revision = hub_revision(str(mirror))
    assert revision.startswith("sha256:") and len(revision) == 71
    assert hub_revision(str(copy)) == revision
    with (copy / "README.md").open("a") as f:
        f.write("one more word\n")
    assert hub_revision(str(copy)) != revision
