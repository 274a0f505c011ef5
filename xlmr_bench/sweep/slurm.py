"""Sending jobs to Slurm: one array, of which so many run at once; each is requeued when its place is taken away."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from ..errors import UsageError, XlmrBenchError
from .jobs import Job
from .ledger import alone, new_submission, sent_as, write_sent
from .submit import Launch, Sorted, callable_of, python_path, sort_jobs

TIME = "24:00:00"
# How long before its time is up a job is told (Slurm may do so a minute earlier), where it has that much time; it may
# use three quarters of that to save, the rest is for submitit to requeue it.
_WARNING_S = 120
# A job continues where it stopped, so this only ends one whose time never suffices for anything.
_TIMEOUTS = 100
# sbatch lets its environment overrule a script's options, which is how submitit passes ours.
_OURS = ("SBATCH_SIGNAL", "SBATCH_REQUEUE", "SBATCH_NO_REQUEUE", "SBATCH_OPEN_MODE", "SBATCH_ARRAY_INX",
         "SBATCH_JOB_NAME", "SBATCH_OUTPUT", "SBATCH_ERROR", "SBATCH_TIMELIMIT")  # fmt: skip


def send(jobs: Sequence[Job], output: Path, launch: Launch) -> tuple[Sorted, list[str]]:
    """Send what is neither done nor on its way, as one array; returns the jobs by what was done, and Slurm's ids."""
    if shutil.which("sbatch") is None:
        raise UsageError("there is no sbatch here. Go where Slurm is, or use --launcher local.")
    if "%" in str(output.absolute()):
        raise UsageError(f"--output {output}: Slurm reads % in the name of a log as a code. Choose another folder.")
    minutes = minutes_of(time_limit(launch))
    with alone(output):
        found = sort_jobs(jobs, output)
        ids = _send(found.to_send, output, launch, minutes) if found.to_send else []
    return found, ids


def time_limit(launch: Launch) -> str:
    """The time limit that was asked for: --time, else sbatch's own variable, else a day."""
    return launch.time or os.environ.get("SBATCH_TIMELIMIT") or TIME


def minutes_of(limit: str) -> int:
    """One of sbatch's ways to write a time limit in minutes, rounded up."""
    days, dash, rest = limit.rpartition("-")
    parts = rest.split(":")
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", limit):
        raise UsageError(f"--time {limit!r} is none of sbatch's forms, such as 90, 24:00:00 or 2-12.")
    numbers = [int(part) for part in parts]
    if dash:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:
        hours, (minutes, seconds) = 0, (*numbers, 0)[:2]
    total = (int(days or 0) * 24 + hours) * 60 + minutes + -(-seconds // 60)
    if total < 1:
        raise UsageError(f"--time {limit!r}: a job needs a limit, of a minute at least; it continues after it.")
    return total


def describe(launch: Launch, count: int) -> str:
    """What would be asked of Slurm."""
    at_once = min(launch.jobs or count, count)
    gpus = launch.gpus or 1
    each = f"{gpus} process(es) on the CPU" if launch.device == "cpu" else f"{gpus} GPU(s)"
    partition = f", partition {launch.partition}" if launch.partition else ""
    return f"an array of {count}, {at_once} at once; each {each}, {time_limit(launch)}{partition}"


def _send(jobs: Sequence[Job], output: Path, launch: Launch, minutes: int) -> list[str]:
    import submitit

    submission, logs = new_submission(output)
    warning_s = min(_WARNING_S, minutes * 60 // 3)
    gpus = launch.gpus or 1
    executor = submitit.SlurmExecutor(folder=logs, max_num_timeout=_TIMEOUTS)
    executor.update_parameters(
        job_name="xlmr_bench",
        time=minutes,
        partition=launch.partition,
        nodes=1,
        ntasks_per_node=1,
        array_parallelism=launch.jobs or len(jobs),
        signal_delay_s=warning_s,
        wckey=None,  # submitit's own would be refused where keys are checked
        additional_parameters={"requeue": True},
        srun_args=["--open-mode=append"],
        # From Slurm 22.05 on, srun does not take the CPUs of a task over from sbatch.
        setup=[
            f"export PYTHONPATH={shlex.quote(python_path())}",
            '[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"',
        ],
        **({"cpus_per_task": gpus} if launch.device == "cpu" else {"gpus_per_node": gpus}),
    )
    calls = [callable_of(job, output, submission, gpus, 0.75 * warning_s, {}) for job in jobs]
    with _explained(len(jobs)), _environment(launch):
        sent = executor.submit_array(calls)
    for job, call, made in zip(jobs, calls, sent, strict=True):
        log = str(made.paths.stderr.relative_to(output.absolute()))
        write_sent(output, sent_as(job, call.words, "slurm", submission, made.job_id, log))
    return [made.job_id for made in sent]


@contextmanager
def _explained(count: int) -> Iterator[None]:
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        with redirect_stderr(io.StringIO()):  # submitit also prints what it raises
            yield
    except (FailedJobError, FailedSubmissionError) as e:
        lines = " ".join(line.strip().removeprefix("sbatch: error: ") for line in str(e).splitlines())
        raise XlmrBenchError(
            f"sbatch refused the array of {count}: {lines.rstrip('.') or 'it does not say why'}. Nothing was sent. "
            "Change --partition, --time or --gpus (--device cpu asks for none), or SBATCH_* variables; or name fewer "
            "models or seeds at a time, where arrays may not be that large."
        ) from None


@contextmanager
def _environment(launch: Launch) -> Iterator[None]:
    """Leave the variables of sbatch out that would overrule what is asked for here."""
    gone = [*_OURS, *(["SBATCH_PARTITION"] if launch.partition else [])]
    if launch.gpus:
        gone.append("SBATCH_GPUS_PER_NODE")
    before = {name: os.environ.pop(name) for name in gone if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
