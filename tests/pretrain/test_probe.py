"""The probe with the real harness on the miniature world and a model of two layers."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import pytest
from toy import REPOSITORY

from pretrain.probe import check_probe, run_probe
from xlmr_bench.errors import Interrupted, UsageError, XlmrBenchError

SHORT = "xnli --languages en,sw --limit 40 --seeds 1,2 --set epochs=0 --set steps=40 --set learning_rate=0.002"
SPLITS = ("dev", "test")
LONG = "xnli --languages en,sw --set epochs=0 --set steps=1000000"
# What torchrun sets for the second of two processes; nobody listens there.
TORCHRUN = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0", "ROLE_RANK": "1",
    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9", "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_MAX_RESTARTS": "0",
}  # fmt: skip


def after(seconds: float) -> Callable[[], bool]:
    """Says stop after so long, so that no test hangs."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def processes_of(output: Path) -> list[int]:
    """Living harness processes that work on `output`."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_text().split("\0")
        except OSError:  # it has just ended
            continue
        if "xlmr_bench" in words and str(output) in words:
            found.append(int(place.parent.name))
    return found


def trains(output: Path) -> bool:
    """Whether the fine-tuning has begun: from then on the harness catches SIGTERM, to save its state first."""
    caught = [
        int(line.split()[1], 16)
        for pid in processes_of(output)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigCgt:")
    ]
    return any(mask >> (signal.SIGTERM - 1) & 1 for mask in caught)


def wait_for(condition: Callable[[], bool]) -> None:
    stop = after(60)
    while not condition():
        assert not stop(), "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def probed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, float]]]:
    """A probe that a process of a distributed training started, and its scores."""
    output = tmp_path_factory.mktemp("probe") / "step-8"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        for name, value in TORCHRUN.items():
            patch.setenv(name, value)
        return output, run_probe(model, SHORT, output, "cpu", after(60))


@pytest.fixture
def no_core_files() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_a_probe_of_a_distributed_training_runs_alone_and_gives_every_selection(
    probed: tuple[Path, dict[str, dict[str, float]]],
) -> None:
    _, scores = probed
    assert set(scores) == {"xnli/transfer/joint", "xnli/transfer/per-language", "xnli/transfer/english"}
    assert all(set(of) == {"en", "sw", "avg"} for of in scores.values())


def test_scores_are_means_of_the_dev_scores_over_seeds_and_then_languages(
    probed: tuple[Path, dict[str, dict[str, float]]],
) -> None:
    output, scores = probed
    files = sorted(output.rglob("joint/seed?.json"))
    assert [f.name for f in files] == ["seed1.json", "seed2.json"]
    dev = [
        {s["language"]: s["value"] for s in json.loads(f.read_text())["scores"] if s["split"] == "dev"} for f in files
    ]
    assert dev[0] != dev[1], "the seeds should differ, or their mean proves nothing"
    mean = {code: fmean(seed[code] for seed in dev) for code in ("en", "sw")}
    assert scores["xnli/transfer/joint"] == pytest.approx({**mean, "avg": (mean["en"] + mean["sw"]) / 2})


def test_what_the_harness_prints_is_in_the_log(probed: tuple[Path, dict[str, dict[str, float]]]) -> None:
    log = (probed[0] / "probe.log").read_text()
    assert "xlmr_bench: xnli transfer, 2 languages, seeds 1, 2" in log  # stderr
    assert "XLM-R Base (paper)" in log  # stdout


def test_a_finished_probe_is_only_read_and_records_of_other_weights_are_replaced(
    probed: tuple[Path, dict[str, dict[str, float]]], model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "again"
    shutil.copytree(probed[0], output)
    finished = sorted(output.rglob("seed1.json"))
    others = sorted(output.rglob("seed2.json"))
    for path in others:
        record = json.loads(path.read_text())
        record["model"]["weights_sha256"] = "0" * 64
        for score in record["scores"]:
            score["value"] = 1.0
        path.write_text(json.dumps(record))
    before = {path: path.stat().st_mtime_ns for path in finished}
    assert run_probe(model, SHORT, output, "cpu", after(60)) == probed[1]
    assert {path: path.stat().st_mtime_ns for path in finished} == before
    assert "seed 1: already in" in (output / "probe.log").read_text()


def test_a_failed_probe_shows_the_end_of_its_log(model: Path, tmp_path: Path) -> None:
    with pytest.raises(XlmrBenchError) as caught:
        run_probe(model, "xnli --protocol transfers", tmp_path / "out", "cpu", after(60))
    assert not isinstance(caught.value, UsageError)
    first, *rest = str(caught.value).splitlines()
    assert first == f"the probe failed with exit code 2; the end of {tmp_path}/out/probe.log:"
    assert "Did you mean 'transfer'?" in rest[-1]


def test_a_probe_without_dev_scores_is_a_failed_one(model: Path, tmp_path: Path) -> None:
    with pytest.raises(XlmrBenchError, match=r"the probe wrote no dev scores under .*probe\.log"):
        run_probe(model, "xnli --help", tmp_path, "cpu", after(60))


def test_a_record_that_cannot_be_read_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/seed1.json").write_text("{}")
    with pytest.raises(XlmrBenchError, match=r"cannot read the probe's record .*/m/seed1\.json .*Delete it"):
        run_probe(model, SHORT, tmp_path, "cpu", after(60))


def test_a_model_that_is_not_there_and_an_output_that_cannot_be_are_explained(model: Path, tmp_path: Path) -> None:
    with pytest.raises(XlmrBenchError, match="nowhere"):
        run_probe(tmp_path / "nowhere", SHORT, tmp_path / "out", "cpu", after(60))
    (tmp_path / "file").write_text("")
    with pytest.raises(XlmrBenchError, match=r"the probe could not run: .*file"):
        run_probe(model, SHORT, tmp_path / "file/out", "cpu", after(60))


def test_a_request_to_stop_lets_the_probe_save_and_end_before_the_trainer_goes_on(model: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    def once_it_trains() -> bool:
        seen.extend(processes_of(tmp_path))
        return trains(tmp_path)

    with pytest.raises(Interrupted, match="stopped during a probe; the same command continues"):
        run_probe(model, LONG, tmp_path, "cpu", once_it_trains)
    assert seen
    assert processes_of(tmp_path) == []
    assert "the same command continues from there" in (tmp_path / "probe.log").read_text()


def test_a_probe_that_the_same_signal_ended_first_is_interrupted_and_not_failed(model: Path, tmp_path: Path) -> None:
    asked: list[bool] = []

    def signal_for_both() -> bool:
        if asked or not trains(tmp_path):
            return bool(asked)
        os.kill(processes_of(tmp_path)[0], signal.SIGTERM)
        wait_for(lambda: not processes_of(tmp_path))
        asked.append(True)
        return False  # the trainer's own flag is set a moment later

    with pytest.raises(Interrupted):
        run_probe(model, LONG, tmp_path, "cpu", signal_for_both)


@pytest.mark.usefixtures("no_core_files")
def test_a_probe_that_crashes_is_a_failed_one_and_the_last_five_lines_are_shown(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")  # a crash writes where it was, a line for every call

    def crash() -> bool:
        if trains(tmp_path):
            os.kill(processes_of(tmp_path)[0], signal.SIGSEGV)
        return False

    with pytest.raises(XlmrBenchError, match="the probe failed with exit code -11; the end of") as caught:
        run_probe(model, LONG, tmp_path, "cpu", crash)
    log = [line for line in (tmp_path / "probe.log").read_text().splitlines() if line.strip()]
    assert len(log) > 10
    assert str(caught.value).splitlines()[1:] == log[-5:]


def test_an_error_in_the_trainer_ends_the_probe_too(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the environment on the way: nothing of torchrun's is left, the rest is."""
    names: set[str] = set()
    for name, value in {**TORCHRUN, "LOCAL_CACHE": "kept"}.items():
        monkeypatch.setenv(name, value)

    def interrupted() -> bool:
        environment = Path(f"/proc/{processes_of(tmp_path)[0]}/environ").read_text()
        names.update(line.partition("=")[0] for line in environment.split("\0"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_probe(model, LONG, tmp_path, "cpu", interrupted)
    assert processes_of(tmp_path) == []
    assert names & {*TORCHRUN, "LOCAL_CACHE", "PATH"} == {"LOCAL_CACHE", "PATH"}


TRAINER = """
import signal, sys
from pathlib import Path
from pretrain.probe import run_probe
from xlmr_bench.errors import Interrupted
asked = []
signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
try:
    run_probe(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), "cpu", lambda: bool(asked))
except Interrupted:
    sys.exit(130)
"""


def test_ctrl_c_reaches_trainer_and_probe_and_is_an_interruption_of_both(model: Path, tmp_path: Path) -> None:
    """In a terminal the whole process group gets the signal, whichever of them ends first."""
    output = tmp_path / "out"
    command = [sys.executable, "-W", "error", "-c", TRAINER, str(model), LONG, str(output)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    trainer = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for(lambda: trains(output))
        os.killpg(trainer.pid, signal.SIGINT)
        _, errors = trainer.communicate(timeout=30)
    finally:
        trainer.kill()
        trainer.wait()
    assert trainer.returncode == 130, errors
    assert processes_of(output) == []


@pytest.mark.parametrize(
    "words", ["xnli", "xnli --protocol transfer --seeds 1-5", "xnli --data 'my data' --set steps=10 --name model"]
)
def test_words_that_can_follow_run_are_accepted(words: str) -> None:
    check_probe(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "must start with a benchmark"),
        ("--protocol transfer xnli", "must start with a benchmark"),
        ("xnli --model other", "leave out --model"),
        ("xnli --model=other", "leave out --model"),
        ("xnli --output elsewhere", "leave out --output"),
        ("xnli --out=elsewhere", "leave out --out;"),
        ("xnli --dry-run", "leave out --dry-run"),
        ("xnil --protocol transfer", "unknown benchmark in report.probe 'xnil'. Did you mean 'xnli'"),
        ("xnli --data 'my data", "cannot be split into words: No closing quotation"),
    ],
)
def test_words_that_cannot_follow_run_are_refused(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_probe(words)
