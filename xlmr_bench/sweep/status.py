"""What became of each job that was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .alive import QUEUED, RUNNING, Queue, on_its_way, slurm_end, slurm_queue
from .jobs import Job
from .ledger import Sent, all_sent, read_journal, read_sent
from .logs import last_error, last_progress

# `stopped`: asked to stop, by Ctrl-C or scancel. `lost`: gone without a word. `unknown`: Slurm does not answer.
DONE, STOPPED, FAILED, LOST, UNKNOWN = "done", "stopped", "failed", "lost", "unknown"
STATES = (DONE, RUNNING, QUEUED, STOPPED, FAILED, LOST, UNKNOWN)
BROKEN = (FAILED, LOST)


@dataclass(frozen=True)
class Row:
    """A job with its state; `about` says more: Slurm's reason, the progress, or why it ended."""

    benchmark: str
    model: str
    protocol: str
    seed: int
    state: str
    attempts: int
    about: str
    launcher: str
    job_id: str
    submitted: str
    log: str

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.model} {self.benchmark} {self.protocol} seed {self.seed}"


def rows_of(output: Path) -> list[Row]:
    """All jobs that were ever sent into a folder of results."""
    sent = all_sent(output)
    queue = slurm_queue(s for s in sent if not has_records(output, s))
    return [row_of(output, s, queue) for s in sent]


def row_of(output: Path, sent: Sent, queue: Queue) -> Row:
    """What became of one job."""
    events = read_journal(output, sent.place)
    log = output / sent.log
    state, about = _state(output, sent, queue, events, log)
    return Row(
        benchmark=sent.benchmark,
        model=sent.name,
        protocol=sent.protocol,
        seed=sent.seed,
        state=state,
        attempts=sum(event.get("event") == "start" for event in events),
        about=about,
        launcher=sent.launcher,
        job_id=sent.job_id,
        submitted=sent.submitted,
        log=str(log) if sent.log else "",
    )


def rows_for(jobs: Sequence[Job], output: Path) -> list[Row]:
    """The jobs of one sweep, those among them that were never sent because their records were there."""
    sent = {job.place: read_sent(output, job.place) for job in jobs}
    queue = slurm_queue(s for s in sent.values() if s and not has_records(output, s))
    return [row_of(output, s, queue) if (s := sent[job.place]) else _unsent(job) for job in jobs]


def _unsent(job: Job) -> Row:
    return Row(job.benchmark, job.name, job.protocol, job.seed, DONE, 0, "", "", "", "", "")


def has_records(output: Path, sent: Sent) -> bool:
    """Whether the records of a job are there."""
    return all((output / path).is_file() for path in sent.records)


def _state(output: Path, sent: Sent, queue: Queue, events: list[dict[str, Any]], log: Path) -> tuple[str, str]:
    if has_records(output, sent):
        return DONE, ""
    if found := on_its_way(sent, queue):
        state, about = found
        return state, about or (last_progress(log) if state == RUNNING else "")
    if sent.launcher == "slurm" and queue.problem:
        return UNKNOWN, queue.problem
    if not sent.log:
        return STOPPED, "not started: the command that was to start it has ended"
    mine = [event for event in events if event.get("submission") == sent.submission]
    last = mine[-1] if mine else {}
    if last.get("event") != "end":
        ended = slurm_end(sent, queue)
        why = f"Slurm says {ended}" if ended else "it is gone without a word"
        return LOST, f"{why}; last line: {last_error(log) or '(none)'}"
    if last.get("stopped"):
        return STOPPED, last_progress(log)
    if last.get("code") == 0:
        return LOST, "it was done, but its records are not there any more"
    return FAILED, last_error(log) or f"exit code {last.get('code')}"


def summary(states: Sequence[str]) -> str:
    """`12 jobs: 3 done, 2 running, 7 queued`."""
    count = Counter(states)
    return f"{len(states)} jobs: " + ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
