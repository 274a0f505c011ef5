"""Benchmarks from elsewhere: the README's file runs as it stands; files that are no benchmark are refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import ENVIRONMENT
from samples import REPOSITORY, write_rows
from short_run import values

from xlmr_bench.benchmarks import BENCHMARKS, plugins
from xlmr_bench.cli import main
from xlmr_bench.files import sha256_of
from xlmr_bench.results import read_record

Go = Callable[..., int]
SHORT = ("--set", "epochs=0", "--set", "steps=4", "--set", "evaluate_every=2", "--set", "max_length=32", "--seed", "1")


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Go:
    """A command in this process, which begins without plugins as every process does."""

    def run(*words: object) -> int:
        monkeypatch.setattr(plugins, "_loaded", [])
        return main(list(map(str, words)))

    return run


@pytest.fixture(scope="module")
def paws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin that the README shows, all of it, as a file."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(\"\"\"paws\.py:.*?)```", readme, flags=re.DOTALL)
    path = tmp_path_factory.mktemp("plugin") / "paws.py"
    path.write_text(code, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pairs of PAWS-X in two languages, in its layout."""
    folder = tmp_path_factory.mktemp("x-final")
    header = ["id", "sentence1", "sentence2", "label"]
    for code, names in {"en": ("train", "dev_2k", "test_2k"), "de": ("translated_train", "dev_2k", "test_2k")}.items():
        for name in names:
            rows = [[str(i), f"the teacher {i} {code}", f"teacher the {i * 7 % 10}", str(i % 2)] for i in range(1, 31)]
            write_rows(folder / code / f"{name}.tsv", [header, *rows])
    return folder


