"""A stage on datatrove: its items as tasks, on this machine or as Slurm jobs.

datatrove gives each task its log, its statistics and a mark of completion. Its own executor for one machine waits for
ever where a worker is killed, so tasks run here in the processes that the rest of this package uses; on Slurm they are
datatrove's jobs.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.progress import Progress

from ..workers import Advanced, Report, in_processes
from .stages import Stage

try:
    from datatrove.executor.base import PipelineExecutor
    from datatrove.executor.slurm import SlurmPipelineExecutor
    from datatrove.pipeline.base import PipelineStep
except ImportError as e:
    raise UsageError(f"{e.name} is missing: pip install 'xlmr_bench[corpus]'.") from e

_POLL_S = 2.0
_ARRAY = 1000  # most clusters admit arrays of 1,001 jobs


@dataclass(frozen=True)
class Launcher:
    """Where tasks run. workers: how many at once. partition, hours: of the Slurm jobs; local where slurm is False."""

    slurm: bool
    workers: int
    partition: str | None = None
    hours: int = 24


class Work(PipelineStep):  # type: ignore[misc]
    """The one step of a stage's pipeline: item number `rank`."""

    type = "corpus"

    def __init__(self, stage: Stage) -> None:
        self.name = stage.name
        super().__init__()
        self.stage = stage

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Carry out the item, unless it was done before its completion could be marked."""
        began = time.process_time()
        with self.track_time():
            if not self.stage.target(rank).exists():
                self.stat_update("input_bytes", value=self.stage.carry_out(rank))
        self.stat_update("cpu_ms", value=round(1000 * (time.process_time() - began)))
        return data


class _Local(PipelineExecutor):  # type: ignore[misc]
    """Tasks in processes of this machine, which may be killed at any moment."""

    def __init__(self, stage: Stage, logs: Path, workers: int) -> None:
        super().__init__([Work(stage)], str(logs))
        self.stage, self.workers = stage, workers

    @property
    def world_size(self) -> int:
        return len(self.stage)

    def get_distributed_env(self, node_rank: int = -1) -> dict[str, str]:
        names = ("node_ips", "cpus_per_task", "mem_per_cpu", "gpus_on_node")
        return {"datatrove_executor": "LOCAL", **{f"datatrove_{name}": "" for name in names}}

    def run(self) -> None:
        """Carry out what is not done. DataErrors of single items are raised together, after the others are done."""
        ranks = self.get_incomplete_ranks()
        refused: list[str] = []
        label = f"{self.stage.name} ({self.workers} process{'es' * (self.workers > 1)})"
        with Progress(self.world_size, "items", label, start=self.world_size - len(ranks)) as progress:
            doing = in_processes(
                partial(_carry_out, self), ranks, self.workers, self.stage.describe, "use fewer --workers"
            )
            for event in doing:
                if isinstance(event, Advanced):
                    continue
                progress.update()
                if event.refusal is not None:
                    refused.append(str(event.refusal))
        if refused:
            raise DataError(f"{len(refused)} of {len(self.stage)} items failed. {refused[0]} The others are done.")


class _Slurm(SlurmPipelineExecutor):  # type: ignore[misc]
    """datatrove's jobs, without the one that only sums statistics."""

    def launch_merge_stats(self) -> None:
        """Nothing: the report reads what the tasks wrote."""


def carry_out(stage: Stage, logs: Path, launcher: Launcher) -> None:
    """Carry out what is left of a stage, and return when all of it is done.

    Raises XlmrBenchError where an item failed, which says where its log is; repeating continues.
    """
    _forget_lost(stage, logs)
    if not any(not stage.target(item).exists() for item in range(len(stage))):
        return
    if launcher.slurm:
        _on_slurm(stage, logs, launcher)
    else:
        _Local(stage, logs, launcher.workers).run()
    left = [item for item in range(len(stage)) if not stage.target(item).exists()]
    if left:
        raise XlmrBenchError(
            f"{len(left)} of {len(stage)} items of the stage {stage.name} are not done, the first of them: "
            f"{stage.describe(left[0])}. Look into {logs}; repeat the command to continue."
        )


def _carry_out(executor: _Local, rank: int, report: Report) -> None:
    """One task, in a worker process. Its log goes to its file alone: errors come back as they are."""
    with redirect_stderr(io.StringIO()):
        executor._run_for_rank(rank, local_rank=1)


def _forget_lost(stage: Stage, logs: Path) -> None:
    """A completion whose result is gone does not count; a result without one was killed just before it."""
    for mark in sorted((logs / "completions").glob("*")):
        if int(mark.name) >= len(stage) or not stage.target(int(mark.name)).exists():
            mark.unlink()


def _on_slurm(stage: Stage, logs: Path, launcher: Launcher) -> None:
    """Submit the tasks that are left, unless they are in the queue already, and wait until none is."""
    submitted = logs / "job"
    if not (submitted.exists() and _in_queue(submitted.read_text())):
        executor = _Slurm(
            [Work(stage)],
            tasks=len(stage),
            time=f"{launcher.hours}:00:00",
            partition=launcher.partition,
            workers=launcher.workers,
            job_name=f"corpus-{stage.name}",
            qos=None,
            logging_dir=str(logs),
            tasks_per_job=-(-len(stage) // _ARRAY),
            env_command=_environment(),
        )
        try:
            executor.run()
        except (OSError, subprocess.CalledProcessError) as e:
            raise XlmrBenchError(f"Slurm took no job: {e}. Is sbatch here, and does the partition exist?") from e
        submitted.write_text(str(executor.job_id))
    with Progress(len(stage), "items", f"{stage.name} (Slurm job {submitted.read_text()})") as progress:
        while _in_queue(submitted.read_text()):
            time.sleep(_POLL_S)
            progress.update(_done(logs) - progress.done)
        progress.update(_done(logs) - progress.done)


def _environment() -> str:
    """What a job's shell needs to find this interpreter and this package."""
    root = Path(__file__).parents[2]
    return f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={root}:${{PYTHONPATH:-}}"


def _in_queue(job: str) -> bool:
    asked = subprocess.run(["squeue", "--noheader", "--jobs", job], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and bool(asked.stdout.strip())


def _done(logs: Path) -> int:
    return sum(1 for _ in os.scandir(logs / "completions")) if (logs / "completions").is_dir() else 0


def cpu_seconds(logs: Path) -> Sequence[tuple[float, int]]:
    """(CPU-seconds, bytes read) of every task of a stage, by datatrove's statistics."""
    import json

    found = []
    for path in sorted((logs / "stats").glob("*.json")):
        stats = json.loads(path.read_text(encoding="utf-8"))[0]["stats"]
        if "input_bytes" in stats:
            found.append((stats["cpu_ms"]["total"] / 1000, int(stats["input_bytes"]["total"])))
    return found
