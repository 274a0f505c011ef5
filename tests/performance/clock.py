"""What every measuring process shares: its job, its clocks, its peak memory, and the line of JSON that it prints.

Both environments import this module, so it needs Python alone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Found = dict[str, Any]
# One thread each, whatever computes; nothing is fetched while it is measured.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1"),
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


class Stopwatch:
    """CPU-seconds of the process, its threads and its finished children, and wall-clock seconds between two calls."""

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def stop(self, items: float) -> dict[str, float]:
        """A phase: `items` of work in so many seconds."""
        return {
            "cpu_s": _cpu_s() - self._cpu,
            "wall_s": time.perf_counter() - self._wall,
            "items": items,
        }


@contextmanager
def phase(found: Found, name: str, items: float) -> Iterator[None]:
    """Time what happens inside as the phase `name` of a measurement."""
    watch = Stopwatch()
    watch.start()
    yield
    found.setdefault("phases", {})[name] = watch.stop(items)


def read_job() -> Job:
    """The job that the command line names."""
    job: Job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return job


def report(found: Found) -> None:
    """Print what was found and the largest memory of this process, as the last line."""
    print(json.dumps({"memory_gb": peak_memory_gb(), **found}), flush=True)


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_memory_gb() -> float:
    """Largest resident memory of this process so far, or of a finished child if that was larger."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(_own_peak_gb(), _maximum(children))


def _own_peak_gb() -> float:
    """Linux tells it of this program alone; rusage also of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e9
    return _maximum(resource.getrusage(resource.RUSAGE_SELF))


@dataclass(frozen=True)
class Spent:
    """What a command cost, the processes that it waited for included, and what it said."""

    code: int
    cpu_s: float
    wall_s: float
    memory_gb: float
    stdout: str
    stderr: str


def spend(words: Sequence[str], folder: Path, extra: dict[str, str] | None = None) -> Spent:
    """Run a command to its end in `folder`, on one thread a process."""
    env = {**os.environ, **ONE_THREAD, **(extra or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return Spent(process.returncode, used.ru_utime + used.ru_stime, wall, _maximum(used), texts[0], texts[1])


def _maximum(used: resource.struct_rusage) -> float:
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
