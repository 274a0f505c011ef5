"""launch.sh: what it would run where, what it refuses, and what its Slurm job does when it is told to stop.

The job is run for real, with stand-ins for `srun` and `scontrol` on the PATH and for the interpreter's trainer.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from samples import REPOSITORY

SCRIPT = REPOSITORY / "pretrain" / "launch.sh"
CONFIGS = REPOSITORY / "pretrain" / "configs"
PYTHON = sys.executable


def launch(*words: str, path: str | None = None, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": PYTHON, **({"PATH": path} if path else {})}
    return subprocess.run(
        ["bash", str(SCRIPT), *words], capture_output=True, text=True, env=environment, cwd=cwd, timeout=30
    )


def dry(*words: str) -> list[str]:
    done = launch("--dry-run", *words)
    assert done.returncode == 0, done.stderr
    exported, *commands = done.stdout.splitlines()
    assert exported.startswith("export PYTHON=")
    return commands


def test_shellcheck_has_nothing_to_say():
    beside = Path(PYTHON).parent / "shellcheck"
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    assert program, "shellcheck is missing: install the dev extra"

    done = subprocess.run([program, str(SCRIPT)], capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stdout) == (0, "")


def test_a_laptop_runs_one_process():
    lines = dry("--gpus", "1", "pretrain/configs/tiny.toml", "training.steps=500", "training.warmup_steps=10")

    assert lines == [
        f"{PYTHON} -m pretrain train pretrain/configs/tiny.toml training.steps=500 training.warmup_steps=10"
    ]


def test_a_run_on_the_cpu_is_one_process_however_many_gpus_there_are(tmp_path: Path):
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\nprintf 'GPU 0: a\\nGPU 1: b\\n'\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    on_gpus = launch("--dry-run", "pretrain/configs/tiny.toml", path=path)
    on_cpu = launch("--dry-run", "pretrain/configs/tiny.toml", "parallel.device=cpu", path=path)

    assert "--nproc-per-node 2 " in on_gpus.stdout
    assert on_cpu.stdout.endswith(f"\n{PYTHON} -m pretrain train pretrain/configs/tiny.toml parallel.device=cpu\n")


def test_a_node_runs_torchrun_which_passes_signals_on():
    (line,) = dry("--gpus=8", "pretrain/configs/xlm7.toml", "--variant", "cc", "--accept-changes")

    assert line == (
        f"{PYTHON} -m torch.distributed.run --standalone --nproc-per-node 8 --max-restarts 3 "
        "--signals-to-handle SIGTERM\\,SIGINT\\,SIGUSR1 "
        "-m pretrain train pretrain/configs/xlm7.toml --variant cc --accept-changes"
    )


def test_slurm_gets_a_job_that_is_warned_and_requeued_and_starts_torchrun_on_every_node():
    submitted, step = dry(
        *("--slurm", "--nodes", "64", "--gpus", "8", "--time", "24:00:00", "--partition", "gpu"),
        *("pretrain/configs/xlmr_large.toml", "data.shards=/data/cc100"),
    )

    assert submitted == (
        "sbatch --job-name xlmr_large --nodes 64 --ntasks-per-node 1 --gpus-per-node 8 --requeue --signal=B:USR1@120 "
        "--open-mode append --output xlmr_large-%j.log --time=24:00:00 --partition=gpu "
        f"{SCRIPT} --in-slurm-job {REPOSITORY} --nodes 64 --gpus 8 "
        "pretrain/configs/xlmr_large.toml data.shards=/data/cc100"
    )
    assert step == (
        f"srun --wait=120 --kill-on-bad-exit=0 {PYTHON} -m torch.distributed.run --nnodes 64 --nproc-per-node 8 "
        "--max-restarts 3 --signals-to-handle SIGTERM\\,SIGINT\\,SIGUSR1 --rdzv-backend c10d "
        "--rdzv-endpoint FIRST_HOST:PORT --rdzv-id JOB_ID "
        "-m pretrain train pretrain/configs/xlmr_large.toml data.shards=/data/cc100"
    )


def test_a_dry_run_prints_the_environment_too():
    exported, *_ = launch("--dry-run", "--gpus", "8", "pretrain/configs/xlmr_large.toml").stdout.splitlines()

    assert exported == (
        f"export PYTHON={PYTHON} PYTHONPATH={REPOSITORY} TORCH_ELASTIC_SHUTDOWN_TIMEOUT=110 "
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"
    )


def test_slurm_without_gpus_asks_for_cores():
    submitted, _ = dry("--slurm", "--gpus", "2", "pretrain/configs/tiny.toml", "parallel.device=cpu")

    assert "--cpus-per-task 2 " in submitted and "--gpus-per-node" not in submitted


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_the_launch_commands_in_the_configurations_can_be_typed(config: Path):
    commands = re.findall(r"pretrain/launch\.sh (.*?)(?:;|$)", config.read_text(encoding="utf-8"), re.MULTILINE)

    for command in commands:
        assert dry(*command.replace("$v", "en-cc").split())
    assert commands or config.stem == "miniature"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--gpu", "8", "a.toml"], "unknown option '--gpu'"),
        ([], "no configuration"),
        (["--nodes", "2", "pretrain/configs/tiny.toml"], "--nodes 2 needs --slurm"),
        (["--partition", "x", "pretrain/configs/tiny.toml"], "--partition=x needs --slurm"),
        (["--slurm", "pretrain/configs/tiny.toml"], "--slurm needs --gpus"),
        (["--gpus", "two", "pretrain/configs/tiny.toml"], "--gpus is 'two'"),
        (["--gpus"], "--gpus needs a value"),
        (["pretrain/configs/tiny.toml", "steps"], "'steps' is not key=value"),
        (["nowhere.toml"], "cannot read nowhere.toml"),
        (["pretrain/configs/tiny.toml", "training.stepz=5"], "unknown setting 'training.stepz'"),
        (["pretrain/configs/xlm7.toml"], "choose one with --variant: wiki, cc"),
        (["--gpus", "3", "pretrain/configs/tiny.toml"], "training.batch_size 32 does not divide among 1 x 3 processes"),
    ],
)
def test_wrong_use_is_explained_before_anything_runs(words: list[str], message: str):
    done = launch(*words)

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_submitting_where_there_is_no_slurm_says_so(tmp_path: Path):
    for name in ("bash", "basename", "dirname", "env"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")

    done = launch("--slurm", "--gpus", "8", "pretrain/configs/xlmr_base.toml", path=str(tmp_path))

    assert done.returncode == 2 and "there is no sbatch here" in done.stderr


def test_help_names_every_option():
    done = launch("--help")

    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--nodes", "--gpus", "--slurm", "--dry-run", "--time", "CONFIG.toml"))


def test_it_works_from_any_folder(tmp_path: Path):
    (tmp_path / "own.toml").write_text("[training]\nsteps = 50000\n")

    done = launch("--dry-run", "--gpus", "1", "own.toml", cwd=tmp_path)

    assert done.stdout.endswith(f"\n{PYTHON} -m pretrain train own.toml\n")


# The trainer's stand-in: `-c` is Python's, anything else is a run that ends as $ENDS says.
TRAINER = """#!/usr/bin/env bash
[[ "$1" != -c ]] || exec {python} "$@"
printf '%s\\n' "$@" >>"$RUN.words"
case "$ENDS" in
  regularly) touch "$RUN/FINISHED"; exit 0 ;;
  broken) exit 7 ;;
  pre-empted) touch "$RUN/PREEMPTED"; exit 1 ;; # Slurm told the step alone
