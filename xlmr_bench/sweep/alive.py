"""Which jobs are still on their way: those in Slurm's queue, and processes of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import XlmrBenchError
from .ledger import Sent

QUEUED, RUNNING = "queued", "running"
_RUNNING = ("RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "RESIZING", "SIGNALING")
# squeue still shows a job for some minutes after its end.
_ENDED = (
    "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "PREEMPTED",
    "REVOKED",
)  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """What squeue says: job id -> (state, reason); `problem` tells why it says nothing."""

    jobs: Mapping[str, tuple[str, str]]
    problem: str = ""


def slurm_queue(sent: Iterable[Sent]) -> Queue:
    """The queue as far as these jobs are concerned; where none of them is Slurm's, nothing is asked."""
    ids = sorted({s.job_id.partition("_")[0] for s in sent if s.launcher == "slurm"})
    if not ids:
        return Queue({})
    # Without accounting there is no sacct; squeue there always is. -r: one line a job of an array.
    words = ["squeue", "--noheader", "--array", "--states=all", "--jobs", ",".join(ids), "--format", "%i|%T|%r"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError) as e:
        return Queue({}, f"squeue does not answer: {e}")
    # What one gets for a single job that ended long ago.
    if answer.returncode and "Invalid job id" not in answer.stderr:
        return Queue({}, f"squeue does not answer: {answer.stderr.strip()}")
    rows = (line.strip().split("|", 2) for line in answer.stdout.splitlines())
    return Queue({row[0]: (row[1], row[2]) for row in rows if len(row) == 3})


def refuse_unknown(queue: Queue) -> None:
    """Raise where the queue cannot be asked: jobs that are still in it would be sent twice."""
    if queue.problem:
        raise XlmrBenchError(
            f"cannot tell which of the jobs that were sent before still wait or run: {queue.problem}. "
            "Nothing was sent; repeat the command where Slurm answers."
        )


def on_its_way(sent: Sent, queue: Queue) -> tuple[str, str] | None:
    """`queued` or `running` with what there is to say about it; None for a job that is neither, or nobody knows."""
    if sent.launcher == "slurm":
        state, reason = queue.jobs.get(sent.job_id, ("", ""))
        if not state or state in _ENDED:
            return None
        if state in _RUNNING:
            return RUNNING, ""
        return QUEUED, ", ".join(word for word in (state, reason) if word not in ("PENDING", "None"))
    if sent.host != os.uname().nodename:
        # It may have ended: only that machine can tell.
        return RUNNING, f"process {sent.job_id} on {sent.host}, not seen from here"
    if birth(int(sent.job_id)) != sent.born:
        return None
    return (RUNNING, "") if sent.log else (QUEUED, "waits for its turn")


def slurm_end(sent: Sent, queue: Queue) -> str:
    """How Slurm says that a job ended, as long as it remembers."""
    state, _ = queue.jobs.get(sent.job_id, ("", "")) if sent.launcher == "slurm" else ("", "")
    return state if state in _ENDED else ""


def birth(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine did; None where there is none that runs."""
    if not Path("/proc/self/stat").exists():  # no Linux: ids are all there is
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return 0
    try:
        # The name, in parentheses, may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
