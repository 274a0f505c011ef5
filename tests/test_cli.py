"""The command line as a user meets it: real processes, their exit codes, what is on stdout and what on stderr."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, refused, xlmr_bench
from samples import REPOSITORY

COMMANDS = (
    "list", "doctor", "data", "init", "convert", "run", "status", "predict",
    "score", "compare", "leaderboard", "table", "claims", "selection", "export",
)  # fmt: skip
HEAVY = ("torch", "numpy", "pyarrow", "datasets", "transformers", "sentencepiece", "sacrebleu", "jsonschema")


# --- help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(command: str) -> None:
    done = xlmr_bench(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"example:\n  python -m xlmr_bench {command}" in done.stdout
    assert done.stdout.startswith(f"usage: python -m xlmr_bench {command} ")


def test_the_help_lists_every_command_and_the_exit_codes() -> None:
    done = xlmr_bench("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"\n    {command}\s", done.stdout)
    assert "exit codes: 0 ok, 1 run failed, 2 usage, 3 data missing or wrong" in done.stdout
    assert xlmr_bench("--version").stdout.startswith("xlmr_bench 0.")


def test_no_command_at_all_is_a_usage_error_that_shows_the_help() -> None:
    done = xlmr_bench()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


EXAMPLES = """
from xlmr_bench.cli import EPILOG, build_parser
import re, shlex
parser = build_parser()
texts = [EPILOG] + [p.format_help() for p in parser._subparsers._group_actions[0].choices.values()]
lines = [l.strip() for t in texts for l in t.splitlines() if re.match("  .*-m xlmr_bench ", l)]
for line in lines:
    parser.parse_args(shlex.split(line.partition("-m xlmr_bench ")[2]))
print(len(lines))
"""


def test_every_example_in_the_help_can_be_parsed() -> None:
    done = subprocess.run([sys.executable, "-c", EXAMPLES], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4 + len(COMMANDS)


# --- cost ---


def cpu_seconds(*words: str) -> float:
    """User and system time of one run."""
    process = subprocess.Popen([sys.executable, "-m", "xlmr_bench", *words], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("words", [("--help",), ("list",), ("list", "--json"), ("run", "--help")])
def test_help_and_list_cost_at_most_a_fifth_of_a_second(words: tuple[str, ...]) -> None:
    assert min(cpu_seconds(*words) for _ in range(3)) <= 0.2


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("run", "xnli", "--model", "m", "--protocol", "tranfer"),
        ("run", "xnli", "--model", "m", "--set", "lr=1"),
        ("data", "status", "xnli", "nowhere"),
        ("compare", "a.json", "b.json", "--tolerance", "1"),
    ],
)
def test_nothing_heavy_is_imported_for_it(words: tuple[str, ...]) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('heavy:', *(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr))"
    )
    assert xlmr_bench(*words, before=code).stderr.endswith("heavy:\n")


# --- mistakes ---


@pytest.mark.parametrize(
    ("words", "explanation"),
    [
        (("rnu", "xnli"), "unknown command 'rnu'. Did you mean 'run'? Known: list, doctor, data"),
        (("run", "xnlii", "--model", "m"), "unknown benchmark 'xnlii'. Did you mean 'xnli'?"),
        (("run", "xnli", "--model", "m", "--protocol", "translate-tets"), "Did you mean 'translate-test'?"),
        (("run", "xnli", "--model", "m", "--languages", "en,swa"), "unknown language 'swa'. Did you mean 'sw'?"),
        (("run", "xnli", "--model", "m", "--preset", "xtrem"), "unknown preset 'xtrem'. Did you mean 'xtreme'?"),
        (("run", "xnli", "--model", "m", "--set", "batchsize=8"), "Did you mean 'batch_size'?"),
        (("run", "xnli", "--model", "m", "--protocl", "transfer"), "Did you mean '--protocol'?"),
        (("run", "xnli", "--model", "m", "--protocl=transfer"), "Did you mean '--protocol'?"),
        (("score", "p.parquet", "--dta", "x"), "Did you mean '--data'?"),
        (("--vresion",), "Did you mean '--version'?"),
        (("run", "xnli"), "the following arguments are required: --model"),
        (("run", "--model", "m"), "the following arguments are required: BENCHMARK"),
        (("run", "xnli", "--model", "m", "--device", "gpu"), "invalid choice: 'gpu'"),
        (("run", "xnli", "--model", "m", "--limit", "many"), "argument --limit: invalid int value: 'many'"),
        (("run", "xnli", "extra", "--model", "m"), "extra"),
        (("data", "fetsh", "xnli", "d"), "invalid choice: 'fetsh'"),
        (("data", "verify", "xnli"), "the following arguments are required: FOLDER"),
        (("data", "verify", "xnli"), "See: python -m xlmr_bench data verify --help"),
        (("data",), "the following arguments are required: ACTION"),
        (("data", "translate", "xnli", "--model", "m", "--out", "o"), "the following arguments are required: --split"),
        (("data", "verify", "xnl", "d"), "unknown benchmark 'xnl'. Did you mean 'xnli'?"),
        (("predict", "xnl", "--model", "m", "--output", "p.parquet"), "unknown benchmark 'xnl'. Did you mean 'xnli'?"),
        (("predict", "xnli", "--model", "m", "--data", ".", "--output", "p.tsv"), "prediction files end in .parquet"),
        (("predict", "xnli", "--model", "m", "--data", ".", "--output", "p.parquet", "--limit", "0"), "--limit 0"),
        (("compare", "a.json"), "compare takes either a second record or --paper ROW"),
    ],
)
def test_a_mistyped_word_ends_with_2_and_the_nearest_name(words: tuple[str, ...], explanation: str) -> None:
    assert explanation in refused(2, *words)


def test_a_usage_error_of_the_parser_points_to_the_help_of_that_command() -> None:
    assert refused(2, "run", "xnli").endswith("See: python -m xlmr_bench run --help")
    assert refused(2, "run", "xnli", "--model", "m", "--protocl", "x").endswith("See: python -m xlmr_bench run --help")


def test_missing_data_ends_with_3_and_the_way_to_get_them(tmp_path: Path) -> None:
    assert "there is no folder" in refused(3, "data", "status", "xnli", tmp_path / "none")
    assert "there is no prediction file" in refused(3, "score", tmp_path / "p.parquet", "--data", tmp_path)
    (tmp_path / "p.tsv").write_text("split\tlanguage\tid\tprediction\ntest\tsw\t1\tneutral\n")
    message = refused(3, "score", tmp_path / "p.tsv", "--benchmark", "xnli", "--data", tmp_path)
    assert message.startswith("XNLI 'sw' test not found. Looked for")
    assert "python -m xlmr_bench data fetch" in message
    assert "--data DIR" in message
    assert "there is no folder" in refused(3, "score", tmp_path / "p.tsv", "--benchmark", "xnli", "--data", "none")


# --- pipes ---


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `PROGRAM` is ours; the exit code is that of the first command that fails."""
    line = line.replace("PROGRAM", f"{sys.executable} -m xlmr_bench")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("words", ["list", "list --json", "--help", "run --help", "--version"])
