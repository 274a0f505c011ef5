"""torchrun on two hosts, each with a network of its own: a worker is killed, both start again, nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from slurm.cluster import PATH, wait_until
from slurm.workers import assert_ended_like, held, logs_beside, workers_below
from training import TORCHRUN, environment

from pretrain.checkpoints import complete_checkpoints

PORT = 29500  # the hosts have all ports to themselves
# As in launch.sh: otherwise restarted workers find the addresses of those before them, and use the restarts up.
STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


@dataclass(frozen=True)
class Host:
    """A network namespace; its only way out is a cable to the other one."""

    name: str
    address: str
    interface: str

    @contextmanager
    def running(self, words: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A command there. It writes to a file: workers that outlive it would keep a pipe open."""
        where = {**environment(), "PATH": PATH, "GLOO_SOCKET_IFNAME": self.interface, **STORE}
        with log.open("w") as f:
            process = subprocess.Popen(["ip", "netns", "exec", self.name, *words], stdout=f, stderr=f, env=where)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts with a cable between them; no process is left on them afterwards."""
    if os.geteuid() != 0 or not shutil.which("ip", path=PATH):
        pytest.skip("NOT TESTED ON TWO HOSTS: that needs root and ip, of Debian's iproute2")
    mark = f"{os.getpid()}"
    two = tuple(Host(f"xlmr{mark}-{n}", f"10.77.0.{n}", f"x{mark}-{n}") for n in (1, 2))
    with ExitStack() as stack:
        for host in two:
            if problem := ip("netns", "add", host.name):
                pytest.skip(f"NOT TESTED ON TWO HOSTS: no network namespaces here ({problem})")
            stack.callback(remove, host)
        one, other = two
        words = ["link", "add", one.interface, "netns", one.name]
        if problem := ip(*words, "type", "veth", "peer", "name", other.interface, "netns", other.name):
            pytest.skip(f"NOT TESTED ON TWO HOSTS: no cable between network namespaces here ({problem})")
        for host in two:
            assert not ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", host.interface)
            for interface in ("lo", host.interface):
                assert not ip("-n", host.name, "link", "set", interface, "up")
        yield one, other


def ip(*words: str) -> str:
    """Change the network; the complaint where that fails."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30, env={**os.environ, "PATH": PATH})
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""


def remove(host: Host) -> None:
    """kill -9 for all processes of a host, until there are none, and away with it."""

    def empty() -> bool:
        listed = subprocess.run(["ip", "netns", "pids", host.name], capture_output=True, text=True, timeout=30)
        for pid in listed.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return not listed.stdout.split()

    try:
        wait_until(empty, 30, f"{host.name} is not empty")
    finally:
        ip("netns", "delete", host.name)


def torchrun(host: Host, first: Host, config: Path, run: Path) -> list[str]:
    """What is typed on one of the hosts; they meet at the first one."""
    meet = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{first.address}:{PORT}", "--rdzv-id", "run"]
    here = ["--rdzv-conf", f"is_host={int(host == first)}", "--local-addr", host.address]
    sizes = ["--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "3"]
    return [*TORCHRUN, *sizes, *meet, *here, "-m", "pretrain", "train", str(config), f"output={run}"]


def test_a_worker_killed_on_either_host_restarts_both_and_loses_nothing(
    hosts: tuple[Host, Host], config: Path, unbroken: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    kept: list[int] = []
    logs = [tmp_path / f"{n}.log" for n in (1, 2)]
    commands = [torchrun(host, hosts[0], config, run) for host in hosts]
    with hosts[0].running(commands[0], logs[0]) as one, hosts[1].running(commands[1], logs[1]) as other:
        for step, victim in ((50, other), (90, one)):
            with held(step, run, lambda: [*workers_below(one.pid), *workers_below(other.pid)]) as workers:
                assert len(workers) == 2
                kept += sorted(complete_checkpoints(run))[-1:]
                os.kill(workers_below(victim.pid)[0], signal.SIGKILL)
        assert (one.wait(timeout=120), other.wait(timeout=120)) == (0, 0), logs_beside(run)
    said = logs_beside(run)
    assert "connectFullMesh failed" not in said, said  # each kill costs one restart
    assert all(f"{run} continues after step {step}:" in said for step in kept), said
    assert_ended_like(run, unbroken)
