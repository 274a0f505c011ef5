"""Sending jobs through submitit: what is done or on its way is left alone, all else is sent, again where it failed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .alive import on_its_way, refuse_unknown, slurm_queue
from .jobs import Job, is_done
from .ledger import Sent, journal_path, read_sent
from .worker import RunJob

# Not of the package's folder alone: a job imports it whatever its working directory.
PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Launch:
    """How the jobs are started: `jobs` at once and `gpus` of each, None where that was not said."""

    launcher: str
    jobs: int | None = None
    gpus: int | None = None
    partition: str | None = None
    time: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Sorted:
    """The jobs of a sweep by what is to be done about them; `left` are on their way already."""

    done: tuple[Job, ...]
    left: tuple[Job, ...]
    to_send: tuple[Job, ...]


def check(launch: Launch) -> None:
    """Refuse what cannot be launched, before anything is looked at."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("--launcher starts torchrun itself: leave torchrun out and give --gpus.")
    if importlib.util.find_spec("submitit") is None:
        raise UsageError("--launcher needs submitit: pip install 'xlmr_bench[slurm]'.")
    if launch.launcher != "slurm":
        for option, value in (("--partition", launch.partition), ("--time", launch.time)):
            if value is not None:
                raise UsageError(f"{option} needs --launcher slurm.")


def sort_jobs(jobs: Sequence[Job], output: Path) -> Sorted:
    """What is done, on its way, or to be sent.

    Raises UsageError where records of other settings lie in a job's place or are being made there, XlmrBenchError where
    Slurm cannot be asked about jobs that were sent to it.
    """
    done = {job.place for job in jobs if is_done(job, output)}
    sent = {job.place: read_sent(output, job.place) for job in jobs if job.place not in done}
    queue = slurm_queue(s for s in sent.values() if s)
    refuse_unknown(queue)
    left = {place for place, s in sent.items() if s and on_its_way(s, queue)}
    for job in jobs:
        if job.place in left:
            _refuse_other(job, sent[job.place])
    return Sorted(
        done=tuple(job for job in jobs if job.place in done),
        left=tuple(job for job in jobs if job.place in left),
        to_send=tuple(job for job in jobs if job.place not in done | left),
    )


def _refuse_other(job: Job, sent: Sent | None) -> None:
    if sent and sent.digest != job.digest:
        raise UsageError(
            f"{job.title} is on its way with other model, data or settings (job {sent.job_id}, sent {sent.submitted}): "
            "two results cannot lie in one place. Wait for it, or choose another --output or --name."
        )


def callable_of(
    job: Job, output: Path, submission: str, processes: int, patience_s: float, environment: dict[str, str | None]
) -> RunJob:
    """What submitit is to run."""
    several = {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": f"{patience_s:.0f}"} if processes > 1 else {}
    journal = journal_path(output, job.place).absolute()
    journal.parent.mkdir(parents=True, exist_ok=True)
    return RunJob(
        words=job.command(processes),
        processes=processes,
        environment={**environment, **several, "PYTHONPATH": python_path()},
        journal=journal,
        submission=submission,
        patience_s=patience_s,
    )


def python_path() -> str:
    """PYTHONPATH with this package on it."""
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([str(PACKAGE_ROOT), *(p for p in others if p and p != str(PACKAGE_ROOT))])
