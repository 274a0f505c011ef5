"""A sweep on a real Slurm: one job of four is killed, another one pre-empted; the records are those of plain runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from short_run import command, environment, records
from slurm.cluster import SlurmCluster, descendants, wait_until

pytestmark = pytest.mark.slurm

QUICKLY = ["--limit", "120", "--device", "cpu"]


@pytest.fixture(scope="session")
def plain(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The records of four seeds, made without Slurm."""
    output = tmp_path_factory.mktemp("plain") / "out"
    words = command(model, output, "--seed", "1-4", *QUICKLY)
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(records(output))


class Sweep:
    """The commands of a sweep, as a user types them, and what is to be seen of it."""

    def __init__(self, cluster: SlurmCluster, model: Path, output: Path, seeds: str) -> None:
        self.cluster, self.output = cluster, output
        options = ["--seed", seeds, *QUICKLY, "--launcher", "slurm", "--jobs", "2", "--partition", "low"]
        self._command = command(model, output, *options)

    def send(self) -> str:
        """Send what is neither done nor on its way; what the command says of that."""
        return self._run(self._command).stderr

    def jobs(self) -> dict[int, dict[str, Any]]:
        """What `status` says of each seed."""
        words = [*self._command[:3], "status", "--output", str(self.output), "--json"]
        return {job["seed"]: job for job in json.loads(self._run(words).stdout)}

    def states(self) -> dict[int, str]:
        return {seed: job["state"] for seed, job in self.jobs().items()}

    def wait_for_states(self, **wanted: str) -> None:
        """Wait until the seeds, as `seed1="done"`, are in these states."""
        expected = {int(name.removeprefix("seed")): state for name, state in wanted.items()}
        wait_until(lambda: self.states() == expected, 180, lambda: f"the jobs are not {expected}, but {self.jobs()}")

    def records(self) -> dict[str, dict[str, Any]]:
        """The records that are there, without times and places."""
        return {path: record for path, record in records(self.output) if not path.startswith(".")}

    def process_in_the_middle(self, seed: int) -> int:
        """Wait until the run of a seed has saved what it could continue with; the run's process."""
        found: list[int] = []

        def begun() -> bool:
            found[:] = [pid for pid in descendants(self.cluster.keeper) if is_run_of(pid, seed)]
            return any(list(work.glob("*/state.safetensors")) for pid in found for work in locked_by(pid))

        wait_until(begun, 120, lambda: f"seed {seed} does not begin: {self.jobs()}")
        return found[0]

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        where = {**environment(), **self.cluster.variables}
        done = subprocess.run(words, capture_output=True, text=True, env=where, timeout=120)
        assert done.returncode == 0, done.stderr
        return done


def is_run_of(pid: int, seed: int) -> bool:
    """Whether a process is `xlmr_bench run ... --seed N`, not what waits for it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return words[1:4] == ["-m", "xlmr_bench", "run"] and f"--seed\0{seed}\0" in "\0".join(words)


def locked_by(pid: int) -> list[Path]:
    """The folders of unfinished work whose lock a process holds; all seeds have theirs, under names of no meaning."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            found.append(descriptor.readlink())
    return [path.parent for path in found if path.name == "lock" and path.parent.parent.name == ".work"]


def test_four_jobs_of_which_one_is_killed_end_as_plain_runs(
    cluster: SlurmCluster, model: Path, plain: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    sweep = Sweep(cluster, model, tmp_path / "out", "1-4")
    sweep.send()
    killed = sweep.process_in_the_middle(1)
    os.kill(killed, signal.SIGSTOP)
    assert "0 done, 4 on their way, 0 sent" in sweep.send()
    os.kill(killed, signal.SIGKILL)
    sweep.wait_for_states(seed1="failed", seed2="done", seed3="done", seed4="done")
    assert sweep.records() == {path: record for path, record in plain.items() if "seed1" not in path}
    assert "3 done, 0 on their way, 1 sent" in sweep.send()
    sweep.wait_for_states(seed1="done", seed2="done", seed3="done", seed4="done")
    assert sweep.records() == plain
    assert {seed: job["attempts"] for seed, job in sweep.jobs().items()} == {1: 2, 2: 1, 3: 1, 4: 1}
    assert "4 done, 0 on their way, 0 sent" in sweep.send()


def test_a_job_that_is_pre_empted_is_queued_again_and_ends_as_a_plain_run(
    cluster: SlurmCluster, model: Path, plain: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    sweep = Sweep(cluster, model, tmp_path / "out", "2")
    sweep.send()
    os.kill(sweep.process_in_the_middle(2), signal.SIGSTOP)
    number = sweep.jobs()[2]["job_id"]
    # Slurm wakes the process up itself, to tell it.
    cluster.run_urgently()
    assert cluster.job(number)["Restarts"] == "1"
    sweep.wait_for_states(seed2="done")
    assert sweep.jobs()[2]["attempts"] == 2
    assert sweep.records() == {path: record for path, record in plain.items() if "seed2" in path}
