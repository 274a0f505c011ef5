"""What the notebooks call: missing results are run once, tables, claims and plots show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlmr_bench.cli import main
from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.notebook import claims, command, model_or_tiny, run_missing, table, verdicts
from xlmr_bench.plots import ablation, accuracy_by_size, data_sizes, dumbbell, facts, our_records, seed_spread
from xlmr_bench.published import published_records
from xlmr_bench.report import column_values

pytest.importorskip("matplotlib")
SETTINGS = ["steps=2", "max_length=64"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("notebook") / "tiny"
    assert main(["init", "--size", "tiny", "--tokenizer", "miniature", str(folder)]) == 0
    return str(folder)


@pytest.fixture(scope="module")
def runs(model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("runs"))
    for protocols in (["transfer"], ["transfer", "translate-train-all"]):
        run_missing("xnli", model, protocols=protocols, languages="en,sw", seeds="1-2", settings=SETTINGS, runs=folder)
    return folder


def test_only_what_is_missing_is_run(model: str, runs: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(runs).rglob("*.json")}
    assert len(before) == 2 * 2 * 3  # protocols, seeds, selection rules
    run_missing("xnli", model, protocols=["transfer"], languages="en,sw", seeds="1-2", settings=SETTINGS, runs=runs)
    assert {path: path.stat().st_mtime_ns for path in Path(runs).rglob("*.json")} == before


def test_a_failed_command_says_what_it_was_and_why(runs: str) -> None:
    with pytest.raises(XlmrBenchError, match=r"(?s)run xnli .*exit code 2.*no checkpoint folder"):
        run_missing("xnli", "no-such-model", protocols=["transfer"], runs=runs)


def test_a_model_that_is_given_is_used_as_it_is(model: str, tmp_path: Path) -> None:
    assert model_or_tiny(model, str(tmp_path / "other")) == model
    assert not (tmp_path / "other").exists()
    made = model_or_tiny(None, str(tmp_path / "other"))
    assert (Path(made) / "model.safetensors").is_file()


def test_tables_and_claims_hold_ours_and_the_papers(runs: str) -> None:
    pytest.importorskip("IPython")
    html, text = table(1, runs).data, claims("xnli-transfer", runs, {"XLM-R Base": "tiny"}).data
    assert "XLM-R Base" in html and "tiny" in html and "<table" in html
    assert "xnli-transfer-base" in text and "ner-" not in text


def test_a_verdict_a_cell_or_the_reason_why_there_is_none(model: str, runs: str) -> None:
    pytest.importorskip("IPython")
    refused = verdicts(runs, model, "xnli", "transfer").data
    # Two steps of training: collapsed, or at least not on the published data.
    assert "ended with exit code" in refused and ("collapsed" in refused or "miniature" in refused)
    assert verdicts(runs, model, "xnli", "each").data == "The paper has no XLM-R Base row for xnli each."


def test_plots_draw_every_value(model: str, runs: str) -> None:
    figure = dumbbell(runs, model, "xnli", "transfer")
    (axes,) = figure.axes
    drawn = sorted(round(float(x), 4) for points in axes.collections for x, _ in points.get_offsets())
    ours = [column_values(r) for r in our_records(runs, "xnli", "transfer", model) if r["selection"] == "joint"]
    base = next(column_values(r) for r in published_records("xnli", "transfer") if r["model"]["name"] == "XLM-R Base")
    expected = [100 * v for v in base.values()]
    if any(r["status"] == "ok" for r in our_records(runs, "xnli", "transfer", model)):
        expected += [50 * sum(v[c] for v in ours) for c in ("en", "sw")]
    assert drawn == sorted(round(v, 4) for v in expected)
    strips = {label.get_text() for label in seed_spread(runs, "xnli").axes[0].get_yticklabels()}
    assert strips == {
        f"tiny {protocol} {rule}"
        for protocol in ("transfer", "translate-train-all")
        for rule in ("joint", "per-language", "english")
    }
    assert len(accuracy_by_size(runs, model).axes[0].texts) >= 15  # every published language is named


def test_the_figures_bars_are_the_values_read_off_the_paper(tmp_path: Path) -> None:
    for number in range(2, 8):
        rows = [row for row in facts("figures.tsv") if row["place"] == f"Figure {number}"]
        wanted = sorted(float(row[group]) for row in rows for group in ("low_res", "high_res", "all") if row[group])
        bars = [b.get_height() for b in ablation(number, str(tmp_path)).axes[0].patches]
        assert sorted(h for h in bars if h == h) == wanted, number
    assert len(data_sizes(10).axes[0].patches) == 20


def test_commands_are_those_of_the_harness() -> None:
    assert "benchmarks" in command("list", "--json")
