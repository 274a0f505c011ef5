"""Tables say what the records say, and what a reader must know before using them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from samples import result_record

from xlmr_bench.report import report, score_table


def of(selection: str = "joint", seed: int = 1, en: float = 0.8, sw: float = 0.6, **changes: Any) -> dict[str, Any]:
    """A record of XNLI transfer on two languages."""
    scores = [
        {
            "split": "test",
            "language": c,
            "metric": "accuracy",
            "value": v,
            "n": 100,
            "ci95": [v - 0.1, v + 0.1],
            "truncated": 1,
        }
        for c, v in (("en", en), ("sw", sw))
    ]
    mean = (en + sw) / 2
    aggregate = [
        {"split": "dev", "average": "mean", "metric": "accuracy", "value": 0.123, "ci95": None, "languages": 2,
         "signature": "s|v:1"},
        {"split": "test", "average": "mean", "metric": "accuracy", "value": mean, "ci95": [mean - 0.04, mean + 0.06],
         "languages": 2, "signature": "s|v:1"},
    ]  # fmt: skip
    return result_record(
        benchmark="xnli", protocol="transfer", selection=selection, seed=seed, scores=scores, aggregate=aggregate,
        config={"languages": ["en", "sw"], "preset": "quick"}, **changes,
    )  # fmt: skip


def line(text: str, start: str) -> list[str]:
    """The cells of the row that begins so."""
    row = next(r for r in text.splitlines() if r.startswith(start))
    return re.split(r"\s{2,}", row.strip())


def test_one_seed_is_shown_with_half_its_interval() -> None:
    name = result_record()["model"]["name"]
    assert line(report([of()], "text"), name)[1:] == ["1", "1", "80.0", "60.0", "70.0", "5.0 ci"]


def test_several_seeds_are_averaged_with_their_standard_deviation() -> None:
    name = result_record()["model"]["name"]
    text = report([of(seed=1, en=0.8), of(seed=2, en=0.7), of(seed=3, en=0.6)], "text")
    # Means over languages are .70, .65, .60: their sample standard deviation is .05.
    assert line(text, name)[1:] == ["1", "3", "70.0", "60.0", "65.0", "5.0 sd"]


def test_each_selection_rule_has_its_row_and_the_papers_number_of_models() -> None:
    text = report([of("joint"), of("per-language"), of("english")], "text")
    name = result_record()["model"]["name"]
    rows = [re.split(r"\s{2,}", r)[1] for r in text.splitlines() if r.startswith(name)]
    assert rows == ["1", "N", "1 (en dev)"]


def test_published_rows_stand_beside_with_the_mean_of_the_languages_shown() -> None:
    text = report([of()], "text")
    # Table 1: XLM-R Base transfer en 85.8, sw 66.5; their mean is not the printed average of 15 languages.
    assert line(text, "XLM-R Base (paper)")[1:] == ["1", "5", "85.8", "66.5", "76.2", "-"]
    assert line(text, "XLM-R (paper)")[3:5] == ["89.1", "73.9"]


def test_remarks_name_what_forbids_a_comparison() -> None:
    split = {
        "role": "train",
        "language": "en",
        "n": 5,
        "sha256": "x",
        "official": False,
        "deviation": "5 of 392,702 examples",
    }
    data = {"name": "files", "official": False, "splits": [split]}
    text = report([of(data=data, limited=30, status="collapsed", notes=["en, step 8: one class"])], "text")
    assert "NOT THE PUBLISHED DATA: en train (5 of 392,702 examples)" in text
    assert "LIMITED to 30 examples" in text
    assert "COLLAPSED seed 1 joint: en, step 8: one class" in text
    assert "truncated test inputs: 2; s|v:1" in text


def test_files_without_published_digests_are_said_to_be_checked_by_rows_only() -> None:
    split = {"role": "translate-test", "language": "sw", "n": 5010, "sha256": "x", "official": True, "deviation": None}
    data = {"name": "files", "official": True, "splits": [split]}
    assert "checked by rows and labels" in report([of(data=data)], "text")


def test_json_holds_the_whole_records() -> None:
    records = [of(), of("english")]
    assert json.loads(report(records, "json")) == records


def test_a_missing_language_is_an_error_not_a_zero() -> None:
    broken = of()
    broken["scores"].pop()
    with pytest.raises(KeyError):
        report([broken], "text")


def test_scores_of_one_file_are_listed_with_intervals_and_signature() -> None:
    record = of()
    text = score_table(record["scores"], record["aggregate"])
    assert re.search(r"test\s+sw\s+accuracy\s+60\.0\s+50\.0 - 70\.0\s+100", text)
    assert re.search(r"test\s+mean of 2\s+accuracy\s+70\.0\s+66\.0 - 76\.0", text)
    assert text.endswith("s|v:1")
