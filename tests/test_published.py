"""The paper's Tables 1 to 5 as records: all rows are there, and the arithmetic holds where the paper's does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xlmr_bench.benchmarks.conll_official import PUBLISHED as CONLL
from xlmr_bench.benchmarks.glue_official import EXPECTED
from xlmr_bench.benchmarks.mlqa_official import MLQA, MLQA_LANGUAGES
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.published import published_records, published_rows
from xlmr_bench.results import Record, read_record

# (model, protocol, #M) of the 15 rows, with the average as printed.
TABLE_1 = {
    ("XLM-15 (MLM+TLM)", "transfer", "per-language"): 75.1,
    ("Unicoder", "transfer", "per-language"): 75.4,
    ("mBERT", "transfer", "per-language"): 66.3,
    ("XLM-100", "transfer", "per-language"): 71.3,
    ("XLM-100", "transfer", "joint"): 70.7,
    ("XLM-R Base", "transfer", "joint"): 76.2,
    ("XLM-R", "transfer", "joint"): 80.9,
    ("BERT-en", "translate-test", "english"): 76.2,
    ("RoBERTa", "translate-test", "english"): 77.8,
    ("XLM-100", "translate-train", "per-language"): 74.2,
    ("XLM-15 (MLM+TLM)", "translate-train-all", "joint"): 77.8,
    ("Unicoder", "translate-train-all", "joint"): 78.5,
    ("XLM-100", "translate-train-all", "joint"): 76.9,
    ("XLM-R Base", "translate-train-all", "joint"): 79.1,
    ("XLM-R", "translate-train-all", "joint"): 83.6,
}
# None: no average is printed.
TABLE_2 = {
    ("Lample et al. (2016)", "each", "per-language"): 84.25,
    ("Akbik et al. (2018)", "each", "per-language"): None,
    ("mBERT", "each", "per-language"): 88.28,
    ("mBERT", "transfer", "joint"): 78.52,
    ("XLM-R Base", "each", "per-language"): 88.81,
    ("XLM-R Base", "transfer", "joint"): 79.11,
    ("XLM-R Base", "all", "joint"): 87.66,
    ("XLM-R", "each", "per-language"): 90.24,
    ("XLM-R", "transfer", "joint"): 80.94,
    ("XLM-R", "all", "joint"): 89.43,
}
# F1 and exact match.
TABLE_3 = {
    "BERT-Large": (None, None),
    "mBERT": (57.7, 41.6),
    "XLM-15": (61.6, 43.5),
    "XLM-R Base": (63.7, 46.3),
    "XLM-R": (70.7, 52.7),
}
TABLE_4 = {"BERT-Large": 90.2, "XLNet-Large": 92.0, "RoBERTa": 92.8, "XLM-R": 91.8}
# (model, pretraining data, protocol); #M is not printed.
TABLE_5 = {
    ("BERT", "Wiki", "translate-train"): 73.4,
    ("BERT", "CC", "translate-train"): 77.5,
    ("XLM-7", "Wiki", "transfer"): 71.8,
    ("XLM-7", "CC", "transfer"): 76.2,
    ("XLM-7", "Wiki", "translate-train-all"): 76.3,
    ("XLM-7", "CC", "translate-train-all"): 80.0,
}

XLM_7 = ("en", "fr", "de", "ru", "zh", "sw", "ur")
NER_LANGUAGES = ("en", "nl", "es", "de")
GLUE_TASKS = ("MNLI-m", "MNLI-mm", "QNLI", "QQP", "SST-2", "MRPC", "STS-B")
BENCHMARKS = ("xnli", "ner", "mlqa", "glue")


def key(record: Record) -> tuple[str, str, str]:
    return record["model"]["name"], record["protocol"], record["selection"]


def percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 6)


def averages(record: Record) -> tuple[float | None, ...]:
    return tuple(percent(a["value"]) for a in record["aggregate"])


def cells(record: Record, metric: str | None = None) -> dict[str, float]:
    """The printed percentages by language or task, of one metric or of all."""
    return {s["language"]: 100 * s["value"] for s in record["scores"] if metric in (None, s["metric"])}


def test_all_rows_of_table_1_are_there_with_their_printed_averages() -> None:
    records = published_records("xnli")
    assert len(records) == 15
    assert {key(r): round(100 * r["aggregate"][0]["value"], 6) for r in records} == TABLE_1


def test_all_rows_of_table_2_are_there_with_their_printed_averages() -> None:
    records = published_records("ner")
    assert len(records) == 10
    assert {key(r): averages(r) for r in records} == {k: (v,) for k, v in TABLE_2.items()}


def test_all_rows_of_table_3_are_there_with_both_printed_averages() -> None:
    records = published_records("mlqa")
    assert len(records) == 5
    assert {key(r): averages(r) for r in records} == {(k, "transfer", "english"): v for k, v in TABLE_3.items()}
    for record in records:
        assert [a["metric"] for a in record["aggregate"]] == ["f1", "exact_match"]


def test_all_rows_of_table_4_are_there_with_their_printed_averages() -> None:
    records = published_records("glue")
    assert len(records) == 4
    assert {key(r): averages(r) for r in records} == {(k, "each", "per-language"): (v,) for k, v in TABLE_4.items()}


def test_all_rows_of_table_5_are_there_with_their_printed_averages_and_all_languages() -> None:
    records = published_records("xnli", table=5)
    assert {(r["model"]["name"], r["model"]["pretraining_data"], r["protocol"]): averages(r) for r in records} == {
        k: (v,) for k, v in TABLE_5.items()
    }
    for record in records:
        expected = [("test", c, "accuracy", 5010) for c in XLM_7]
        assert [(s["split"], s["language"], s["metric"], s["n"]) for s in record["scores"]] == expected
        size = {"BERT": (1, 40_000), "XLM-7": (7, 150_000)}[record["model"]["name"]]
        assert (record["model"]["languages"], record["model"]["vocab_size"]) == size
        assert sum(cells(record).values()) / 7 == pytest.approx(100 * record["aggregate"][0]["value"], abs=0.05)


def test_rows_of_table_5_are_ablations_and_stand_beside_no_result_of_table_1() -> None:
    ablations = {r["provenance"]["row"] for r in published_records("xnli", table=5)}
    assert len(ablations) == 6
    for protocol in (None, "transfer", "translate-train", "translate-train-all"):
        rows = published_records("xnli", protocol)
        assert rows == published_records("xnli", protocol, table=1)
        assert not ablations & {r["provenance"]["row"] for r in rows}
    assert [r["model"]["pretraining_data"] for r in published_records("xnli", "transfer", table=5)] == ["Wiki", "CC"]


@pytest.mark.parametrize(("table", "rows"), [(1, 15), (2, 10), (3, 5), (4, 4), (5, 6), (6, 0)])
def test_rows_of_a_table_are_found_by_the_names_of_their_rows(table: int, rows: int) -> None:
    found = published_rows(table)
    assert len(found) == rows
    for name, (path, record) in found.items():
        assert name.startswith(f"t{table}.")
        assert record["provenance"]["source"].endswith(f"Table {table}")
        assert read_record(path) == record


def test_every_row_of_table_1_has_all_languages_in_table_order() -> None:
    for record in published_records("xnli"):
        assert tuple(s["language"] for s in record["scores"]) == XNLI_LANGUAGES, key(record)
        assert {s["split"] for s in record["scores"]} == {"test"}


def test_every_row_of_table_2_has_its_printed_cells_in_table_order_with_numbers_of_test_sentences() -> None:
    for record in published_records("ner"):
        printed = [c for c in NER_LANGUAGES if not (record["model"]["name"].startswith("Akbik") and c == "es")]
        expected = [("test", c, "f1", CONLL["test", c].sentences) for c in printed]
        assert [(s["split"], s["language"], s["metric"], s["n"]) for s in record["scores"]] == expected, key(record)
        assert record["aggregate"][0]["languages"] == len(printed)


def test_every_row_of_table_3_has_f1_and_then_exact_match_in_table_order() -> None:
    for record in published_records("mlqa"):
        printed = ("en",) if record["model"]["name"] == "BERT-Large" else MLQA_LANGUAGES
        expected = [("test", c, m, MLQA["test"][c]) for m in ("f1", "exact_match") for c in printed]
        assert [(s["split"], s["language"], s["metric"], s["n"]) for s in record["scores"]] == expected, key(record)
        assert {a["languages"] for a in record["aggregate"]} == {len(printed)}


def test_every_row_of_table_4_has_its_printed_tasks_in_table_order_with_their_metrics() -> None:
    sizes = {task: EXPECTED[task, "dev"][0] for task in GLUE_TASKS[2:]}
    sizes |= {"MNLI-m": EXPECTED["MNLI", "dev"][0], "MNLI-mm": EXPECTED["MNLI", "dev-mismatched"][0]}
    for record in published_records("glue"):
        unprinted = ("MNLI-mm",) if record["model"]["name"] in ("BERT-Large", "XLNet-Large") else ()
        expected = [
            ("dev", t, "pearson" if t == "STS-B" else "accuracy", sizes[t]) for t in GLUE_TASKS if t not in unprinted
        ]
        assert [(s["split"], s["language"], s["metric"], s["n"]) for s in record["scores"]] == expected, key(record)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_record_says_it_is_the_papers(benchmark: str) -> None:
    for record in published_records(benchmark):
        assert record["origin"] == "paper"
        assert record["seed"] is None
        assert record["predictions"] is None
        assert record["provenance"]["source"] == f"Conneau et al., ACL 2020, Table {1 + BENCHMARKS.index(benchmark)}"


def test_rows_that_the_paper_took_from_others_name_them() -> None:
    by_source: dict[str, set[str]] = {}
    for record in (r for b in BENCHMARKS[1:] for r in published_records(b)):
        if record["provenance"]["reported_by"] is not None:
            by_source.setdefault(record["provenance"]["reported_by"], set()).add(record["model"]["name"])
    assert by_source == {
        "Wu and Dredze 2019": {"mBERT"},
        "Lewis et al. 2019": {"BERT-Large", "mBERT", "XLM-15"},
        "Liu et al. 2019": {"BERT-Large", "XLNet-Large", "RoBERTa"},
    }


def test_printed_averages_are_the_means_of_the_printed_cells_except_in_two_exchanged_rows() -> None:
    wrong = {}
    for record in published_records("xnli"):
        mean = 100 * sum(s["value"] for s in record["scores"]) / 15
        # Each cell and the average are rounded to 0.1.
        if abs(mean - 100 * record["aggregate"][0]["value"]) > 0.1 + 1e-9:
            wrong[key(record)] = round(mean, 2)
    assert wrong == {("XLM-100", "transfer", "per-language"): 70.72, ("XLM-100", "transfer", "joint"): 71.26}
    for record in published_records("xnli"):
        assert any("exchanged" in note for note in record["notes"]) == (key(record) in wrong)


@pytest.mark.parametrize(("benchmark", "unit"), [("ner", 0.01), ("mlqa", 0.1), ("glue", 0.1)])
def test_printed_averages_of_tables_2_to_4_are_the_means_of_the_printed_cells(benchmark: str, unit: float) -> None:
    compared = 0
    for record in published_records(benchmark):
        for average in (a for a in record["aggregate"] if a["value"] is not None):
            values = cells(record, None if benchmark == "glue" else average["metric"])
            values.pop("MNLI-mm", None)  # GLUE counts MNLI once
            assert len(values) == average["languages"]
            mean = sum(values.values()) / len(values)
            # The paper rounds halves in both directions: 90.245 to 90.24, 87.655 to 87.66.
            assert mean == pytest.approx(100 * average["value"], abs=unit / 2 + 1e-9), key(record)
            compared += 1
    assert compared == {"ner": 9, "mlqa": 8, "glue": 4}[benchmark]


def test_the_one_disagreement_of_text_and_table_2_is_noted() -> None:
    records = {key(r): r for r in published_records("ner")}
    lead = (TABLE_2["XLM-R", "each", "per-language"] or 0) - (TABLE_2["mBERT", "each", "per-language"] or 0)
    assert round(lead, 2) == 1.96
    assert [k for k, r in records.items() if any("1.86" in n and "1.96" in n for n in r["notes"])] == [
        ("XLM-R", "each", "per-language")
    ]


def test_cells_that_the_text_of_the_paper_repeats() -> None:
    by_key = {key(r): cells(r) for r in published_records("xnli")}
    xlmr = by_key["XLM-R", "transfer", "joint"]
    assert (xlmr["en"], xlmr["sw"], xlmr["ur"]) == pytest.approx((89.1, 73.9, 73.8))
    xlm = by_key["XLM-100", "transfer", "joint"]
    assert (xlm["sw"], xlm["ur"]) == pytest.approx((58.2, 62.4))


def test_records_are_chosen_by_benchmark_and_protocol_with_the_best_last() -> None:
    transfer = published_records("xnli", "transfer")
    assert len(transfer) == 7
    assert [key(r)[0] for r in transfer][-2:] == ["XLM-R Base", "XLM-R"]
    assert [key(r)[0] for r in published_records("ner", "all")] == ["XLM-R Base", "XLM-R"]
    assert published_records("ner", "translate-train") == []
    assert published_records("no-such-benchmark") == []


@pytest.mark.parametrize(("benchmark", "first"), [("ner", "Akbik et al. (2018)"), ("mlqa", "BERT-Large")])
def test_rows_without_a_printed_average_come_first(benchmark: str, first: str) -> None:
    records = published_records(benchmark)
    assert records[0]["model"]["name"] == first
    rest = [r["aggregate"][0]["value"] for r in records[1:]]
    assert rest == sorted(rest)


def collected(shared_data: Path, file: str) -> list[dict[str, Any]]:
    """The rows of a table as they were collected from the paper; skips where they are missing."""
    yaml = pytest.importorskip("yaml")
    path = shared_data.parent / "paper" / file
    if not path.is_file():
        pytest.skip(f"no {path}")
    return list(yaml.safe_load(path.read_text(encoding="utf-8"))["rows"])


def test_the_records_repeat_the_collected_table_1(shared_data: Path) -> None:
    rows = collected(shared_data, "table1_xnli.yaml")
    ours = sorted(
        tuple(round(100 * v, 6) for v in (r["aggregate"][0]["value"], *(s["value"] for s in r["scores"])))
        for r in published_records("xnli")
    )
    assert ours == sorted((r["avg_printed"], *(r["acc"][c] for c in XNLI_LANGUAGES)) for r in rows)


def test_the_records_repeat_the_collected_table_5(shared_data: Path) -> None:
    rows = {r["id"]: r for r in collected(shared_data, "table5_mono_vs_multi.yaml")}
    records = {r["provenance"]["row"]: r for r in published_records("xnli", table=5)}
    assert records.keys() == rows.keys()
    for name, row in rows.items():
        model = records[name]["model"]
        assert (model["name"], model["pretraining_data"]) == (row["model"], row["D"])
        assert model["vocab_size"] == 1000 * int(row["vocab"].removesuffix("k"))
        assert averages(records[name]) == (row["avg_printed"],)
        assert cells(records[name]) == pytest.approx(row["acc"])


# benchmark -> (file, printed average and cells in the file's words by our metric; None: whatever the metric)
TABLES: dict[str, tuple[str, dict[str | None, tuple[str, str]]]] = {
    "ner": ("table2_ner.yaml", {"f1": ("avg_printed", "f1")}),
    "mlqa": ("table3_mlqa.yaml", {"f1": ("avg_f1_printed", "f1"), "exact_match": ("avg_em_printed", "em")}),
    "glue": ("table4_glue.yaml", {None: ("avg_printed", "scores")}),
}


@pytest.mark.parametrize("benchmark", TABLES)
def test_the_records_repeat_the_collected_tables_2_to_4(shared_data: Path, benchmark: str) -> None:
    file, columns = TABLES[benchmark]
    rows = {r["id"]: r for r in collected(shared_data, file)}
    records = {r["provenance"]["row"]: r for r in published_records(benchmark)}
    assert records.keys() == rows.keys()
    for name, row in rows.items():
        assert records[name]["model"]["name"] == row["model"]
        assert averages(records[name]) == tuple(row[average] for average, _ in columns.values())
        for metric, (_, printed) in columns.items():
            values = {k: v for k, v in row[printed].items() if v is not None}
            assert cells(records[name], metric) == pytest.approx(values), name
