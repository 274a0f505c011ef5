"""The command `export`, the flat table, the citation, and the file that says how to cite the software."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from samples import REPOSITORY

from xlmr_bench import __version__
from xlmr_bench.benchmarks import BENCHMARKS, plugins
from xlmr_bench.errors import UsageError
from xlmr_bench.exports import FORMATS, Document
from xlmr_bench.exports.bibliography import XLMR, papers

Write = Callable[..., Path]
Export = Callable[..., list[Document]]


def test_the_table_has_a_line_a_score_of_each_seed(write: Write, export: Export) -> None:
    write({"en": 0.8, "sw": 0.6}, seed=1)
    write({"en": 0.7, "sw": 0.5}, seed=2)
    (document,) = export("csv")
    rows = list(csv.DictReader(io.StringIO(document.text)))
    assert len(rows) == 2 * 2 * 3
    row = next(r for r in rows if (r["seed"], r["split"], r["language"]) == ("2", "test", "sw"))
    assert (row["model"], row["benchmark"], row["protocol"], row["selection"]) == ("toy", "xnli", "transfer", "joint")
    assert (row["metric"], row["value"], row["unit"], row["n"]) == ("accuracy", "0.5", "fraction", "100")
    assert (float(row["ci95_low"]), float(row["ci95_high"])) == (pytest.approx(0.48), pytest.approx(0.52))
    assert (row["data_sha256"], row["predictions_sha256"]) == ("test-sw-digest", "predictions-2")
    assert row["signature"] == "accuracy|scorer:xlmr_bench|version:1"
    average = next(r for r in rows if (r["seed"], r["split"], r["average"]) == ("1", "test", "mean"))
    assert (average["language"], average["value"]) == ("", "0.7")


def test_a_citation_pins_the_run(write: Write, export: Export) -> None:
    write({"en": 0.8, "sw": 0.6}, seed=1)
    write({"en": 0.7, "sw": 0.5}, seed=2)
    (document,) = export("citation", model_id="me/toy")
    paragraph = " ".join(document.text.split("\n\n")[0].split())
    for part in (
        "me/toy (weights SHA-256 toy-weights", "Conneau et al. 2018", "xlmr_bench 0.1.0 commit c0ffee",
        "Protocol transfer: fine-tune on English", "Checkpoint selection joint: one checkpoint",
        "mean over 2 seeds (1, 2)",
        "Test accuracy, mean of 2 columns: 65.0 % (sample standard deviation over seeds 7.07).",
        "checked to be the published data", "Score signature: accuracy|scorer:xlmr_bench|version:1.",
    ):  # fmt: skip
        assert part in paragraph
    assert "  test/sw: test-sw-digest" in document.text
    assert "2018-xnli" in document.text
    assert XLMR in document.text
    assert r"@software{xlmr-bench-" in document.text
    assert r"note = {protocol transfer, selection joint, seeds 1, 2; xlmr\_bench 0.1.0 commit c0ffee;" in document.text


def test_a_citation_of_one_seed_has_its_interval_and_of_a_limited_one_the_mark(write: Write, export: Export) -> None:
    write({"en": 0.8}, limited=5)
    (document,) = export("citation", anything=True)
    assert document.text.startswith("LIMITED to 5 examples a split. toy ")
    assert "note = {LIMITED to 5 examples a split; protocol transfer" in document.text
    text = " ".join(document.text.split())
    assert "Test accuracy, one column: 80.0 % (95 % interval over examples 79.0 to 81.0)." in text


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_every_benchmark_has_a_paper_in_well_formed_bibtex(benchmark: Any) -> None:
    for entry in (*papers(benchmark), XLMR):
        assert entry.startswith("@inproceedings{")
        assert entry.count("{") == entry.count("}")
        assert {"title", "author", "booktitle", "year", "url"} <= {
            line.split(" = ")[0].strip() for line in entry.split("\n")
        }


def test_one_document_is_printed_and_nothing_else_on_stdout(
    write: Write, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write({"en": 0.8}, limited=5)
    assert command("csv", any=True) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("model,benchmark,")
    assert printed.err == "xlmr_bench: exported and marked: LIMITED to 5 examples a split\n"


def test_several_documents_need_a_folder(
    write: Write, command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"en": 0.8})
    write({"en": 0.8}, protocol="translate-train-all")
    with pytest.raises(UsageError, match="makes 2 files"):
        command("hf-eval-results")
    assert command("hf-eval-results", out=tmp_path / "out") == 0
    places = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert len(places) == 2
    assert all(yaml.safe_load(p.read_text()) for p in places)


def test_a_plugins_data_need_not_be_official_and_have_a_name_alone(
    write: Write, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ours.py"
    file.write_text(
        "from dataclasses import replace\nfrom xlmr_bench.benchmarks.xnli import XNLI\n"
        "BENCHMARK = replace(XNLI, name='ours', reference='Us 2026')\n"
    )
    monkeypatch.setattr(plugins, "_loaded", [])  # other tests shall not see it
    plugins.load_plugin(file)
    write({"en": 0.8}, benchmark="ours", official=None)
    (document,) = export("hf-eval-results")
    assert yaml.safe_load(document.text)[0]["dataset"] == {"id": "ours", "task_id": "en-dev-accuracy"}
    (text,) = export("citation")
    assert "note = {Us 2026}" in text.text
    assert "NOT THE PUBLISHED DATA" not in text.text


def test_no_format_imports_torch(write: Write, runs: Path, tmp_path: Path) -> None:
    write({"en": 0.8})
    program = (
        "import sys\nfrom pathlib import Path\nfrom xlmr_bench.exports import FORMATS, Publisher, collect\n"
        "results = collect([Path(sys.argv[1])])\n"
        "made = [d for f in FORMATS.values() for d in f(results, Publisher('me/toy'))]\n"
        "print(len(made), sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(runs)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == f"{len(FORMATS)} []\n", done.stderr


def test_the_citation_file_is_of_this_version_and_refers_to_the_paper() -> None:
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["cff-version"], cited["title"], cited["license"]) == ("1.2.0", "xlmr_bench", "MIT")
    assert cited["version"] == __version__
    assert cited["authors"] == [{"name": "The xlmr_bench authors"}]
    (paper,) = cited["references"]
    assert {"type", "title", "authors"} <= set(paper)  # what the format requires of a reference
    assert paper["url"] == "https://aclanthology.org/2020.acl-main.747/"
    assert cited["message"]
