"""The benchmarks of the harness, in one explicit tuple."""

from __future__ import annotations

from ..errors import unknown_name
from .base import Benchmark
from .xnli import XNLI

BENCHMARKS: tuple[Benchmark, ...] = (XNLI,)


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of that name, or an error with the nearest one."""
    by_name = {b.name: b for b in BENCHMARKS}
    if name not in by_name:
        raise unknown_name("benchmark", name, by_name)
    return by_name[name]
