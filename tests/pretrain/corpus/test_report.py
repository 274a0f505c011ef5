"""What is told of a corpus, and what it would cost."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from command_line import refused_by, run_program

from pretrain.corpus import cost
from pretrain.corpus.problems import Problems
from pretrain.corpus.report import LanguageCounts, Report, drops, load, plot, table, write
from xlmr_bench.files import write_json

GIB = 2**30


def a_report() -> Report:
    problems = Problems()
    problems.add("invalid UTF-8", "a.warc.wet.gz, record 3 (https://a.example/)")
    swahili = LanguageCounts(
        Counter(head=3, middle=3, tail=4), Counter(head=30, middle=20, tail=50), Counter(head=GIB, middle=GIB, tail=9)
    )
    other = LanguageCounts(Counter(all=2), Counter(all=7), Counter(all=GIB // 2))
    return Report(
        ("head", "middle", "all"), {"sw": swahili, "xx": other}, 20, Counter(read=100, repeated=40),
        Counter({"too short": 5, "low confidence": 2}), problems,
    )  # fmt: skip


def cells(text: str, first: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(first))
    return re.split(r"\s{2,}", line.strip())


def test_a_row_counts_what_was_kept_and_stands_beside_table_6() -> None:
    text = table(a_report())
    assert cells(text, "sw") == ["sw", "6", "50", "2", "1.6", "3", "3", "4", "-", "4"]
    assert cells(text, "xx") == ["xx", "2", "7", "0.5", "-", "-", "-", "-", "2", "0"]
    assert cells(text, "all") == ["all", "8", "57", "2.5", "-", "3", "3", "4", "2", "4"]


def test_every_page_and_line_is_accounted_for() -> None:
    text = drops(a_report())
    assert cells(text, "pages read")[1] == "20"
    assert cells(text, "pages dropped: too short")[1] == "5"
    assert cells(text, "documents with a language")[1] == "12"
    assert cells(text, "lines removed: repeated")[1] == "40"
    assert cells(text, "input: invalid UTF-8")[1] == "1"


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    write(a_report(), tmp_path)
    assert load(tmp_path) == a_report()
    assert (tmp_path / "report.md").read_text().startswith("| language")


def test_the_plot_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    assert plot(a_report(), tmp_path / "a.png")
    assert plot(a_report(), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_shows_a_finished_corpus_again(tmp_path: Path) -> None:
    write(a_report(), tmp_path)
    done = run_program("pretrain", "corpus", "report", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == table(a_report()) + "\n\n" + drops(a_report()) + "\n"
    assert "record 3 (https://a.example/)" in done.stderr
    assert "no finished corpus" in refused_by("pretrain", 3, "corpus", "report", tmp_path / "absent")


def made_with(folder: Path, cpu_ms: int) -> None:
    """A corpus of one task a stage that read 10^6 bytes of WET, took so long and wrote 500,000 bytes."""
    write(a_report(), folder)
    for stage in ("hashes", "repeats", "documents", "text"):
        stats = {"cpu_ms": {"total": cpu_ms}, "input_bytes": {"total": 1_000_000}}
        write_json(folder / "logs" / stage / "stats" / "00000.json", [{"name": stage, "stats": stats}])
        (folder / stage).mkdir()
        (folder / stage / "file").write_bytes(b"x" * 500_000)


def test_a_plan_is_arithmetic_from_measured_rates(tmp_path: Path) -> None:
    made_with(tmp_path, cpu_ms=3600)
    text = cost.plan_text(2, nodes=4, cores=5, out=tmp_path)
    hours = 2 * 7.62 * 2**40 * 3.6e-6 / 3600  # of one stage
    assert cells(text, "hashes") == ["hashes", "0.28", f"{hours:,.0f}", f"{hours / 20:,.1f}", "7.62"]
    assert cells(text, "all") == ["all", "0.07", f"{4 * hours:,.0f}", f"{4 * hours / 20:,.1f}", "30.48"]
    assert f"measured in {tmp_path}" in text
    assert "XLM-R Large on it: 6,291,456,000,000 tokens" in text
    assert "404 GPU-days at 50%" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [(("--nodes", "0"), "--nodes is 0"), (("--measured", "absent"), "absent holds no finished corpus")],
)
def test_a_plan_that_cannot_be_made_is_refused(words: tuple[str, ...], expected: str) -> None:
    done = run_program("pretrain", "corpus", "plan", *words)
    assert done.returncode in (2, 3)
    assert expected in done.stderr


def test_the_plan_without_a_corpus_names_where_its_rates_come_from() -> None:
    done = run_program("pretrain", "corpus", "plan")
    assert done.returncode == 0, done.stderr
    assert "12 dumps of 64,000 WET files" in done.stdout
    assert "Rates: pages of ours" in done.stdout
    assert json.dumps([rate.stage for rate in cost.MEASURED]) == '["hashes", "repeats", "documents", "text"]'
