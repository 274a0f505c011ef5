"""What runs say of a claim: verdicts with intervals that follow from seeds, examples and printed rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import median, stdev

import pytest
from claimed import WriteRun

from xlmr_bench.claims import CLAIMS
from xlmr_bench.claims.ours import Estimate, t_quantile
from xlmr_bench.claims.printed import Book
from xlmr_bench.claims.runs import bind, load_runs
from xlmr_bench.claims.verdict import (
    CONTRADICTED,
    PRETRAIN,
    QUALITATIVE,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    Finding,
    find,
)
from xlmr_bench.errors import UsageError
from xlmr_bench.languages import XNLI_LANGUAGES

BY_ID = {c.id: c for c in CLAIMS}
SEVEN = ("en", "fr", "de", "ru", "zh", "sw", "ur")
SEEDS = (-0.4, -0.2, 0.0, 0.2, 0.4)
SPREAD = stdev(SEEDS)


def flat(value: float, columns: Iterable[str] = XNLI_LANGUAGES) -> dict[str, float]:
    return dict.fromkeys(columns, value)


def held(name: str, book: Book, folder: Path, assignments: Sequence[str] = ()) -> Finding:
    runs = load_runs(folder / "runs")
    return find(BY_ID[name], book, bind(runs, assignments, [r.model for r in book.values()]))


def ours(finding: Finding, place: int = 0) -> Estimate:
    found = finding.ours[place]
    assert isinstance(found, Estimate)
    return found


def seeds(write_run: WriteRun, model: str, mean: float, offsets: Iterable[float] = SEEDS, **about: object) -> None:
    for seed, offset in enumerate(offsets, 1):
        write_run(model, flat(mean + offset), seed=seed, **about)  # type: ignore[arg-type]


@pytest.mark.parametrize(("freedom", "t"), [(1, 12.706), (2, 4.303), (4, 2.776), (29, 2.045), (10**6, 1.960)])
def test_quantiles_of_students_t_are_those_of_the_tables(freedom: int, t: float) -> None:
    assert t_quantile(freedom) == pytest.approx(t, abs=5e-4)


def test_a_number_that_our_seeds_surround_is_supported(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 80.7)
    found = held("xnli-transfer-large", book, tmp_path)
    assert found.verdict == SUPPORTED
    estimate, half = ours(found), 2.7764 * SPREAD / sqrt(5)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((80.7, 80.7 - half, 80.7 + half), abs=1e-3)
    assert estimate.spread == pytest.approx(SPREAD)
    assert estimate.seeds == (5,)


def test_a_number_is_contradicted_only_beyond_the_interval_and_two_deviations(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    reach = 2.7764 * SPREAD / sqrt(5) + 2 * SPREAD + 0.05
    seeds(write_run, "XLM-R", 80.9 - reach + 0.01)
    seeds(write_run, "XLM-R Base", 76.2 - reach - 0.01)
    assert held("xnli-transfer-large", book, tmp_path).verdict == SUPPORTED
    assert held("xnli-transfer-base", book, tmp_path).verdict == CONTRADICTED


def test_one_seed_has_the_interval_of_its_record_and_says_so(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    write_run("XLM-R", flat(80.0), half=0.8)
    found = held("xnli-transfer-large", book, tmp_path)
    estimate = ours(found)
    assert (estimate.low, estimate.high) == pytest.approx((79.2, 80.8), abs=1e-4)
    assert (estimate.spread, found.verdict) == (None, CONTRADICTED)
    assert "one seed" in found.notes[0]
    write_run("XLM-R", flat(80.0), half=0.9)
    assert held("xnli-transfer-large", book, tmp_path).verdict == SUPPORTED


def test_columns_of_one_seed_add_their_errors_up(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    write_run("XLM-R", flat(80.0), half=1.0)
    estimate = ours(held("xnli-low-resource-gain", book, tmp_path))
    # sw, ur against en, fr of one record: 1.0 + 1.0, and the rounding of mBERT's printed means.
    assert estimate.high - estimate.value == pytest.approx(1.0 + 1.0 + 0.05 + 0.05, abs=1e-4)


def test_a_baseline_that_was_not_run_is_taken_as_published_and_named(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    seeds(write_run, "XLM-R", 80.5)
    found = held("xnli-vs-mbert", book, tmp_path)
    assert (found.verdict, found.notes) == (SUPPORTED, ("mBERT as published",))
    estimate = ours(found)
    assert estimate.value == pytest.approx(80.5 - 66.3)
    assert estimate.high - estimate.value == pytest.approx(2.7764 * SPREAD / sqrt(5) + 0.05, abs=1e-3)


def test_a_baseline_that_was_run_replaces_the_published_row(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 80.5)
    seeds(write_run, "mbert", 81.5, selection="per-language")
    found = held("xnli-vs-mbert", book, tmp_path)
    assert (found.verdict, found.notes) == (CONTRADICTED, ())
    estimate = ours(found)
    assert estimate.value == pytest.approx(-1.0)
    # Two independent means of five: Welch's degrees of freedom are 8.
    assert estimate.high - estimate.value == pytest.approx(2.3060 * SPREAD * sqrt(2 / 5), abs=1e-3)


def test_a_baseline_selected_by_another_rule_does_not_replace_it(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    seeds(write_run, "XLM-R", 80.5)
    seeds(write_run, "mBERT", 81.5, selection="joint")
    assert held("xnli-vs-mbert", book, tmp_path).notes == ("mBERT as published",)


def test_the_papers_own_models_are_never_taken_as_published(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "mBERT", 66.0, selection="per-language")
    seeds(write_run, "XLM-R", 80.5)
    assert held("base-vs-large-xnli", book, tmp_path).verdict == UNTESTED
    (tmp_path / "runs" / "XLM-R").rename(tmp_path / "elsewhere")
    found = held("xnli-vs-mbert", book, tmp_path)
    assert found.verdict == UNTESTED
    assert "no run of XLM-R (xnli transfer, joint)" in found.notes[0]


def test_roberta_under_one_recipe_is_not_taken_as_published(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    columns = ("MNLI-m", "MNLI-mm", "QNLI", "QQP", "SST-2", "MRPC", "STS-B")
    for seed in (1, 2, 3):
        about = {"benchmark": "glue", "protocol": "each", "selection": "per-language", "seed": seed}
        write_run("XLM-R", flat(91.5 + 0.1 * seed, columns), **about)  # type: ignore[arg-type]
    assert held("glue-vs-roberta", book, tmp_path).verdict == UNTESTED
    assert held("glue-vs-bert-large", book, tmp_path).verdict == SUPPORTED


@pytest.mark.parametrize(
    ("lead", "verdict"), [(1.0, SUPPORTED), (0.1, UNDECIDED), (-0.1, UNDECIDED), (-1.0, CONTRADICTED)]
)
def test_a_lead_is_decided_where_its_whole_interval_is_on_one_side(
    write_run: WriteRun, book: Book, tmp_path: Path, lead: float, verdict: str
) -> None:
    seeds(write_run, "XLM-R", 78.0 + lead)
    seeds(write_run, "XLM-R Base", 78.0)
    assert held("base-vs-large-xnli", book, tmp_path).verdict == verdict


def test_more_seeds_decide_what_two_leave_open(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 79.0, SEEDS[:2])
    seeds(write_run, "XLM-R Base", 78.0, SEEDS[3:])
    found = held("base-vs-large-xnli", book, tmp_path)
    assert (found.verdict, found.notes) == (UNDECIDED, ("two seeds: the interval is wide",))
    seeds(write_run, "XLM-R", 79.0)
    seeds(write_run, "XLM-R Base", 78.0)
    assert held("base-vs-large-xnli", book, tmp_path).verdict == SUPPORTED


def test_two_selection_rules_of_the_same_runs_are_paired_by_seed(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    far_apart = (-3.0, -1.5, 0.0, 1.5, 3.0)
    seeds(write_run, "XLM-R", 79.7, [o + e for o, e in zip(far_apart, (0.0, 0.05, 0.0, -0.05, 0.0), strict=True)])
    seeds(write_run, "XLM-R", 80.0, far_apart, selection="per-language")
    found = held("model-selection-n-vs-1", book, tmp_path)
    assert (found.verdict, found.notes) == (SUPPORTED, ("tested on XLM-R",))
    assert ours(found).high < -0.25


def test_runs_that_share_no_seed_are_not_subtracted(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    write_run("XLM-100", flat(70.0), seed=1)
    write_run("XLM-100", flat(71.0), seed=2, selection="per-language")
    found = held("model-selection-n-vs-1", book, tmp_path)
    assert (found.verdict, found.notes) == (UNTESTED, ("XLM-100 has no seed that both sides share",))


UNFIT: dict[str, tuple[dict[str, object], str]] = {
    "limited": ({"limited": 100}, "limited to 100 examples a split"),
    "other data": (
        {"data": {"name": "miniature", "official": None, "splits": []}},
        "not on the official data (miniature)",
    ),
    "altered data": ({"data": {"name": "mine", "official": False, "splits": []}}, "not on the official data (mine)"),
    "collapsed": ({"status": "collapsed"}, "collapsed"),
    "without intervals": (
        {"aggregate": [{"split": "test", "metric": "accuracy", "value": 0.7, "ci95": None, "languages": 15}]},
        "without intervals",
    ),
    "a paper's": ({"origin": "paper"}, "a published number"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_record_that_is_no_result_is_no_evidence(write_run: WriteRun, book: Book, tmp_path: Path, kind: str) -> None:
    changes, reason = UNFIT[kind]
    path = write_run("XLM-R", flat(70.0), seed=1, **changes)  # type: ignore[arg-type]
    assert load_runs(tmp_path / "runs").excluded == ((path, reason),)
    assert held("xnli-transfer-large", book, tmp_path).verdict == UNTESTED
    seeds(write_run, "XLM-R", 80.9, SEEDS[:3], folder="runs/more", protocol="translate-train-all")
    write_run("XLM-R", flat(80.9), seed=2)
    write_run("XLM-R", flat(81.0), seed=3)
    found = held("xnli-transfer-large", book, tmp_path)
    assert (found.verdict, ours(found).seeds) == (SUPPORTED, (2,))


def test_a_run_of_a_few_languages_is_no_evidence_for_the_mean_of_all(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    for seed in (1, 2, 3):
        write_run("XLM-R", flat(74.0 + seed / 10, ("en", "sw")), seed=seed)
    assert held("xnli-vs-mbert", book, tmp_path).verdict == UNTESTED
    assert held("xnli-sw-vs-mbert", book, tmp_path).verdict == SUPPORTED


def test_seeds_of_other_settings_are_not_averaged(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 80.9)
    write_run("XLM-R", flat(80.9), seed=6, config={"preset": "xtreme", "languages": list(XNLI_LANGUAGES)})
    runs = load_runs(tmp_path / "runs")
    assert runs.by_key == {}
    assert {reason for _, reason in runs.excluded} == {
        "one of several results of this model; name a folder with one of them"
    }


def test_a_copied_seed_counts_once(write_run: WriteRun, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 80.9)
    seeds(write_run, "XLM-R", 80.9, SEEDS[:1], folder="runs/copy")
    runs = load_runs(tmp_path / "runs")
    assert [len(found) for found in runs.by_key.values()] == [5]
    assert [reason for _, reason in runs.excluded] == ["a copy of a seed that counts"]


def test_glue_takes_the_median_over_seeds_and_both_halves_of_mnli_as_one(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    columns = ("MNLI-m", "MNLI-mm", "QNLI", "QQP", "SST-2", "MRPC", "STS-B")
    means = []
    for seed, offset in enumerate((0.0, 0.1, 2.0), 1):
        values = {**flat(91.0 + offset, columns), "MNLI-mm": 85.0}
        write_run("XLM-R", values, benchmark="glue", protocol="each", selection="per-language", seed=seed)
        means.append(((91.0 + offset + 85.0) / 2 + 5 * (91.0 + offset)) / 6)
    estimate = ours(held("glue-xlmr", book, tmp_path))
    assert estimate.value == pytest.approx(median(means))
    assert estimate.high - estimate.value == pytest.approx(4.3027 * stdev(means) / sqrt(3) * 1.2533, rel=1e-3)


def test_f1_and_exact_match_are_told_apart(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    for seed, offset in enumerate(SEEDS, 1):
        values = dict.fromkeys(("en", "es", "de", "ar", "hi", "vi", "zh"), (70.7 + offset, 40.0 + offset))
        write_run("XLM-R", values, benchmark="mlqa", selection="english", seed=seed)
    assert held("mlqa-large-f1", book, tmp_path).verdict == SUPPORTED
    assert held("mlqa-large-em", book, tmp_path).verdict == CONTRADICTED
    assert held("mlqa-vs-xlm15", book, tmp_path).verdict == CONTRADICTED, "one of two parts fails"


def ablation(write_run: WriteRun, model: str, values: Mapping[str, float], **about: object) -> None:
    for seed, offset in enumerate(SEEDS, 1):
        row = {c: v + offset / 10 for c, v in values.items()}
        write_run(model, row, seed=seed, **about)  # type: ignore[arg-type]


def test_claims_that_need_pretraining_say_so_until_all_their_models_were_run(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    seeds(write_run, "XLM-R", 80.9)
    assert held("wiki-vs-cc", book, tmp_path).verdict == PRETRAIN
    ablation(write_run, "xlm-7-wiki", flat(60.0, SEVEN))
    found = held("wiki-vs-cc", book, tmp_path)
    assert (found.verdict, found.notes[0]) == (UNTESTED, "no run of XLM-7 CC (xnli transfer, joint)")
    ablation(write_run, "ours", {**flat(61.0, SEVEN), "sw": 64.0, "ur": 64.0})
    assert held("wiki-vs-cc", book, tmp_path, ["XLM-7 CC=ours"]).verdict == SUPPORTED
    ablation(write_run, "ours", {**flat(61.0, SEVEN), "en": 64.0, "fr": 64.0})
    assert held("wiki-vs-cc", book, tmp_path, ["XLM-7 CC=ours"]).verdict == CONTRADICTED


def test_bars_are_tested_on_the_seven_languages_whatever_else_was_run(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    ablation(write_run, "XLM-7 CC", {**flat(90.0), **flat(62.0, SEVEN)})
    ablation(write_run, "XLM-100 CC", {**flat(10.0), **flat(60.0, SEVEN)})
    found = held("curse-cc", book, tmp_path)
    assert (found.verdict, ours(found).value) == (SUPPORTED, pytest.approx(-2.0))


def test_models_of_one_language_each_stand_together_for_one_of_the_papers(
    write_run: WriteRun, book: Book, tmp_path: Path
) -> None:
    about = {"protocol": "translate-train", "selection": "per-language"}
    for code in SEVEN:
        ablation(write_run, f"mono-{code}", flat(63.0, (code,)), **about)
    ablation(write_run, "XLM-7 Wiki", flat(60.0, SEVEN))
    names = [f"BERT Wiki=mono-{code}" for code in SEVEN]
    found = held("mono-beats-xlm7-wiki", book, tmp_path, names)
    assert (found.verdict, ours(found).value) == (SUPPORTED, pytest.approx(3.0))
    ablation(write_run, "second-sw", flat(63.0, ("sw",)), **about)
    with pytest.raises(UsageError, match=r"mono-sw and second-sw both stand for 'BERT Wiki' and both have 'sw'"):
        held("mono-beats-xlm7-wiki", book, tmp_path, [*names, "BERT Wiki=second-sw"])


@pytest.mark.parametrize(
    ("lead", "verdict"), [(0.0, SUPPORTED), (0.5, UNDECIDED), (-0.9, CONTRADICTED), (0.9, CONTRADICTED)]
)
def test_level_means_an_interval_within_half_a_point(
    write_run: WriteRun, book: Book, tmp_path: Path, lead: float, verdict: str
) -> None:
    ablation(write_run, "XLM SPM", flat(64.0 + lead, SEVEN))
    ablation(write_run, "XLM BPE", flat(64.0, SEVEN))
    assert held("spm-no-loss", book, tmp_path).verdict == verdict


@pytest.mark.parametrize(("third", "verdict"), [(61.0, SUPPORTED), (60.52, UNDECIDED), (60.2, CONTRADICTED)])
def test_every_step_of_an_order_counts(
    write_run: WriteRun, book: Book, tmp_path: Path, third: float, verdict: str
) -> None:
    for size, value in (("2048", 60.0), ("4096", 60.5), ("8192", third)):
        ablation(write_run, f"XLM batch {size}", flat(value, SEVEN))
    assert held("batch-size", book, tmp_path).verdict == verdict


@pytest.mark.parametrize(("rival", "verdict"), [(60.0, SUPPORTED), (61.99, UNDECIDED), (63.0, CONTRADICTED)])
def test_the_best_of_several_leads_each_of_the_others(
    write_run: WriteRun, book: Book, tmp_path: Path, rival: float, verdict: str
) -> None:
    for alpha, value in (("0.01", 60.0), ("0.3", 62.0), ("0.7", rival), ("1.0", 59.0)):
        ablation(write_run, f"XLM-100 alpha {alpha}", flat(value, SEVEN))
    assert held("alpha-best", book, tmp_path).verdict == verdict


def test_a_bound_other_than_zero_is_the_one_that_decides(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    ablation(write_run, "XLM-100 vocabulary 128k", flat(60.0, SEVEN))
    ablation(write_run, "XLM-100 Base body vocabulary 512k", flat(62.0, SEVEN))
    assert held("vocab-grow", book, tmp_path).verdict == CONTRADICTED


def test_what_no_number_decides_is_not_testable(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "XLM-R", 80.9)
    assert held("min-data", book, tmp_path).verdict == QUALITATIVE
    assert held("cc100-size", book, tmp_path).verdict == UNTESTED


def test_released_checkpoints_are_known_by_their_names(write_run: WriteRun, book: Book, tmp_path: Path) -> None:
    seeds(write_run, "xlm-roberta-large", 80.9)
    seeds(write_run, "XLM_R-base", 76.2)
    assert held("xnli-transfer-large", book, tmp_path).verdict == SUPPORTED
    assert held("xnli-transfer-base", book, tmp_path).verdict == SUPPORTED
    assert held("xnli-transfer-large", book, tmp_path, ["XLM-R=XLM_R-base"]).verdict == CONTRADICTED
