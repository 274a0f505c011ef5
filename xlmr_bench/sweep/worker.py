"""What a submitit job does: run one command, stop it in time, and let Slurm queue it again where its place is lost.

How Slurm tells a job, as submitit asks it to: each process of the step gets USR2 some time before the time limit, and
SIGTERM when the job is cancelled or, some seconds before the end, pre-empted. submitit answers USR2: it calls
`checkpoint`, writes down what that returns and requeues the job. It only logs SIGTERM, which is answered here.
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from .alive import birth
from .ledger import now

# Marks the lines of the log that are ours; what stands between them is the command's.
MARK = "xlmr_bench job:"
INTERRUPTED = 130
_STOPPED = (INTERRUPTED, -signal.SIGTERM, -signal.SIGINT, -signal.SIGUSR1, -signal.SIGUSR2)
_POLL_S = 0.1
# All processes of a step are told in one go, but the command may have ended before our turn comes.
_OWN_SIGNAL_S = 3.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None)


class Command:
    """A command as a process that ends with this one.

    `several`: it is torchrun, which hands a signal on to its processes but gives up waiting for them at a second one.
    """

    def __init__(self, words: list[str], environment: Mapping[str, str], *, several: bool, own_group: bool) -> None:
        self.several = several
        self._process = subprocess.Popen(
            words,
            env=environment,
            preexec_fn=_prepared(signal.SIGTERM if several else signal.SIGKILL, _requeue_signal()),
            process_group=0 if own_group else None,
        )

    def over(self) -> bool:
        """Whether it has ended. Popen's own ways take locks, and this is also asked within signal handlers."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def ask_to_stop(self) -> None:
        """It then saves and ends with 130, or ends at once where there is nothing to save."""
        if not self.over():
            os.kill(self._process.pid, signal.SIGTERM)

    def stop(self, patience_s: float) -> None:
        """Have it stopped when this returns: by itself, or after `patience_s` by force, with what it had not saved."""
        self.ask_to_stop()
        until = time.monotonic() + patience_s
        while not self.over():
            if time.monotonic() > until:
                os.kill(self._process.pid, signal.SIGKILL)
                until = float("inf")
            time.sleep(_POLL_S)

    def code(self) -> int:
        """Its exit code, once it is over; minus the signal where one ended it."""
        return self._process.wait()


@dataclass
class RunJob:
    """One job, as it is pickled and sent.

    `environment` changes that of the job (None: unset). `patience_s` is how long the command may take to stop.
    """

    words: list[str]
    processes: int
    environment: dict[str, str | None]
    journal: Path
    submission: str
    patience_s: float
    running: Command | None = None
    asked: list[int] = field(default_factory=list)

    def __call__(self) -> None:
        """Run the command to its end; where that is not the end of the work, this process ends with the same code.

        An exception would leave a traceback of submitit's as the last word in the log, after the run's own.
        """
        local = os.environ.get("SUBMITIT_EXECUTOR") == "local"
        if local:
            _end_with_parent(signal.SIGKILL)
            if os.getppid() != int(os.environ["SUBMITIT_LOCAL_JOB_ID"]):  # it has ended already
                sys.exit(INTERRUPTED)
        _adopt_orphans()
        signal.signal(signal.SIGTERM, self._told)
        self._note("start", host=socket.gethostname(), process=os.getpid())
        say(f"start on {socket.gethostname()}: {shlex.join(self.words)}")
        environment = {**os.environ, **self.environment}
        self.running = Command(
            self.words,
            {k: v for k, v in environment.items() if v is not None},
            several=self.processes > 1,
            own_group=local,  # Ctrl-C in the terminal is for the sweep, which then asks us
        )
        if self.asked:
            self._tell(local)
        try:
            while not self.running.over():
                time.sleep(_POLL_S)
        finally:
            self.running.stop(self.patience_s)
            _end_orphans()
        self._judge(self.running.code(), local)

    def checkpoint(self) -> Any:
        """Stop the command; what submitit is to queue again: the same job."""
        from submitit.helpers import DelayedSubmission

        if self.running is not None:
            self.running.stop(self.patience_s)
            _end_orphans()
        self._note("end", stopped=True)
        say("stopped, to be queued again")
        return DelayedSubmission(replace(self, running=None, asked=[]))

    def _told(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(number)
        if len(self.asked) == 1 and self.running is not None:
            self._tell(os.environ.get("SUBMITIT_EXECUTOR") == "local")

    def _tell(self, local: bool) -> None:
        """Hand SIGTERM on. Slurm has told every process of the step, and torchrun must not be told twice."""
        assert self.running is not None
        if local or not self.running.several:
            self.running.ask_to_stop()

    def _judge(self, code: int, local: bool) -> None:
        """What a code means: all is well, the run failed, or it was stopped and may be continued by Slurm."""
        if code == 0:
            self._note("end", code=0)
            say("ended with code 0")
            return
        until = time.monotonic() + _OWN_SIGNAL_S
        while code in _STOPPED and not self.asked and time.monotonic() < until:
            time.sleep(_POLL_S)
        stopped = bool(self.asked) or code in _STOPPED
        if stopped and not local and slurm_keeps_it():
            _queue_again()
        if code < 0 and not stopped:
            print(
                f"xlmr_bench: the run was ended by {signal.Signals(-code).name}; it can be continued.", file=sys.stderr
            )
        say(f"ended with code {code}")
        self._note("end", code=code, stopped=stopped)
        sys.exit(code if code > 0 else 128 - code)

    def _note(self, event: str, **about: Any) -> None:
        line = json.dumps({"event": event, "submission": self.submission, "time": now(), **about})
        with self.journal.open("a", encoding="utf-8") as f:
            f.write(line + "\n")


def say(words: str) -> None:
    """A line of our own in the log."""
    print(f"{MARK} {words}", file=sys.stderr, flush=True)


def slurm_keeps_it() -> bool:
    """Whether this Slurm job, told to stop, goes on for Slurm: it is being pre-empted and was not cancelled."""
    try:
        asked = ["squeue", "--noheader", "--jobs", os.environ["SLURM_JOB_ID"], "--format", "%T"]
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=15, check=True)
    except (OSError, KeyError, subprocess.SubprocessError):
        return False
    return answer.stdout.strip() == "RUNNING"


def _queue_again() -> NoReturn:
    """Let submitit requeue this job, which does not return. Slurm itself would count a step that ended as the end."""
    signal.raise_signal(_requeue_signal())
    sys.exit(INTERRUPTED)


def _end_with_parent(number: int) -> None:
    """Have this process get a signal when the one that started it ends, however that ends.

    A run that outlived its job would hold the lock of its work while the job counts as lost.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own one ends: a killed torchrun leaves those of the run behind."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    """End all that the command, which is over, has left behind."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.is_file() and (left := [pid for pid in map(int, children.read_text().split()) if birth(pid)]):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _prepared(number: int, requeues: int) -> Callable[[], None]:
    """What the command's process does first: it ends with us, and Slurm's word to submitit is none to the command."""

    def in_child() -> None:
        _end_with_parent(number)
        signal.signal(requeues, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a sweep on this machine keeps its own Ctrl-C from us

    return in_child


def _requeue_signal() -> int:
    """The signal at which submitit requeues a job: USR2, unless SUBMITIT_PREEMPT_SIGNAL says otherwise."""
    from submitit.core.job_environment import JobEnvironment

    return int(JobEnvironment._usr_sig())
