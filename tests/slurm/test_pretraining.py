"""pretrain/launch.sh on a real Slurm with two nodes: it is told to stop in every way there is, and ends as if not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from slurm.cluster import SlurmCluster
from slurm.workers import assert_ended_like, held, wait_until_told, workers_below
from training import REPOSITORY, environment

from pretrain.checkpoints import complete_checkpoints

pytestmark = pytest.mark.slurm

LAUNCH = REPOSITORY / "pretrain" / "launch.sh"
STOPPED = 50  # the step after which a run is disturbed: between two checkpoints


@dataclass(frozen=True)
class Job:
    """A submitted run."""

    cluster: SlurmCluster
    number: str
    run: Path
    log: Path

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else "(nothing)"

    def continued_after(self) -> list[int]:
        """The step of each start but the first."""
        return [int(step) for step in re.findall(r"continues after step (\d+):", self.said())]

    def workers(self) -> list[int]:
        """The trainers on both nodes."""
        return workers_below(self.cluster.keeper, SLURM_JOB_ID=self.number)

    def end(self) -> dict[str, str]:
        """Wait for it; what the controller then knows of the job."""
        self.cluster.wait_for_state(self.number, "COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "TIMEOUT")
        return self.cluster.job(self.number)


def submit(cluster: SlurmCluster, folder: Path, config: Path) -> Job:
    """Send a run to two nodes by the command that a user types."""
    options = ["--slurm", "--nodes", "2", "--gpus", "1", "--partition", "low"]
    words = ["bash", str(LAUNCH), *options, str(config), f"output={folder / 'run'}", "parallel.device=cpu"]
    where = {**environment(), **cluster.variables, "PYTHON": sys.executable}
    done = subprocess.run(words, capture_output=True, text=True, env=where, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stderr
    number = done.stdout.split()[-1]
    return Job(cluster, number, folder / "run", folder / f"{config.stem}-{number}.log")


def assert_requeued_and_unharmed(job: Job, unbroken: Path) -> None:
    ended = job.end()
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), job.said()
    # It saved when it was told, not just at its last checkpoint, and then stopped.
    (step,) = job.continued_after()
    assert STOPPED <= step < 80, job.said()
    assert_ended_like(job.run, unbroken)


def test_a_run_on_two_nodes_ends_as_one_of_two_processes(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    with held(STOPPED, job.run, job.workers) as workers:
        nodes = {variable_of(pid, "SLURMD_NODENAME") for pid in workers}
    ended = job.end()
    assert (ended["JobState"], ended["Restarts"], ended["NumNodes"]) == ("COMPLETED", "0", "2"), job.said()
    assert len(workers) == len(nodes) == 2
    assert_ended_like(job.run, unbroken)


def test_a_worker_killed_on_either_node_restarts_both_within_the_job(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    kept: list[int] = []
    for step, victim in ((STOPPED, 1), (90, 0)):
        with held(step, job.run, job.workers) as workers:
            kept += sorted(complete_checkpoints(job.run))[-1:]
            os.kill(workers[victim], signal.SIGKILL)
    ended = job.end()
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "0"), job.said()
    assert job.continued_after() == kept
    assert "connectFullMesh failed" not in job.said(), job.said()  # each kill costs one restart
    assert_ended_like(job.run, unbroken)


def test_a_run_whose_time_is_nearly_up_saves_is_requeued_and_loses_nothing(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    with held(STOPPED, job.run, job.workers) as workers:
        # The warning is due 120 s before the end, and Slurm looks every 30 s.
        cluster.ask("scontrol", "update", f"JobId={job.number}", "EndTime=now+125")
        wait_until_told(workers, signal.SIGUSR1)
        cluster.ask("scontrol", "update", f"JobId={job.number}", "TimeLimit=UNLIMITED")
    assert_requeued_and_unharmed(job, unbroken)
    assert "the time is nearly up" in job.said()


def test_a_run_whose_processes_get_sigterm_saves_is_requeued_and_loses_nothing(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    with held(STOPPED, job.run, job.workers) as workers:
        cluster.ask("scancel", "--signal=TERM", job.number)  # the steps, not the batch script
        wait_until_told(workers, signal.SIGTERM)
    assert_requeued_and_unharmed(job, unbroken)


def test_a_run_that_is_pre_empted_saves_is_requeued_and_loses_nothing(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    with held(STOPPED, job.run, job.workers):
        cluster.run_urgently()  # Slurm wakes the workers up itself, to tell them
    assert_requeued_and_unharmed(job, unbroken)


def test_a_cancelled_run_saves_stays_cancelled_and_is_continued_by_the_same_command(
    cluster: SlurmCluster, config: Path, unbroken: Path, tmp_path: Path
) -> None:
    job = submit(cluster, tmp_path, config)
    with held(STOPPED, job.run, job.workers) as workers:
        cluster.ask("scancel", job.number)
    assert job.end()["JobState"] == "CANCELLED" and "The job was cancelled" in job.said()
    again = submit(cluster, tmp_path, config)
    assert again.end()["JobState"] == "COMPLETED"
    (step,) = again.continued_after()
    assert workers and STOPPED <= step < 80
    assert_ended_like(job.run, unbroken)


def variable_of(pid: int, name: str) -> str:
    """A variable of another process's environment."""
    listed = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return next(line.partition("=")[2] for line in listed if line.startswith(f"{name}="))