esac
trap 'sleep 0.3; touch "$RUN/PREEMPTED"; exit 1' USR1 TERM
touch "$RUN/started"
while true; do sleep 0.05; done
"""
# srun passes signals on to what it started; scontrol writes down what it is asked.
SRUN = """#!/usr/bin/env bash
while [[ "$1" == --* ]]; do shift; done
exec "$@"
"""
SCONTROL = """#!/usr/bin/env bash
case "$1" in
  show) printf 'node07\\nnode08\\n' ;;
  *) printf '%s\\n' "$*" >>"$RUN.scontrol" ;;
esac
"""


class Job:
    """A Slurm job as launch.sh sees it from inside."""

    def __init__(self, folder: Path, ends: str) -> None:
        self.run, bin_ = folder / "run", folder / "bin"
        self.run.mkdir(exist_ok=True)
        bin_.mkdir(exist_ok=True)
        for name, text in (("python", TRAINER.format(python=PYTHON)), ("srun", SRUN), ("scontrol", SCONTROL)):
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        config = folder / "own.toml"
        config.write_text(f"output = '{self.run}'\n")
        environment = {
            **os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "PYTHON": "python", "ENDS": ends,
            "RUN": str(self.run), "SLURM_JOB_ID": "4711", "SLURM_JOB_NODELIST": "node[07-08]",
            "SLURM_RESTART_COUNT": "3",
        }  # fmt: skip
        words = ["--in-slurm-job", str(REPOSITORY), "--nodes", "2", "--gpus", "8", str(config), "training.steps=30000"]
        self.messages = folder / "messages"
        with self.messages.open("w") as f:
            # Its own session, so that nothing of it is left whatever a test finds.
            self.process = subprocess.Popen(
                ["bash", str(SCRIPT), *words], env=environment, stderr=f, cwd=folder, start_new_session=True
            )

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until_started(self) -> None:
        deadline = time.monotonic() + 20
        while not (self.run / "started").exists():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.02)

    def end(self) -> tuple[int, str]:
        """Exit code and messages."""
        return self.process.wait(timeout=20), self.messages.read_text()

    @property
    def requeued(self) -> bool:
        asked = Path(f"{self.run}.scontrol")
        return asked.exists() and asked.read_text() == "requeue 4711\n"


def test_the_job_starts_torchrun_which_meets_at_the_first_host(tmp_path: Path):
    with Job(tmp_path, "regularly") as job:
        assert job.end() == (0, "")
        words = Path(f"{job.run}.words").read_text().split("\n")
        for option, value in (
            ("--nnodes", "2"),
            ("--nproc-per-node", "8"),
            ("--rdzv-endpoint", "node07:19711"),
            ("--rdzv-id", "4711-3"),
        ):
            assert words[words.index(option) + 1] == value
        assert words[-5:] == ["pretrain", "train", str(tmp_path / "own.toml"), "training.steps=30000", ""]
        assert not job.requeued


def test_a_job_whose_time_is_nearly_up_saves_and_requeues_itself(tmp_path: Path):
    with Job(tmp_path, "when told") as job:
        job.wait_until_started()

        job.process.send_signal(signal.SIGUSR1)  # to the batch script alone, as `--signal=B:USR1@120` does

        code, messages = job.end()
        assert code == 0
        assert "saves and stops" in messages and "requeueing job 4711" in messages
        assert job.requeued


def test_a_job_whose_step_alone_was_told_requeues_itself_too(tmp_path: Path):
    with Job(tmp_path, "pre-empted") as job:
        assert job.end()[0] == 0
        assert job.requeued


def test_a_cancelled_job_stays_cancelled(tmp_path: Path):
    with Job(tmp_path, "when told") as job:
        job.wait_until_started()

        # Slurm tells the batch script and the step.
        job.process.send_signal(signal.SIGTERM)
        children = Path(f"/proc/{job.process.pid}/task/{job.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)

        code, messages = job.end()
        assert code == 130 and "cancelled" in messages
        assert not job.requeued


def test_a_broken_run_is_not_requeued_whatever_an_earlier_one_left(tmp_path: Path):
    (tmp_path / "run").mkdir()
    for marker in ("PREEMPTED", "FINISHED"):
        (tmp_path / "run" / marker).touch()
    with Job(tmp_path, "broken") as job:
        code, messages = job.end()

        assert code == 7 and "not requeued" in messages
        assert not job.requeued