def test_a_reader_that_stops_early_is_no_failure(words: str) -> None:
    for line in (f"PROGRAM {words} | head -1", f"{{ sleep 0.2; PROGRAM {words}; }} | true"):
        done = shell(line)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize("words", ["list", "--help"])
def test_a_full_disk_is_explained_once(words: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = shell(f"PROGRAM {words} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "xlmr_bench: No space left on device. Nothing finished was lost.\n")


def test_a_closed_stdout_is_no_failure() -> None:
    done = shell("PROGRAM list >&-")
    assert (done.returncode, done.stderr) == (0, "")


# --- list ---


def test_list_gives_the_catalogue_for_people_and_machines() -> None:
    text, data = xlmr_bench("list"), json.loads(xlmr_bench("list", "--json").stdout)
    assert (text.returncode, text.stderr) == (0, "")
    by_name = {b["name"]: b for b in data["benchmarks"]}
    assert list(by_name) == ["xnli", "ner", "mlqa", "glue", "squad", "xquad"]
    xnli, mlqa, glue = (by_name[name] for name in ("xnli", "mlqa", "glue"))
    assert xnli["labels"] == {code: ["entailment", "neutral", "contradiction"] for code in xnli["languages"]}
    assert xnli["presets"]["paper"]["settings"]["learning_rate"] == 5e-6
    assert (xnli["runs_by_default"], xnli["reported_on"], xnli["plugin"]) == (xnli["languages"], "test", None)
    assert (len(mlqa["languages"]), len(mlqa["runs_by_default"])) == (49, 7)
    assert glue["reported_on"] == "dev"
    assert glue["metrics"]["STS-B"] == ["pearson", "spearman"]
    assert glue["labels"]["STS-B"] == []
    shown = {
        name for b in by_name.values() for name in (b["name"], *b["protocols"], *b["presets"], *b["languages"])
    } | set(data["selections"])
    assert {name for name in shown if name not in text.stdout} == set()
