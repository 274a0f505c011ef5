"""What is written down about jobs that were sent, below `.jobs` in the folder of the results.

    .jobs/lock                          held while jobs are chosen and sent
    .jobs/sent/<name>/<benchmark>/<protocol>/seed<k>.json       how and when the job was sent last
    .jobs/sent/<name>/<benchmark>/<protocol>/seed<k>.journal    a line at each of its starts and ends
    .jobs/logs/<time>-<number>/         submitit's files of one submission, the logs among them

Who reads records passes over folders that begin with a dot. Paths in these files are relative to the results' folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..errors import DataError, XlmrBenchError
from ..files import explained, locked, write_json
from .jobs import Job

FOLDER = ".jobs"
# Sending one array takes a second or two; who waits longer is told.
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Sent:
    """A job as it was sent last.

    `submission` is the name of that one submission, `job_id` Slurm's number (`123_4` in an array) or a process id on
    `host`, which `born` tells from a later one with the same id; `devices` are the GPUs that it has to itself. Without
    `log` it was not started: it waits for the process of that id, a sweep on that machine, to do so.
    """

    benchmark: str
    model: str
    name: str
    protocol: str
    seed: int
    place: str
    digest: str
    about: dict[str, Any]
    records: list[str]
    command: list[str]
    launcher: str
    submission: str
    submitted: str
    job_id: str
    log: str
    host: str = ""
    born: int = 0
    devices: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name} {self.benchmark} {self.protocol} seed {self.seed}"


def sent_as(job: Job, command: list[str], launcher: str, submission: str, job_id: str, log: str, **where: Any) -> Sent:
    """What is to be written down about a job that was just sent."""
    return Sent(
        benchmark=job.benchmark,
        model=job.model,
        name=job.name,
        protocol=job.protocol,
        seed=job.seed,
        place=job.place,
        digest=job.digest,
        about=dict(job.about),
        records=list(job.records),
        command=command,
        launcher=launcher,
        submission=submission,
        submitted=now(),
        job_id=job_id,
        log=log,
        **where,
    )


def write_sent(output: Path, sent: Sent) -> None:
    """Write it down, in place of what was there of the same job."""
    write_json(_sent_path(output, sent.place), asdict(sent))


def read_sent(output: Path, place: str) -> Sent | None:
    """What is written down about the job of a place; None where none was ever sent."""
    path = _sent_path(output, place)
    return _read(path) if path.is_file() else None


def all_sent(output: Path) -> list[Sent]:
    """Everything that was ever sent into a folder of results, in order of the places."""
    return [_read(path) for path in sorted((output / FOLDER / "sent").rglob("seed*.json"))]


def journal_path(output: Path, place: str) -> Path:
    """Where a job notes its starts and ends."""
    return _sent_path(output, place).with_suffix(".journal")


def read_journal(output: Path, place: str) -> list[dict[str, Any]]:
    """Starts and ends of a job, the oldest first; a line that was cut off by a crash is passed over."""
    path = journal_path(output, place)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    events = []
    for line in lines:
        try:
            events.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            continue
    return events


def new_submission(output: Path) -> tuple[str, Path]:
    """The name of a submission, unlike any other, and the new folder of its logs."""
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    folder = output / FOLDER / "logs" / name
    with explained(folder):
        folder.mkdir(parents=True)
    return name, folder


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Let nobody else choose and send jobs of this folder meanwhile; waits for its turn, which comes soon."""
    until = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(output / FOLDER / "lock", f"sending the jobs of {output}"))
                break
            except XlmrBenchError as e:
                if e.__cause__ is not None or time.monotonic() > until:  # the folder cannot be written
                    raise
                time.sleep(0.1)
        yield


def now() -> str:
    """The time, to the second, with its zone."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sent_path(output: Path, place: str) -> Path:
    return output / FOLDER / "sent" / f"{place}.json"


def _read(path: Path) -> Sent:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Sent(**{**values, "devices": tuple(values["devices"])})
    except (OSError, ValueError, TypeError, KeyError) as e:
        raise DataError(
            f"{path} does not tell what was sent ({e}). Delete it; a job that still runs holds a lock on its work, "
            "so a second one would do no harm."
        ) from None
