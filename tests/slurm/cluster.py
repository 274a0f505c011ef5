"""A Slurm cluster of one's own on one machine: munge, the controller, and nodes that share the machine.

    python tests/slurm/cluster.py FOLDER

prints `export SLURM_CONF=...` when all nodes are idle; paste that into another shell to use sbatch, squeue and srun by
hand. Everything that was started ends with Ctrl-C, or with the end of its standard input. FOLDER holds configuration,
state and logs, a folder in /tmp that goes with the cluster its sockets; nothing else is touched. It needs root and
Debian's slurm-wlm and munge.

The partition `high` takes nodes away from `low` (the default): their jobs are told, get 20 seconds, and are requeued.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "sinfo", "squeue")
# Daemons are not on everybody's PATH.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
START_S, END_S, COMMAND_S, JOB_S = 60.0, 30.0, 60.0, 180.0
CPUS = 4  # of a node, whatever the machine has: the jobs are tiny
MEMORY_MB = 16_000  # as written here, too: it is what jobs ask for that counts
GRACE_S = 20  # between telling a pre-empted job and killing it
# A requeued job waits until the credential of its last start has expired, 121 s by default.
CREDENTIAL_S = 6
PR_SET_CHILD_SUBREAPER = 36

CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
FirstJobId={first_job}
AuthType=auth/munge
AuthInfo=socket={sockets}/munge.socket,cred_expire={credential}
CredType=cred/munge
# There are no cgroups in a container, and no MPI.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
# A node has the cores that are written here, whatever the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation={folder}/state
SlurmdSpoolDir={sockets}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1,sched_min_interval=100000
ReturnToService=2
JobRequeue=1
KillWait=10
MinJobAge=600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime={grace}
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
"""


def missing() -> str:
    """What this machine lacks to run a cluster, in words; empty where it can."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if lacking:
        return f"there is no {', '.join(lacking)}: apt-get install --no-install-recommends slurm-wlm munge"
    return "" if os.geteuid() == 0 else "only root may start its daemons"


class SlurmCluster:
    """A running cluster, within `with`. No process of it, its jobs included, is left afterwards.

    `variables` are what Slurm's commands need in their environment; `keeper` is the process below which all others are.
    """

    def __init__(self, folder: Path, nodes: int = 2) -> None:
        self.folder, self.nodes, self.keeper = folder, nodes, 0
        self.variables = {"PATH": PATH, "SLURM_CONF": str(folder / "slurm.conf")}
        self._ended = ExitStack()

    def __enter__(self) -> SlurmCluster:
        words = [sys.executable, str(Path(__file__).resolve()), str(self.folder), "--nodes", str(self.nodes)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            messages = stack.enter_context((self.folder / "messages").open("w+"))
            # A group of its own: Ctrl-C is for pytest, which then ends the cluster.
            keeper = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, text=True, process_group=0
            )
            stack.callback(_stop, keeper)
            assert keeper.stdout
            if not keeper.stdout.readline().startswith("export "):
                messages.seek(0)
                raise RuntimeError(f"the Slurm cluster did not start: {messages.read().strip()}")
            self.keeper = keeper.pid
            self._ended = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    def ask(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            words, env={**os.environ, **self.variables}, capture_output=True, text=True, timeout=COMMAND_S
        )
        assert done.returncode == 0, f"{words[0]}: {done.stderr}"
        return done.stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """What the controller knows of a job."""
        described = self.ask("scontrol", "--oneliner", "show", "job", number)
        return dict(word.split("=", 1) for word in described.split() if "=" in word)

    def wait_for_state(self, number: str, *states: str) -> None:
        """Wait until a job is in one of the states, e.g. COMPLETED."""

        def reached() -> bool:
            return self.job(number)["JobState"] in states

        wait_until(reached, JOB_S, f"job {number} is not {' or '.join(states)}")

    def run_urgently(self) -> None:
        """Run a job of the partition `high`, which needs all nodes to itself, to its end."""
        options = ["--partition=high", f"--nodes={self.nodes}", "--exclusive", "--output=/dev/null"]
        number = self.ask("sbatch", "--parsable", *options, "--wrap=true")
        self.wait_for_state(number, "COMPLETED", "FAILED", "CANCELLED")


def wait_until(ready: Callable[[], bool], timeout_s: float, otherwise: str | Callable[[], str]) -> None:
    """Ask ten times a second; `otherwise` says what is wrong when the time is up."""
    until = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError(f"{otherwise() if callable(otherwise) else otherwise} after {timeout_s:g} s")
        time.sleep(0.1)


def _stop(keeper: subprocess.Popen[str]) -> None:
    with suppress(subprocess.TimeoutExpired):
        keeper.communicate(timeout=END_S)  # closes its standard input
    keeper.kill()
    keeper.wait()


def main(words: Sequence[str]) -> int:
    """Keep a cluster until standard input ends or a signal says so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=2)
    asked = parser.parse_args(words)
    if lacking := missing():
        print(f"cluster.py: {lacking}", file=sys.stderr)
        return 2
    folder: Path = asked.folder.resolve()
    # The name of a socket may have 107 bytes, and a job's number is in it: below a deep folder some jobs cannot start.
    sockets = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    # Steps of Slurm detach themselves, and workers outlive a killed torchrun: all of them become ours.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        daemons = start(folder, sockets, asked.nodes)
        print(f"export SLURM_CONF={folder}/slurm.conf", flush=True)
        while not stopped:
            ended = daemons.keys() & reap()
            if ended:
                print(f"cluster.py: {daemons[ended.pop()]} ended; see {folder}", file=sys.stderr)
                return 1
            if select.select([0], [], [], 0.2)[0] and not os.read(0, 4096):
                break
    except (OSError, TimeoutError, subprocess.SubprocessError) as e:
        print(f"cluster.py: {e}; see {folder}", file=sys.stderr)
        return 1
    finally:
        end_descendants()
        shutil.rmtree(sockets, ignore_errors=True)
    return 0


