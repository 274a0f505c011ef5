"""The command line as a user meets it: real processes, their exit codes, what is on stdout and what on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from samples import REPOSITORY, gold, pair_rows, write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.predictions import write_predictions

COMMANDS = ("list", "doctor", "data", "init", "convert", "run", "predict", "score", "compare")
# Buffered output, as users have it; and no cache, for nothing here may need one.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}, "XLMR_BENCH_CACHE": "/nonexistent"}
HEAVY = ("torch", "numpy", "pyarrow", "datasets", "transformers", "sentencepiece", "sacrebleu", "jsonschema")


def xlmr_bench(*words: object, before: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; `before` is Python code to run first in the same process."""
    main = "\nimport sys\nfrom xlmr_bench.cli import main\nsys.exit(main(sys.argv[1:]))"
    start = ["-m", "xlmr_bench"] if before is None else ["-c", before + main]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)],
        cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world") / "data", rows=60)


def refused(code: int, *words: object) -> str:
    """The one explanation of a command that must fail: on stderr, without a traceback, and nothing on stdout."""
    done = xlmr_bench(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("xlmr_bench: ")
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("xlmr_bench: ").rstrip("\n")


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
        assert f"\n    {command} " in done.stdout
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
        (("data", "verify", "xnli"), "data verify takes a benchmark and a folder: data verify xnli data/"),
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
    assert "nothing of xnli is in" in refused(3, "data", "status", "xnli", tmp_path / "none")
    assert "there is no prediction file" in refused(3, "score", tmp_path / "p.parquet", "--data", tmp_path)
    (tmp_path / "p.tsv").write_text("split\tlanguage\tid\tprediction\ntest\tsw\t1\tneutral\n")
    message = refused(3, "score", tmp_path / "p.tsv", "--benchmark", "xnli", "--data", tmp_path)
    assert message.startswith("XNLI 'sw' test not found. Looked for")
    assert "python -m xlmr_bench data fetch" in message
    assert "--data DIR" in message
    assert "there is no folder" in refused(3, "score", tmp_path / "p.tsv", "--benchmark", "xnli", "--data", "none")


def test_verify_ends_with_3_where_data_are_not_official_and_says_so_on_stderr(world: Path, tmp_path: Path) -> None:
    done = xlmr_bench("data", "verify", "xnli", world)
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert sum("as in its manifest (toy)" in line for line in lines) == 2 + 2 + 1
    assert sum("WRONG" in line and "holds no rows of language" in line for line in lines) == 26
    assert done.stderr == "xlmr_bench: 26 splits are not the official data.\n"
    nothing = xlmr_bench("data", "verify", "xnli", tmp_path)
    assert nothing.returncode == 3
    assert nothing.stdout.count("MISSING") == 30
    write_rows(tmp_path / "multinli.train.en.tsv", pair_rows(9, "en"))
    subset = xlmr_bench("data", "verify", "xnli", tmp_path)
    assert subset.stdout.splitlines()[-1].endswith("9 of 392,702 examples")
    assert subset.stderr == "xlmr_bench: 31 splits are not the official data.\n"


def test_status_says_which_protocols_the_files_admit(world: Path) -> None:
    done = xlmr_bench("data", "status", "xnli", world)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "dev              2 languages: en sw",
        "test             2 languages: en sw",
        "train            1 languages: en",
        "transfer: en sw",
        "translate-test: en",
        "translate-train: en",
        "translate-train-all: en",
    ]


def test_translate_test_needs_english_dev_alone(tmp_path: Path) -> None:
    write_world(tmp_path, rows=60)
    write_rows(tmp_path / "XNLI-1.0" / "xnli.dev.tsv", xnli_rows(60, ["en"]))
    write_rows(tmp_path / "sw.trans.test.tsv", [("premise", "hypo", "label"), *pair_rows(60, "en")])
    write_manifest(tmp_path)
    lines = xlmr_bench("data", "status", "xnli", tmp_path).stdout.splitlines()
    assert "translate-test: en sw" in lines
    assert "transfer: en" in lines


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


# --- list and score ---


