"""Reading GLUE in its official layouts: to the character, every defect named with its line, subsets told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from samples import write_manifest, write_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.glue_files import TASKS, read_glue, roles_of
from xlmr_bench.benchmarks.glue_official import EXPECTED
from xlmr_bench.errors import DataError, MissingData, UsageError
from xlmr_bench.examples import LabelledText, Split

MNLI_PARSES = ["sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse"]
MNLI_HEAD = ["index", "promptID", "pairID", "genre", *MNLI_PARSES, "sentence1", "sentence2"]
HEADERS: dict[str, list[str] | None] = {
    "MNLI": [*MNLI_HEAD, "label1", "gold_label"],
    "QNLI": ["index", "question", "sentence", "label"],
    "QQP": ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
    "SST-2": ["sentence", "label"],
    "MRPC": ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"],
    "STS-B": [
        *("index", "genre", "filename", "year", "old_index", "source1", "source2"),
        *("sentence1", "sentence2", "score"),
    ],
    "CoLA": None,
    "RTE": ["index", "sentence1", "sentence2", "label"],
    "WNLI": ["index", "sentence1", "sentence2", "label"],
}
# Where the texts and the label stand in a row, written down apart from the reader: (first, second, label).
PLACES = {
    "MNLI": (8, 9, -1), "QNLI": (1, 2, 3), "QQP": (3, 4, 5), "SST-2": (0, None, 1), "MRPC": (3, 4, 0),
    "STS-B": (7, 8, 9), "CoLA": (3, None, 1), "RTE": (1, 2, 3), "WNLI": (1, 2, 3),
}  # fmt: skip
FOLDERS = sorted(HEADERS)


def labels_of(task: str) -> Sequence[str]:
    return TASKS[task].labels or ("0.00", "2.600", "5.000")


def row_of(task: str, i: int) -> list[str]:
    first, second, label = PLACES[task]
    row = [f"x{i}"] * len(HEADERS[task] or "four")
    row[first] = f"first {i}"
    if second is not None:
        row[second] = f"second {i}"
    row[label] = labels_of(task)[i % len(labels_of(task))]
    return row


def file_rows(task: str, n: int, header: list[str] | None = None) -> list[list[str]]:
    head = header or HEADERS[task]
    return [*([head] if head else []), *(row_of(task, i) for i in range(n))]


def official(folder: Path, task: str, role: str, n: int | None = None) -> Path:
    """A file of the published size, or of n examples, with invented texts."""
    name = role if task != "MNLI" or role == "train" else {"dev": "dev_matched"}.get(role, "dev_mismatched")
    return write_rows(folder / task / f"{name}.tsv", file_rows(task, n or EXPECTED[task, role][0]))


def read(folder: Path, task: str, role: str = "dev", **patterns: str) -> Split[LabelledText]:
    return read_glue(task, Where((folder,), None, tuple(patterns.items())), role)


def refusal(folder: Path, task: str, role: str = "dev") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, task, role)
    return str(caught.value)


# --- what is read ---


@pytest.mark.parametrize("task", FOLDERS)
def test_each_task_gives_its_texts_and_labels_in_order(tmp_path: Path, task: str) -> None:
    official(tmp_path, task, "train", 7)
    split = read(tmp_path, task, "train")
    assert [e.id for e in split.examples] == ["1", "2", "3", "4", "5", "6", "7"]
    second = None if PLACES[task][1] is None else "second 4"
    assert split.examples[4] == LabelledText("5", "first 4", second, labels_of(task)[4 % len(labels_of(task))])
    assert (split.role, split.language, split.source) == ("train", "en", "files")


def test_labels_are_names_in_the_order_of_the_logits() -> None:
    assert TASKS["MNLI"].labels == ("entailment", "neutral", "contradiction")
    assert TASKS["QNLI"].labels == TASKS["RTE"].labels == ("entailment", "not_entailment")
    assert {TASKS[t].labels for t in ("QQP", "SST-2", "MRPC", "CoLA", "WNLI")} == {("0", "1")}
    assert TASKS["STS-B"].labels == ()


def test_mnli_has_two_dev_sets_of_which_the_matched_one_is_dev(tmp_path: Path) -> None:
    official(tmp_path, "MNLI", "dev")
    changed = [[f.replace("first", "mismatched") for f in row] for row in file_rows("MNLI", 9832)]
    write_rows(tmp_path / "MNLI" / "dev_mismatched.tsv", changed)
    assert roles_of("MNLI") == ("train", "dev", "dev-mismatched")
    assert roles_of("RTE") == ("train", "dev")
    assert read(tmp_path, "MNLI", "dev").examples[0].first == "first 0"
    assert read(tmp_path, "MNLI", "dev-mismatched").examples[0].first == "mismatched 0"
    assert len(read(tmp_path, "MNLI", "dev-mismatched").examples) == 9832


def test_columns_are_found_by_name_so_that_the_dev_files_five_annotators_do_not_matter(tmp_path: Path) -> None:
    head = [*MNLI_HEAD, "label1", "label2", "label3", "label4", "label5", "gold_label"]
    rows = [head, *([*row_of("MNLI", i)[:-1], "neutral", "", "", "", "entailment"] for i in range(9815))]
    write_rows(tmp_path / "MNLI" / "dev_matched.tsv", rows)
    split = read(tmp_path, "MNLI")
    assert split.examples[1] == LabelledText("2", "first 1", "second 1", "entailment")


def test_quotes_blanks_and_separators_inside_texts_are_ordinary_characters(tmp_path: Path) -> None:
    texts = [('"Who said', 'He said "it'), ("'a\u2028b", '""'), (" a  b ", "\u00a0c\x85d"), ('"', '"')]
    rows = [HEADERS["QNLI"] or [], *([str(i), *pair, "entailment"] for i, pair in enumerate(texts))]
    write_rows(tmp_path / "QNLI" / "train.tsv", rows)
    assert [(e.first, e.second) for e in read(tmp_path, "QNLI", "train").examples] == texts


def test_windows_line_ends_and_a_byte_order_mark_are_not_text(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "MRPC" / "train.tsv", file_rows("MRPC", 3), end="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(tmp_path, "MRPC", "train").examples[2] == LabelledText("3", "first 2", "second 2", "0")


def test_cola_has_no_header_and_loses_no_first_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "CoLA" / "train.tsv", [["gj04", "0", "*", "One more."], ["bc01", "1", "", "The last."]])
    assert read(tmp_path, "CoLA", "train").examples == (
        LabelledText("1", "One more.", None, "0"),
        LabelledText("2", "The last.", None, "1"),
    )


@pytest.mark.parametrize("folder", ["glue_data/STS-B", "STS-B", "sts-b", "stsb", "glue_data/stsb"])
def test_folders_may_be_in_lower_case_and_below_glue_data(tmp_path: Path, folder: str) -> None:
    write_rows(tmp_path / folder / "train.tsv", file_rows("STS-B", 3))
    assert [e.label for e in read(tmp_path, "STS-B", "train").examples] == ["0.00", "2.600", "5.000"]


# --- what may be asked for ---


def test_an_unknown_task_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown GLUE task 'SST2'\. Did you mean 'SST-2'\?"):
        read(tmp_path, "SST2")


def test_test_is_refused_because_it_has_no_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"GLUE's test files hold no labels: RTE .* The paper reports dev \(Table 4\)"):
        read(tmp_path, "RTE", "test")


def test_only_mnli_has_a_mismatched_dev_set(tmp_path: Path) -> None:
    message = r"unknown split of GLUE QQP 'dev-mismatched'.*Known: train, dev\."
    with pytest.raises(UsageError, match=message):
        read(tmp_path, "QQP", "dev-mismatched")


def test_the_hub_is_refused_rather_than_ignored(tmp_path: Path) -> None:
    official(tmp_path, "RTE", "dev")
    with pytest.raises(UsageError, match=r"not from the Hub \(nyu-mll/glue\): give their folder"):
        read_glue("RTE", Where((tmp_path,), "nyu-mll/glue"), "dev")


def test_a_missing_file_is_reported_with_every_place_looked_at(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as caught:
        read(tmp_path, "SST-2")
    for place in ("glue_data/SST-2/dev.tsv", "SST-2/dev.tsv", "sst-2/dev.tsv", "sst2/dev.tsv"):
        assert str(tmp_path / place) in str(caught.value)


def test_a_test_file_given_as_dev_is_recognised_by_its_missing_label(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "any.tsv", [["index", "question", "sentence"], ["0", "a", "b"]])
    with pytest.raises(DataError, match=r"any\.tsv, line 1: .* no column 'label': this is a test file without labels"):
        read(tmp_path, "QNLI", dev=str(path))


def test_the_file_of_another_task_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "QQP" / "dev.tsv", file_rows("QNLI", 4))
    assert "line 1: column 'question1' is missing; this is not a file of QQP" in refusal(tmp_path, "QQP")


# --- complete, a subset, or a data set of its own ---


@pytest.mark.parametrize("task", FOLDERS)
def test_a_short_dev_set_is_refused_and_a_short_training_set_marked(tmp_path: Path, task: str) -> None:
    for role in roles_of(task):
        path = official(tmp_path, task, role, 31)
        wanted = f"{EXPECTED[task, role][0]:,}"
        if role == "train":
            split = read(tmp_path, task, role)
            assert (split.official, split.deviation) == (False, f"31 of {wanted} examples")
        else:
            message = refusal(tmp_path, task, role)
            assert f"{path}: GLUE {task} {role} has 31 examples instead of {wanted}" in message
            assert f"--files '{role}={path}'" in message


def test_a_short_dev_set_that_the_user_named_is_read_and_marked(tmp_path: Path) -> None:
    path = official(tmp_path, "MNLI", "dev", 1000)
    split = read(tmp_path, "MNLI", dev=str(path))
    assert (len(split.examples), split.official, split.deviation) == (1000, False, "1,000 of 9,815 examples")


def test_a_named_file_may_differ_by_task(tmp_path: Path) -> None:
    for task in ("RTE", "WNLI"):
        write_rows(tmp_path / f"my-{task}.tsv", file_rows(task, 5))
    for task in ("RTE", "WNLI"):
        split = read(tmp_path, task, dev=str(tmp_path / "my-{task}.tsv"))
        assert split.files == (tmp_path / f"my-{task}.tsv",)


def test_invented_texts_of_the_official_size_are_not_called_official(tmp_path: Path) -> None:
    official(tmp_path, "WNLI", "dev")
    split = read(tmp_path, "WNLI")
    assert (split.official, split.deviation) == (False, "texts or labels are not the official ones")


def test_a_data_set_with_a_manifest_of_its_own_is_not_measured(tmp_path: Path) -> None:
    official(tmp_path, "RTE", "dev", 12)
    write_manifest(tmp_path, "toy glue")
    split = read(tmp_path, "RTE")
    assert (len(split.examples), split.official, split.deviation, split.source) == (12, None, None, "toy glue")


# --- damage ---


@pytest.mark.parametrize(
    ("task", "bad", "message"),
    [
        ("MNLI", "-", "label '-' is none of entailment, neutral, contradiction"),
        ("QNLI", "neutral", "label 'neutral' is none of entailment, not_entailment"),
        ("CoLA", "2", "label '2' is none of 0, 1"),
        ("SST-2", "", "label '' is none of 0, 1"),
        *(("STS-B", s, f"score {s!r} is not a number from 0 to 5") for s in ("5.01", "-0.2", "nan", "1e0", "3,4", "")),
    ],
)
def test_a_wrong_label_is_named_with_its_line(tmp_path: Path, task: str, bad: str, message: str) -> None:
    rows = file_rows(task, 6)
    rows[3][PLACES[task][2]] = bad
    path = write_rows(tmp_path / task / "train.tsv", rows)
    assert f"{path}, line 4: {message}" in refusal(tmp_path, task, "train")


@pytest.mark.parametrize("task", [t for t in FOLDERS if t != "QQP"])
def test_a_cut_line_is_refused(tmp_path: Path, task: str) -> None:
    rows = file_rows(task, 6)
    rows[4].pop()
    path = write_rows(tmp_path / task / "train.tsv", rows)
    width = len(rows[0])
    assert f"{path}, line 5: {width - 1} columns instead of {width}" in refusal(tmp_path, task, "train")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "RTE" / "train.tsv", file_rows("RTE", 0))
    write_rows(tmp_path / "CoLA" / "train.tsv", [])
    for task in ("RTE", "CoLA"):
        assert f"train.tsv holds no examples of GLUE {task}" in refusal(tmp_path, task, "train")


def broken_in_two(rows: list[list[str]], *lines: int) -> list[list[str]]:
    """A line break inside the first question of these lines (1-based), from the last to the first."""
    for line in sorted(lines, reverse=True):
        row = rows[line - 1]
        rows[line - 1 : line] = [[*row[:3], "Why is"], ["this so?", *row[4:]]]
    return rows


def test_broken_lines_of_the_qqp_training_file_are_left_out_counted_and_named(tmp_path: Path) -> None:
    write_rows(tmp_path / "QQP" / "train.tsv", broken_in_two(file_rows("QQP", 40), 5, 30))
    split = read(tmp_path, "QQP", "train")
    assert len(split.examples) == 38
    assert split.official is False
    assert split.deviation == "38 of 363,849 examples"
    assert split.note == "4 broken lines left out (5, 6, 31, 32)"
    assert [e.id for e in split.examples] == [str(i) for i in range(1, 39)]
    assert split.examples[3] == LabelledText("4", "first 4", "second 4", "0")


def test_the_complete_qqp_training_file_stays_official_without_its_broken_lines(tmp_path: Path) -> None:
    rows = file_rows("QQP", 363_846)
    write_rows(tmp_path / "QQP" / "train.tsv", [*rows[:9], ["cut"], *rows[9:]])
    split = read(tmp_path, "QQP", "train")
    assert (len(split.examples), split.official, split.deviation) == (363_846, True, None)
    assert split.note == "1 broken line left out (10)"


def test_many_broken_lines_are_damage(tmp_path: Path) -> None:
    write_rows(tmp_path / "QQP" / "train.tsv", broken_in_two(file_rows("QQP", 60), *range(2, 53)))
    assert re.search(r"more than 100 lines .*first line 2, last seen 102", refusal(tmp_path, "QQP", "train"))


def test_no_broken_line_of_a_qqp_dev_file_is_left_out(tmp_path: Path) -> None:
    write_rows(tmp_path / "QQP" / "dev.tsv", broken_in_two(file_rows("QQP", 40), 5))
    assert "dev.tsv, line 5: 4 columns instead of 6" in refusal(tmp_path, "QQP")


# --- MRPC as Microsoft distributes it ---


def corpus(folder: Path, n: int, dev: Sequence[int], ids: str | None = "dev_ids.tsv") -> Path:
    rows = file_rows("MRPC", n)
    for i, row in enumerate(rows[1:]):
        row[1:3] = [str(100 + i), str(900 + i)]
    if ids is not None:
        write_rows(folder / "MRPC" / ids, [rows[1 + i][1:3] for i in dev])
    return write_rows(folder / "MRPC" / "msr_paraphrase_train.txt", rows)


@pytest.mark.parametrize("ids", ["dev_ids.tsv", "mrpc_dev_ids.tsv"])
def test_the_paraphrase_corpus_is_cut_by_the_list_of_dev_pairs(tmp_path: Path, ids: str) -> None:
    path = corpus(tmp_path, 4076, range(0, 816, 2), ids)
    train, dev = read(tmp_path, "MRPC", "train"), read(tmp_path, "MRPC", "dev")
    assert (len(train.examples), len(dev.examples)) == (3668, 408)
    assert [e.first for e in dev.examples[:2]] == ["first 0", "first 2"]
    assert not {e.first for e in dev.examples} & {e.first for e in train.examples}
    assert dev.files == train.files == (path, tmp_path / "MRPC" / ids)


def test_the_paraphrase_corpus_alone_is_refused_because_it_holds_dev(tmp_path: Path) -> None:
    path = corpus(tmp_path, 20, (), ids=None)
    message = refusal(tmp_path, "MRPC", "train")
    assert message.startswith(f"{path} holds both train and dev of GLUE MRPC")
    assert "dev_ids.tsv: two ids a line" in message


def test_a_list_that_finds_other_pairs_than_408_is_refused(tmp_path: Path) -> None:
    corpus(tmp_path, 4076, range(407))
    assert "GLUE MRPC dev has 407 examples instead of 408" in refusal(tmp_path, "MRPC")


def test_glues_own_files_come_before_the_corpus(tmp_path: Path) -> None:
    corpus(tmp_path, 50, range(5))
    official(tmp_path, "MRPC", "train", 9)
    assert len(read(tmp_path, "MRPC", "train").examples) == 9
