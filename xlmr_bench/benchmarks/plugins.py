"""Benchmarks from elsewhere: files given with --plugin, and entry points `xlmr_bench.benchmarks` of packages.

Either names Python code that is run: give only files and install only packages that you trust. A file defines
`BENCHMARK` (or a tuple `BENCHMARKS`); an entry point is an object of the same kind.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import UsageError, XlmrBenchError
from ..files import sha256_of
from .base import Benchmark

GROUP = "xlmr_bench.benchmarks"
_loaded: list[Benchmark] = []


def load_plugin(path: Path) -> None:
    """Run a file and take its benchmarks; records then hold its name and digest. Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"--plugin {path}: there is no such file.")
    origin = f"{path.name} sha256:{sha256_of(path)}"
    if any(b.plugin == origin for b in _loaded):  # given twice
        return
    spec = importlib.util.spec_from_file_location(f"xlmr_bench_plugin_{len(_loaded)}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file (its name must end in .py).")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except XlmrBenchError:
        raise
    except Exception as e:
        raise UsageError(f"--plugin {path}: {type(e).__name__}: {e}. The file must run without errors.") from e
    found = getattr(module, "BENCHMARKS", getattr(module, "BENCHMARK", None))
    _loaded.extend(_checked(found, f"--plugin {path}", origin))


def added(taken: tuple[str, ...]) -> tuple[Benchmark, ...]:
    """All benchmarks that are not ours; raises UsageError where two have one name."""
    found = (*_loaded, *_installed())
    names = [*taken, *(b.name for b in found)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two benchmarks are named {twice!r}. Rename the one of the plugin.")
    return found


@cache
def _installed() -> tuple[Benchmark, ...]:
    found: list[Benchmark] = []
    for entry in metadata.entry_points(group=GROUP):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        try:
            value = entry.load()
        except Exception as e:
            raise UsageError(f"benchmark {entry.name!r} of {origin}: {type(e).__name__}: {e}. Uninstall it.") from e
        found.extend(_checked(value, f"entry point {entry.name!r} of {origin}", origin))
    return tuple(found)


def _checked(value: Any, where: str, origin: str) -> list[Benchmark]:
    benchmarks = list(value) if isinstance(value, tuple | list) else [value]
    if not benchmarks or not all(isinstance(b, Benchmark) for b in benchmarks):
        raise UsageError(f"{where} defines no BENCHMARK; it must be an xlmr_bench.benchmarks.base.Benchmark.")
    return [replace(b, plugin=origin) for b in benchmarks]
