"""Running jobs on this machine, so many at once: submitit's local executor has no limit, so here one waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..signals import asked_to_stop
from .alive import RUNNING, Queue, birth, on_its_way
from .jobs import Job
from .ledger import Sent, all_sent, alone, new_submission, read_sent, sent_as, write_sent
from .status import DONE, row_of
from .submit import Launch, callable_of, python_path, sort_jobs

_POLL_S = 0.3
# A job that is asked to stop saves first, which takes seconds.
_PATIENCE_S = 60.0
_FOREVER_MIN = 365 * 24 * 60  # submitit's limit would be two minutes
_NO_QUEUE = Queue({})


def run_here(jobs: Sequence[Job], output: Path, launch: Launch) -> bool:
    """Run what is not done and wait for it, also for what another such command runs here.

    Returns whether it was asked to stop: then the jobs have saved and ended.
    """
    gpus = launch.gpus or 1
    devices = _enough_devices(launch, gpus)
    with asked_to_stop() as asked:
        with alone(output):
            found = sort_jobs(jobs, output)
            for job in found.to_send:
                write_sent(output, _waiting(job))
        say(f"{len(found.done)} jobs done, {len(found.left)} on their way, {len(found.to_send)} to run")
        others = [job for job in found.left if _runs_here(read_sent(output, job.place))]
        sweep = _Sweep(output, launch.jobs or 1, gpus, devices, list(found.to_send), others)
        try:
            while sweep.unfinished and not asked:
                sweep.start_next()
                time.sleep(_POLL_S)
                sweep.look()
        finally:
            sweep.stop()
    return bool(asked)


def describe(launch: Launch, count: int) -> str:
    """How so many jobs would be run."""
    devices, gpus = _enough_devices(launch, launch.gpus or 1), launch.gpus or 1
    each = f"{gpus} of the GPUs {', '.join(devices)}" if devices else f"{gpus} process(es) on the CPU"
    return f"on this machine, {min(launch.jobs or 1, count)} at once; each {each}"


@dataclass
class _Sweep:
    """Jobs that wait for their turn, those that run from here, and those that another command runs."""

    output: Path
    at_once: int
    gpus: int
    devices: list[str]
    waiting: list[Job]
    others: list[Job]
    running: list[tuple[Job, Any]] = field(default_factory=list)

    @property
    def unfinished(self) -> bool:
        """Whether there is anything left to wait for."""
        return bool(self.waiting or self.running or self.others)

    def start_next(self) -> None:
        """Start as many jobs as may run, counting those of other commands in the same folder."""
        while self.waiting and len(self.running) < self.at_once:
            with alone(self.output):
                busy = [s for s in all_sent(self.output) if _runs_here(s, started=True)]
                taken = {device for s in busy for device in s.devices}
                free = [device for device in self.devices if device not in taken]
                if len(busy) >= self.at_once or (self.devices and len(free) < self.gpus):
                    return
                job = self.waiting.pop(0)
                process = self._start(job, free[: self.gpus])
            self.running.append((job, process))

    def _start(self, job: Job, devices: list[str]) -> Any:
        submission, logs = new_submission(self.output)
        call = callable_of(job, self.output, submission, self.gpus, _PATIENCE_S, self._environment(devices))
        sent = _submit(call, logs)
        pid, log = int(sent.job_id), str(sent.paths.stderr.relative_to(self.output.absolute()))
        here = {"host": os.uname().nodename, "born": birth(pid) or 0, "devices": tuple(devices)}
        write_sent(self.output, sent_as(job, call.words, "local", submission, str(pid), log, **here))
        say(f"started {job.title}; {len(self.waiting)} wait; log {self.output / log}")
        return sent

    def _environment(self, devices: list[str]) -> dict[str, str | None]:
        """submitit hides all GPUs but those it counts itself; and jobs side by side share the cores."""
        visible = ",".join(devices) if devices else os.environ.get("CUDA_VISIBLE_DEVICES")
        changed: dict[str, str | None] = {"CUDA_VISIBLE_DEVICES": visible}
        processes = self.at_once * self.gpus
        if processes > 1 and "OMP_NUM_THREADS" not in os.environ:
            changed["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // processes))
        return changed

    def look(self) -> None:
        """Say what has ended since the last look."""
        for job, process in list(self.running):
            if process.done():
                self.running.remove((job, process))
                self._tell(job)
        for job in list(self.others):
            if not _runs_here(read_sent(self.output, job.place)):
                self.others.remove(job)
                self._tell(job)

    def _tell(self, job: Job) -> None:
        sent = read_sent(self.output, job.place)
        if sent is None:
            return
        row = row_of(self.output, sent, _NO_QUEUE)
        left = len(self.waiting) + len(self.running) + len(self.others)
        why = "" if row.state == DONE else f": {row.about}; log {row.log}"
        say(f"{row.state} {job.title}, {left} left{why}")

    def stop(self) -> None:
        """End what still runs from here: it saves first, unless one is asked a second time by Ctrl-C."""
        if not self.running:
            return
        say(f"stopping {len(self.running)} job(s), which save first; Ctrl-C again ends them at once")
        try:
            self._signal(signal.SIGTERM)
            until = time.monotonic() + _PATIENCE_S
            while not all(process.done() for _, process in self.running) and time.monotonic() < until:
                time.sleep(_POLL_S)
        finally:
            self._signal(signal.SIGKILL)  # the processes below end with it

    def _signal(self, number: int) -> None:
        for _, process in self.running:
            if not process.done():
                os.kill(int(process.job_id), number)


def _submit(call: Any, logs: Path) -> Any:
    """Start a job, which survives this process and does not hear its Ctrl-C; its `job_id` is its process's."""
    import submitit

    executor = submitit.LocalExecutor(folder=logs)
    executor.update_parameters(timeout_min=_FOREVER_MIN)
    with _passed_to_children(PYTHONPATH=python_path()):
        return executor.submit(call)


@contextmanager
def _passed_to_children(**environment: str) -> Iterator[None]:
    """Environment of the processes started inside, which also do not get SIGINT; what comes meanwhile comes later."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _waiting(job: Job) -> Sent:
    """A job that this process is to start."""
    pid = os.getpid()
    here = {"host": os.uname().nodename, "born": birth(pid) or 0}
    return sent_as(job, job.command(1), "local", "", str(pid), "", **here)


def _runs_here(sent: Sent | None, *, started: bool = False) -> bool:
    """Whether a job of this machine is on its way (`started`: and has been started)."""
    if sent is None or sent.launcher != "local" or sent.host != os.uname().nodename:
        return False
    found = on_its_way(sent, _NO_QUEUE)
    return found is not None and (found[0] == RUNNING or not started)


def _enough_devices(launch: Launch, gpus: int) -> list[str]:
    """The GPUs to share out; none where the jobs run on the CPU."""
    devices = [] if launch.device == "cpu" else gpus_here()
    wanted = (launch.jobs or 1) * gpus
    if launch.device != "cpu" and (devices or launch.gpus) and wanted > len(devices):
        raise UsageError(
            f"{launch.jobs or 1} job(s) at once with {gpus} GPU(s) each need {wanted}, and {len(devices)} are visible "
            "here. Lower --jobs or --gpus, or give --device cpu."
        )
    return devices


def gpus_here() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(i) for i, _ in enumerate(line for line in listed.stdout.splitlines() if line.startswith("GPU "))]


def say(words: str) -> None:
    """Tell what happens; stdout is for the table at the end."""
    print(f"xlmr_bench: {words}", file=sys.stderr, flush=True)
