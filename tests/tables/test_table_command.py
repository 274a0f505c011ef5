"""The command `table`: what it prints, where it looks for results, and what it refuses."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import REPOSITORY
from tabled import run_record, write_run

from xlmr_bench.commands.table_command import execute
from xlmr_bench.errors import UsageError
from xlmr_bench.languages import XNLI_LANGUAGES


def table(number: str, **options: Any) -> int:
    chosen = {"format": "text", "runs": None, "paper_only": False, "any_data": False, "output": None, **options}
    return execute(argparse.Namespace(number=number, **chosen))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a result at the usual place."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "leaderboards" / "runs", run_record("xnli", "transfer", dict.fromkeys(XNLI_LANGUAGES, 0.8)))
    return tmp_path


def origins(printed: str) -> list[str]:
    return [row["origin"] for row in json.loads(printed)["rows"]]


def test_results_at_the_usual_place_join_the_papers_rows(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table("1", format="json") == 0
    assert origins(capsys.readouterr().out).count("run") == 1


def test_paper_only_shows_no_runs(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table("1", format="json", paper_only=True)
    assert origins(capsys.readouterr().out) == ["paper"] * 15


def test_without_any_results_the_papers_rows_stand_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table("2", format="json")
    assert origins(capsys.readouterr().out) == ["paper"] * 10


def test_output_is_a_file_and_nothing_is_printed(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table("3", format="markdown", output=elsewhere / "out" / "table3.md")
    assert capsys.readouterr().out == ""
    text = (elsewhere / "out" / "table3.md").read_text(encoding="utf-8")
    assert text.startswith("**Table 3: MLQA.**")
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_csv_has_no_place_for_what_is_left_out_so_stderr_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", dict.fromkeys(XNLI_LANGUAGES, 0.8), limited=9))
    table("1", format="csv", runs=tmp_path)
    out, err = capsys.readouterr()
    assert "limited" not in out
    assert err == "xlmr_bench: left out: toy, transfer, joint dev, seed 1: limited to 9 examples a split\n"


def test_unknown_tables_are_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match=r"unknown table 'nine'\. Known: 1, 2, 3, 4, 5, 6, 7\."):
        table("nine")


@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        ("1", {"paper_only": True, "runs": Path("x")}, "--paper-only shows no results"),
        ("1", {"paper_only": True, "any_data": True}, "--paper-only shows no results"),
        ("6", {"runs": Path("x")}, "table 6 holds facts of the paper"),
        ("7", {"any_data": True}, "table 7 holds facts of the paper"),
    ],
)
def test_options_that_would_do_nothing_are_refused(number: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        table(number, **options)


LIGHT = """
import sys
from xlmr_bench.tables import TABLES, build
from xlmr_bench.tables.render import FORMATS, render
for table in TABLES:
    for style in FORMATS:
        assert render(build(table.number), style)
print(sorted({"torch", "numpy", "transformers", "datasets", "sentencepiece", "pretrain"} & set(sys.modules)))
"""


def test_building_every_table_in_every_format_loads_no_model_library() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
