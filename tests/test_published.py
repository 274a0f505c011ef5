"""The paper's Table 1 as records: all rows are there, and the arithmetic holds where the paper's does."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.published import published_records
from xlmr_bench.results import Record

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


def key(record: Record) -> tuple[str, str, str]:
    return record["model"]["name"], record["protocol"], record["selection"]


def test_all_rows_of_table_1_are_there_with_their_printed_averages() -> None:
    records = published_records("xnli")
    assert len(records) == 15
    assert {key(r): round(100 * r["aggregate"][0]["value"], 6) for r in records} == TABLE_1


def test_every_row_has_all_languages_in_table_order_and_says_it_is_the_papers() -> None:
    for record in published_records("xnli"):
        assert tuple(s["language"] for s in record["scores"]) == XNLI_LANGUAGES, key(record)
        assert record["origin"] == "paper"
        assert record["seed"] is None
        assert record["predictions"] is None
        assert {s["split"] for s in record["scores"]} == {"test"}


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


def test_cells_that_the_text_of_the_paper_repeats() -> None:
    by_key = {key(r): {s["language"]: 100 * s["value"] for s in r["scores"]} for r in published_records("xnli")}
    xlmr = by_key["XLM-R", "transfer", "joint"]
    assert (xlmr["en"], xlmr["sw"], xlmr["ur"]) == pytest.approx((89.1, 73.9, 73.8))
    xlm = by_key["XLM-100", "transfer", "joint"]
    assert (xlm["sw"], xlm["ur"]) == pytest.approx((58.2, 62.4))


def test_records_are_chosen_by_benchmark_and_protocol_with_the_best_last() -> None:
    transfer = published_records("xnli", "transfer")
    assert len(transfer) == 7
    assert [key(r)[0] for r in transfer][-2:] == ["XLM-R Base", "XLM-R"]
    assert published_records("mlqa") == []


def test_the_records_repeat_the_collected_table(shared_data: Path) -> None:
    yaml = pytest.importorskip("yaml")
    file = shared_data.parent / "paper" / "table1_xnli.yaml"
    if not file.is_file():
        pytest.skip(f"no {file}")
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))["rows"]
    collected = sorted((r["avg_printed"], *(r["acc"][c] for c in XNLI_LANGUAGES)) for r in rows)
    ours = sorted(
        tuple(round(100 * v, 6) for v in (r["aggregate"][0]["value"], *(s["value"] for s in r["scores"])))
        for r in published_records("xnli")
    )
    assert ours == collected
