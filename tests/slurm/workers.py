"""Worker processes of a run: which they are, holding them still while something happens, what they were told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slurm.cluster import descendants, wait_until
from training import lines_of, losses_of, same_weights, steps_done


@contextmanager
def held(step: int, run: Path, find: Callable[[], list[int]]) -> Iterator[list[int]]:
    """The workers of a run stand still from shortly after a step to the end of the block, however slow the machine is.

    `find` gives their process ids. What they are told meanwhile they notice afterwards.
    """
    until = time.monotonic() + 120
    while steps_done(run) < step:
        assert time.monotonic() < until, f"{run} does not reach step {step}: {logs_beside(run)}"
        time.sleep(0.005)
    stopped = find()
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        assert not (run / "FINISHED").exists(), "the run was too fast to be held"
        yield stopped
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def logs_beside(run: Path) -> str:
    """What was said on the way."""
    return "".join(f"\n{path.name}:\n{path.read_text()}" for path in sorted(run.parent.glob("*.log")))


def wait_until_told(pids: list[int], number: int) -> None:
    """Wait until a signal is there for processes that stand still."""

    def told() -> bool:
        assert all(Path(f"/proc/{pid}").exists() for pid in pids), "they ended before they were told"
        return all(number in pending(pid) for pid in pids)

    wait_until(told, 60, f"{pids} are not told {number}")


def pending(pid: int) -> set[int]:
    """The signals that a process has yet to take notice of."""
    masks = [
        int(line.split()[1], 16)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith(("SigPnd:", "ShdPnd:"))
    ]
    return {number for number in range(1, 65) for mask in masks if mask >> (number - 1) & 1}


def workers_below(pid: int, **wanted: str) -> list[int]:
    """What torchrun started below a process, in order of the ranks; only those whose environment has these values."""
    found = {}
    for child in descendants(pid):
        with suppress(OSError):
            listed = Path(f"/proc/{child}/environ").read_bytes().decode(errors="replace").split("\0")
            environment = dict(variable.split("=", 1) for variable in listed if "=" in variable)
            if "RANK" in environment and all(environment.get(name) == value for name, value in wanted.items()):
                found[child] = int(environment["RANK"])
    return sorted(found, key=lambda child: found[child])


def assert_ended_like(run: Path, unbroken: Path) -> None:
    """The same losses and validations, none missing and none twice, and the same weights bit for bit."""
    assert losses_of(run) == losses_of(unbroken)
    for kind in ("train", "validation"):
        assert lines_of(run, kind) == lines_of(unbroken, kind)
    assert same_weights(run, unbroken)
    assert (run / "FINISHED").read_text() == (unbroken / "FINISHED").read_text()