def test_the_readmes_plugin_runs_and_scores_like_any_benchmark(
    go: Go, paws: Path, data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--plugin", paws, "--data", data)
    run = ("run", "paws-x", "--model", model, "--languages", "en,de", *where, *SHORT, "--output", tmp_path / "out")
    assert go(*run) == 0
    table = capsys.readouterr().out
    assert table.startswith("paws-x transfer: test accuracy (%), data: PAWS-X\n")
    place = tmp_path / "out" / "small" / "paws-x" / "transfer"
    assert sorted(p.name for p in place.iterdir()) == ["english", "joint", "per-language"]
    record = read_record(place / "joint" / "seed1.json")
    assert record["provenance"]["plugin"] == f"paws.py sha256:{sha256_of(paws)}"
    assert record["config"]["preset"] == "xtreme"
    assert list(values(record)) == ["en", "de"]
    assert {s["role"] for s in record["data"]["splits"]} == {"train", "dev", "test"}
    assert go("score", place / "joint" / "seed1.predictions.parquet", *where, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["aggregate"] == record["aggregate"]
    both = (place / "joint" / "seed1.json", place / "per-language" / "seed1.json")
    assert go("compare", *both, *where) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("avg")
    assert go(*run) == 0
    assert "already in" in capsys.readouterr().err


def test_its_other_protocols_run_too(go: Go, paws: Path, data: Path, model: Path, tmp_path: Path) -> None:
    words = ("run", "paws-x", "--plugin", paws, "--model", model, "--data", data, "--languages", "en,de", *SHORT)
    assert go(*words, "--protocol", "translate-train-all", "--output", tmp_path) == 0
    record = read_record(tmp_path / "small" / "paws-x" / "translate-train-all" / "joint" / "seed1.json")
    assert record["fine_tunings"][0]["train"] == ["en", "de"]
    assert "translated_train.tsv" in [f for s in record["data"]["splits"] for f in s["files"]]


def test_missing_files_of_a_plugin_end_like_those_of_any_benchmark(
    go: Go, paws: Path, data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "paws-x", "--plugin", paws, "--model", model, "--data", data, "--languages", "en,ko")
    assert go(*words) == 3
    assert "PAWS-X ko test not found. Looked for" in capsys.readouterr().err
    assert go(*words[:-1], "en,kp") == 2
    assert "unknown language 'kp'. Did you mean 'ko'" in capsys.readouterr().err


def test_a_plugin_is_listed_with_its_origin(go: Go, paws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert go("list", "--plugin", paws) == 0
    assert "paws-x: PAWS-X: paraphrase identification; accuracy;" in capsys.readouterr().out
    assert go("list", "--json", "--plugin", paws) == 0
    by_name = {b["name"]: b for b in json.loads(capsys.readouterr().out)["benchmarks"]}
    assert list(by_name) == [*(b.name for b in BENCHMARKS), "paws-x"]
    assert by_name["paws-x"]["plugin"] == f"paws.py sha256:{sha256_of(paws)}"
    assert go("list", "--json") == 0
    assert "paws-x" not in capsys.readouterr().out


def test_without_the_plugin_its_records_name_what_is_missing(
    go: Go, paws: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go("run", "paws-x", "--model", "m", "--data", data) == 2
    assert "unknown benchmark 'paws-x'" in capsys.readouterr().err


BENCHMARK = "from xlmr_bench.benchmarks.xnli import XNLI as BENCHMARK\n"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("p.py", None, r"--plugin .*p\.py: there is no such file"),
        ("p.txt", BENCHMARK, r"--plugin .*p\.txt: not a Python file"),
        ("p.py", "x = 1\n", r"--plugin .*p\.py defines no BENCHMARK"),
        (
            "p.py",
            "BENCHMARK = 'xnli'\n",
            r"defines no BENCHMARK; it must be an xlmr_bench\.benchmarks\.base\.Benchmark",
        ),
        ("p.py", "BENCHMARKS = ()\n", "defines no BENCHMARK"),
        ("p.py", BENCHMARK + "BENCHMARKS = (BENCHMARK, 7)\n", "defines no BENCHMARK"),
        ("p.py", "def read(:\n", r"p\.py: SyntaxError: .*The file must run without errors"),
        ("p.py", "1 / 0\n", r"p\.py: ZeroDivisionError: division by zero"),
        ("p.py", "import no_such_package\n", r"p\.py: ModuleNotFoundError: No module named 'no_such_package'"),
        ("p.py", BENCHMARK.replace("XNLI as", "XLNI as"), r"p\.py: ImportError: cannot import name 'XLNI'"),
        ("p.py", BENCHMARK, r"two benchmarks are named 'xnli'\. Rename the one of the plugin"),
    ],
)
def test_a_file_that_is_no_benchmark_is_refused(
    go: Go, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, code: str | None, words: str
) -> None:
    path = tmp_path / name
    if code is not None:
        path.write_text(code, encoding="utf-8")
    assert go("list", "--plugin", path) == 2
    done = capsys.readouterr()
    assert done.out == ""
    assert re.match(f"xlmr_bench: .*{words}", done.err), done.err
    assert "Traceback" not in done.err


def test_two_plugins_of_one_name_are_refused_and_one_given_twice_is_one(
    go: Go, paws: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go("list", "--plugin", paws, "--plugin", paws) == 0
    other = tmp_path / "other.py"
    other.write_text(paws.read_text(encoding="utf-8") + "\n# another file\n", encoding="utf-8")
    assert go("list", "--plugin", paws, "--plugin", other) == 2
    assert "two benchmarks are named 'paws-x'" in capsys.readouterr().err


def test_a_plugin_may_declare_several_benchmarks(
    go: Go, tmp_path: Path, paws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "two.py"
    again = "from dataclasses import replace\nBENCHMARKS = (BENCHMARK, replace(BENCHMARK, name='paws-2'))\n"
    more.write_text(paws.read_text(encoding="utf-8") + again, encoding="utf-8")
    assert go("list", "--plugin", more) == 0
    assert "paws-2: PAWS-X" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('Classification(("0", "1"), ("acuracy",))', "unknown metric 'acuracy'. Did you mean 'accuracy'"),
        ('Classification(("no", "yes"))', r"test_2k\.tsv: label '1' of example 1 is none of no, yes"),
    ],
)
def test_what_only_the_data_can_tell_is_told_before_anything_is_trained(
    go: Go,
    paws: Path,
    data: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: str,
    words: str,
) -> None:
    file = tmp_path / "changed.py"
    file.write_text(paws.read_text(encoding="utf-8").replace('Classification(("0", "1"))', change), encoding="utf-8")
    out = ("--languages", "en,de", *SHORT, "--output", tmp_path / "out")
    assert go("run", "paws-x", "--plugin", file, "--model", model, "--data", data, *out) in (2, 3)
    error = capsys.readouterr().err
    assert re.search(words, error), error
    assert "fine-tuning" not in error
    assert not (tmp_path / "out").exists()


def test_benchmarks_of_installed_packages_are_found(tmp_path: Path, paws: Path) -> None:
    (tmp_path / "paws_package.py").write_text(paws.read_text(encoding="utf-8"), encoding="utf-8")
    about = tmp_path / "paws_package-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: paws-package\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[xlmr_bench.benchmarks]\npaws-x = paws_package:BENCHMARK\n")

    def listed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "xlmr_bench", "list", "--json"],
            cwd=REPOSITORY, env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    found = json.loads(listed().stdout)["benchmarks"][-1]
    assert (found["name"], found["plugin"]) == ("paws-x", "paws-package 1.2")
    (tmp_path / "paws_package.py").write_text("1 / 0\n")
    broken = listed()
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "benchmark 'paws-x' of paws-package 1.2: ZeroDivisionError" in broken.stderr