def start(folder: Path, sockets: Path, nodes: int) -> dict[int, str]:
    """Start the daemons; returns their process ids when all nodes are idle."""
    configuration = configure(folder, sockets, nodes)
    environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(configuration)}
    munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    commands = {
        "munged": ["munged", "--foreground", "--force", f"--socket={sockets}/munge.socket", *munge],
        "slurmctld": ["slurmctld", "-D", "-i"],
        **{f"slurmd of {name}": ["slurmd", "-D", "-N", name] for name in node_names(nodes)},
    }
    daemons = {}
    for name, words in commands.items():
        with (folder / "daemons.log").open("a") as f:
            process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True
            )
        daemons[process.pid] = name
        if name == "munged":
            wait_until((sockets / "munge.socket").exists, START_S, "munged does not answer")

    def idle() -> bool:
        asked = ["sinfo", "--noheader", "--partition=low", "--format=%T %D"]
        answer = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=START_S)
        return answer.stdout.split() == ["idle", str(nodes)]

    wait_until(idle, START_S, "not all nodes are idle")
    return daemons


def node_names(nodes: int) -> list[str]:
    """Names that can be looked up everywhere: torchrun's processes meet at the first one."""
    return [f"127.0.0.{number}" for number in range(1, nodes + 1)]


def configure(folder: Path, sockets: Path, nodes: int) -> Path:
    """Write slurm.conf and munge's key; returns the former."""
    (folder / "state").mkdir(parents=True, exist_ok=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    controller, *ports = free_ports(1 + nodes)
    host = socket.gethostname().partition(".")[0]
    lines = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY_MB}"
        " State=UNKNOWN"
        for name, port in zip(node_names(nodes), ports, strict=True)
    ]
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder, sockets=sockets, host=host, user="root", controller=controller, nodes="\n".join(lines),
            credential=CREDENTIAL_S, grace=GRACE_S,
            # launch.sh derives a port from the number: two clusters on one machine should not share it.
            first_job=random.SystemRandom().randrange(1, 60_000),
        )
    )  # fmt: skip
    return configuration


def free_ports(count: int) -> list[int]:
    """Different ports on which nobody listens."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            s = stack.enter_context(socket.socket())
            s.bind(("127.0.0.1", 0))
            found.append(int(s.getsockname()[1]))
    return found


def reap() -> set[int]:
    """Take leave of the children that have ended; returns their process ids."""
    ended = set()
    with suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            ended.add(pid)
    return ended


def end_descendants() -> None:
    """kill -9 for all that was started from here, and for what it leaves behind, until nothing is left."""
    until = time.monotonic() + END_S
    while (left := descendants(os.getpid())) and time.monotonic() < until:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        reap()


def descendants(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in parentheses, may hold spaces and parentheses itself.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
