"""`claims` on the command line: tables for people, JSON for programs, and mistakes explained."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from claimed import WriteRun
from samples import REPOSITORY

from xlmr_bench.commands.claims_command import execute
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.languages import XNLI_LANGUAGES


def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, **options: Any) -> str:
    """The output of the command; runs are those of the test unless it says otherwise."""
    runs = tmp_path / "runs"
    defaults = {"runs": runs if runs.exists() else None, "model": [], "only": [], "untested": False, "format": "text"}
    assert execute(argparse.Namespace(**{**defaults, **options})) == 0
    return capsys.readouterr().out


@pytest.fixture
def large(write_run: WriteRun) -> None:
    """Five seeds of a model of ours, named `mine`, and one of a limited run."""
    for seed in range(1, 6):
        write_run("mine", dict.fromkeys(XNLI_LANGUAGES, 80.5 + seed / 10), seed=seed)
    write_run("quick", dict.fromkeys(XNLI_LANGUAGES, 50.0), limited=10)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_runs_every_claim_is_shown_with_the_papers_own_evidence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = said(capsys, tmp_path).splitlines()
    assert lines[-1] == (
        "66 claims: 42 not yet tested, 23 needs pretraining, 1 not testable; in print 57 hold, 6 are flagged, "
        "of 3 no number is printed"
    )
    assert any(line.startswith("ner-each-vs-mbert: flagged: the text repeats a number of the") for line in lines)


def test_a_tested_claim_shows_ours_with_its_interval_and_what_was_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None
) -> None:
    text = said(capsys, tmp_path, model=["XLM-R=mine"], only=["xnli-vs-"])
    assert "+14.5 [+14.3 to +14.7]  supported" in text
    assert "xnli-vs-mbert: supported: mBERT as published" in text
    assert "1 record left out: limited to 10 examples a split" in text
    assert "4 claims: 4 supported; in print 3 hold, 1 are flagged, of 0 no number is printed" in text


def test_markdown_has_one_line_a_claim(capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None) -> None:
    text = said(capsys, tmp_path, model=["xlm-r=mine"], only=["mlqa-vs-", "xnli-transfer-large"], format="markdown")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert "| 80.8 [80.6 to 81.0] | supported" in text
    assert "F1: +13.0<br>exact match: +11.1" in text


def test_json_has_everything(capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None) -> None:
    found = json.loads(said(capsys, tmp_path, model=["XLM-R=mine"], format="json"))
    assert found["summary"]["verdicts"] == {
        "supported": 10, "contradicted": 0, "undecided": 0, "not yet tested": 32, "needs pretraining": 23,
        "not testable": 1,
    }  # fmt: skip
    claims = {c["id"]: c for c in found["claims"]}
    assert len(claims) == 66
    part = claims["xnli-vs-xlm100"]["parts"][0]
    assert part["published"] == {"value": 10.2, "error": 0.1}
    assert part["published_again"]["value"] == pytest.approx(9.6333)
    assert part["ours"]["ci95"] == pytest.approx([9.9037 - 0.05, 10.2963 + 0.05], abs=1e-3)
    assert part["ours"]["as_published"] == ["XLM-100"]
    assert claims["ner-en-base"]["parts"][0]["missing"] == "no run of XLM-R Base (ner transfer, joint)"
    assert claims["alpha-best"]["expected"] == ["0.3"]
    assert found["excluded"][0]["reason"] == "limited to 10 examples a split"


def test_untested_leaves_only_what_is_still_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None
) -> None:
    found = json.loads(said(capsys, tmp_path, model=["XLM-R=mine"], untested=True, format="json"))
    assert {c["verdict"] for c in found["claims"]} == {"not yet tested", "needs pretraining"}
    assert len(found["claims"]) == 55


def test_a_name_is_that_of_one_claim_or_else_the_beginning_of_several(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def chosen(*only: str) -> list[str]:
        return [c["id"] for c in json.loads(said(capsys, tmp_path, only=list(only), format="json"))["claims"]]

    assert chosen("vocab-grow") == ["vocab-grow"]
    assert chosen("alpha", "glue-xlmr") == ["glue-xlmr", "alpha-high", "alpha-low", "alpha-best"]


MISTAKES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a claim that is none": ({"only": ["xnli-vs-mbertt"]}, UsageError, "Did you mean 'xnli-vs-mbert'"),
    "no equals sign": ({"model": ["mine"]}, UsageError, "--model 'mine' is not of the form"),
    "no name of ours": ({"model": ["XLM-R="]}, UsageError, "is not of the form"),
    "a model of nobody": ({"model": ["XLM-RR=mine"]}, UsageError, "unknown model of the paper 'XLM-RR'. Did you mean"),
    "a run that is not there": ({"model": ["XLM-R=mime"]}, UsageError, "'mime'. Did you mean 'mine'"),
    "no folder": ({"runs": Path("none")}, DataError, "there is no record file or folder none"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None, kind: str) -> None:
    options, error, words = MISTAKES[kind]
    with pytest.raises(error, match=words.replace("(", r"\(")):
        said(capsys, tmp_path, **options)
    assert capsys.readouterr().out == ""


def test_a_model_with_records_that_do_not_count_is_known_and_proves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, large: None
) -> None:
    found = json.loads(said(capsys, tmp_path, model=["XLM-R=quick"], only=["xnli-transfer-large"], format="json"))
    assert found["claims"][0]["verdict"] == "not yet tested"


def test_models_cannot_be_named_where_there_are_no_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds none\. Give --runs DIR"):
        said(capsys, tmp_path, model=["XLM-R=mine"])


def test_claims_are_held_against_runs_without_a_model_library() -> None:
    code = (
        "import argparse, sys; from xlmr_bench.commands.claims_command import execute; "
        "execute(argparse.Namespace(runs=None, model=[], only=['xnli'], untested=False, format='json')); "
        "sys.exit(bool({'torch', 'transformers', 'sentencepiece', 'datasets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, timeout=60).returncode == 0