def test_list_gives_the_catalogue_for_people_and_machines() -> None:
    text, data = xlmr_bench("list"), json.loads(xlmr_bench("list", "--json").stdout)
    assert (text.returncode, text.stderr) == (0, "")
    (xnli,) = data["benchmarks"]
    assert xnli["labels"] == ["entailment", "neutral", "contradiction"]
    assert xnli["presets"]["paper"]["settings"]["learning_rate"] == 5e-6
    for name in (*xnli["protocols"], *xnli["presets"], *data["selections"], *xnli["languages"]):
        assert name in text.stdout


def predictions(folder: Path, world: Path, right: int, code: str = "sw") -> Path:
    """A tsv file with `right` correct predictions first and wrong ones after."""
    labels = XNLI.task.labels
    rows = [
        ("test", code, str(i + 1), gold(i) if i < right else labels[(labels.index(gold(i)) + 1) % 3]) for i in range(60)
    ]
    return write_rows(folder / f"{code}.tsv", [("split", "language", "id", "prediction"), *rows])


NO_TORCH = "import sys\nsys.modules.update(dict.fromkeys(('torch', 'sentencepiece', 'transformers', 'datasets')))"


def test_scoring_needs_no_torch_and_no_model(world: Path, tmp_path: Path) -> None:
    file = predictions(tmp_path, world, right=45)
    words = ("score", file, "--benchmark", "xnli", "--data", world)
    done = xlmr_bench(*words, before=NO_TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[2].split()[:3] == ["test", "sw", "75.0"]
    assert lines[-1] == "accuracy|scorer:xlmr_bench|version:1"
    scored = json.loads(xlmr_bench(*words, "--format", "json").stdout)
    assert scored["scores"][0]["value"] == scored["aggregate"][0]["value"] == 0.75
    assert scored["scores"][0]["n"] == 60


def test_score_refuses_what_is_not_a_prediction_of_these_data(world: Path, tmp_path: Path) -> None:
    def score(rows: Sequence[tuple[str, ...]], code: int, *more: str) -> str:
        file = write_rows(tmp_path / "p.tsv", [("split", "language", "id", "prediction"), *rows])
        return refused(code, "score", file, "--data", world, *more)

    complete = [("test", "sw", str(i + 1), "neutral") for i in range(60)]
    xnli = ("--benchmark", "xnli")
    assert "does not say which benchmark it is of" in score(complete, 2)
    assert "unknown benchmark 'xnl'. Did you mean 'xnli'" in score(complete, 2, "--benchmark", "xnl")
    assert "59 predictions for 60 examples (first missing id: 60)" in score(complete[:-1], 3, *xnli)
    assert "is predicted twice" in score([*complete, complete[0]], 3, *xnli)
    wrong = [*complete[:-1], ("test", "sw", "60", "netural")]
    assert "prediction 'netural' is none of entailment, neutral, contradiction" in score(wrong, 3, *xnli)
    assert "holds no rows of language 'ur'" in score([("test", "ur", *row[2:]) for row in complete], 3, *xnli)
    unknown = [("validation", *row[1:]) for row in complete]
    assert "split 'validation'" in score(unknown, 3, *xnli)
    assert "holds no predictions" in score([], 3, *xnli)


def test_score_refuses_gold_other_than_that_of_the_prediction_file(world: Path, tmp_path: Path) -> None:
    split = XNLI.read(Where((world,)), "test", "sw")
    columns = {
        "split": ["test"] * 60,
        "language": ["sw"] * 60,
        "id": [e.id for e in split.examples],
        "prediction": [e.label for e in split.examples],
    }
    about = {"benchmark": "xnli", "gold_sha256": {"test/sw": split.gold_digest}}
    write_predictions(tmp_path / "same.parquet", columns, about)
    assert xlmr_bench("score", tmp_path / "same.parquet", "--data", world).returncode == 0
    write_predictions(tmp_path / "other.parquet", columns, {**about, "gold_sha256": {"test/sw": "0" * 64}})
    message = refused(3, "score", tmp_path / "other.parquet", "--data", world)
    assert "was made for other 'sw' test data than these" in message
    assert "nothing was scored" in message


def test_score_knows_that_a_prediction_file_is_limited(world: Path, tmp_path: Path) -> None:
    columns = {"split": ["test"] * 6, "language": ["en"] * 6, "id": list("123456"), "prediction": [gold(0)] * 6}
    write_predictions(tmp_path / "p.parquet", columns, {"benchmark": "xnli", "limited": 6})
    done = xlmr_bench("score", tmp_path / "p.parquet", "--data", world, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"][0]["n"] == 6
