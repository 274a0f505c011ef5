"""The cluster of the tests cleans up after itself, whatever becomes of its jobs and of who started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from slurm.cluster import SlurmCluster, descendants, missing, wait_until
from training import REPOSITORY

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=f"NOT TESTED ON SLURM: {missing()}"),
]

USER = """
import sys, time
from pathlib import Path
from slurm.cluster import SlurmCluster
with SlurmCluster(Path(sys.argv[1])) as cluster:
    print(cluster.keeper, flush=True)
    time.sleep(600)
"""


def sleepers(keeper: int) -> list[int]:
    """What the job left asleep."""
    return [pid for pid in descendants(keeper) if command_of(pid)[:2] == ["sleep", "600"]]


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def run_what_detaches_itself(cluster: SlurmCluster) -> list[int]:
    """Start a job with a process in a session of its own, which has lost its parent; all processes of the cluster."""
    cluster.ask("sbatch", "--output=/dev/null", "--wrap=(setsid sleep 600 &); sleep 600")
    wait_until(lambda: len(sleepers(cluster.keeper)) == 2, 60, "the job does not start")
    return descendants(cluster.keeper)


def none_runs(pids: list[int]) -> bool:
    return not any(command_of(pid) for pid in pids)


def test_no_process_outlives_a_cluster(tmp_path: Path) -> None:
    deep = tmp_path / "a folder deeper than the name of a socket can be".replace(" ", "-") / "c"
    with SlurmCluster(deep) as cluster:
        pids = run_what_detaches_itself(cluster)
        assert len(pids) >= 6  # munged, slurmctld, slurmd twice, and the sleepers
    assert none_runs(pids)


def test_a_cluster_ends_with_who_was_using_it_even_after_kill_9(tmp_path: Path) -> None:
    words = [sys.executable, "-c", USER, str(tmp_path / "c")]
    with subprocess.Popen(words, cwd=REPOSITORY / "tests", stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout
        keeper = int(user.stdout.readline())
        pids = [keeper, *descendants(keeper)]
        assert len(pids) >= 5
        user.kill()
    wait_until(lambda: none_runs(pids), 60, f"{pids} are still there")


def test_a_cluster_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    with pytest.raises(RuntimeError, match=r"did not start: .*state"), SlurmCluster(tmp_path):
        pass
