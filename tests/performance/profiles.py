"""Where our time goes: the profile of one piece of work, its seconds grouped by what they were spent on."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Shares = dict[str, float]
_AT_MOST = 7
_IMPORTS = "imports"


def grouped(work: Callable[[], object], groups: Mapping[str, Sequence[str]]) -> Shares:
    """Shares of the time by group; a group is named by functions, `end of path:function`, of which none calls another.

    What no group names is `other`. Profiling adds a little to Python, nothing to what runs inside torch.
    """
    profile = cProfile.Profile()
    profile.runcall(work)
    stats: Any = pstats.Stats(profile)
    total = float(stats.total_tt)
    seconds = {group: _inside(stats, names) for group, names in groups.items()}
    shares = {group: s / total for group, s in seconds.items() if s > 0.001 * total}
    return {**shares, "other": max(0.0, 1 - sum(shares.values()))}


def _inside(stats: Any, names: Sequence[str]) -> float:
    """Cumulative seconds of functions; a recursive or inherited call counts where it was not called by its like."""
    total = 0.0
    for (path, _, function), (_, _, _, cumulative, _) in stats.stats.items():
        if any(_is(path, function, name) for name in names):
            total += cumulative
    return total


def _is(path: str, function: str, name: str) -> bool:
    wanted_path, _, wanted = name.partition(":")
    return function == wanted and path.replace("\\", "/").endswith(wanted_path)


def by_package(file: Path) -> Shares:
    """Shares of the time of a profile on disk (`python -m cProfile -o FILE`) by package, our own by module.

    Built-in functions count for the code that calls them; reading and running modules counts as imports.
    """
    stats: Any = pstats.Stats(str(file))
    seconds: dict[str, float] = defaultdict(float)
    for (path, _, function), (_, _, own, _, callers) in stats.stats.items():
        if path != "~":
            seconds[_package(path, function)] += own
            continue
        called = sum(part[2] for part in callers.values())
        for (caller, _, name), part in callers.items():
            seconds[_package(caller, name)] += own * part[2] / called if called else 0.0
    total = sum(seconds.values())
    largest = sorted(seconds.items(), key=lambda item: -item[1])
    shares = {name: s / total for name, s in largest[:_AT_MOST] if s > 0.02 * total}
    return {**shares, "other": max(0.0, 1 - sum(shares.values()))}


def _package(path: str, function: str) -> str:
    path = path.replace("\\", "/")
    if "importlib" in path or (function == "<module>" and "/site-packages/" in path):
        return _IMPORTS
    parts = path.split("/")
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    for own in ("xlmr_bench", "pretrain"):
        if own in parts:
            return "/".join(parts[parts.index(own) :]).removesuffix(".py")
    if path == "~":
        return "Python"
    return parts[-2] if parts[-1] in ("__init__.py", "decoder.py", "encoder.py") else parts[-1].removesuffix(".py")
