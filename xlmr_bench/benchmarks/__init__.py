"""The benchmarks of the harness, in one explicit tuple, and those that others add."""

from __future__ import annotations

from ..errors import unknown_name
from .base import Benchmark
from .glue import GLUE
from .mlqa import MLQA
from .ner import NER
from .plugins import added
from .squad import SQUAD
from .xnli import XNLI
from .xquad import XQUAD

BENCHMARKS: tuple[Benchmark, ...] = (XNLI, NER, MLQA, GLUE, SQUAD, XQUAD)


def all_benchmarks() -> tuple[Benchmark, ...]:
    """Ours, then those of installed packages and of --plugin files."""
    return (*BENCHMARKS, *added(tuple(b.name for b in BENCHMARKS)))


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of that name, or an error with the nearest one."""
    by_name = {b.name: b for b in all_benchmarks()}
    if name not in by_name:
        raise unknown_name("benchmark", name, by_name)
    return by_name[name]
