"""Rounds of one piece of work, and the evidence that its sides do the same: what becomes an entry of `results.json`."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .clock import spend
from .machine import HERE, REPOSITORY, Peers
from .work import DOCUMENTED, OURS, Work

LOGITS, STEPS = 1e-5, 1e-4  # largest difference of fp32 outputs, before training and after a few steps
SAME_INPUTS, SAME_TOKENS = 0.5, 0.99  # least share of inputs that both sides have, and of equal tokens
INTERVALS = 0.005  # largest difference of bounds of intervals, which both sides draw


class Failed(Exception):
    """A process of a side ended with an error."""


@dataclass(frozen=True)
class Bench:
    """How it is measured this time."""

    peers: Peers
    rounds: int
    quick: bool

    def python(self, side: str) -> str:
        """The interpreter of a side's environment."""
        return sys.executable if side == OURS else str(self.peers.python)


def measure(work: Work, bench: Bench) -> dict[str, Any]:
    """All rounds, sides in turn, and the checks. What failed or is missing is in the entry, in words."""
    entry: dict[str, Any] = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "quick": bench.quick}
    lacks = bench.peers.lacks(work.needs)
    sides = [side for side in work.modules if side == OURS or lacks is None]
    entry["missing"] = lacks if lacks and len(sides) < len(work.modules) else None
    folder = inputs(work, bench)
    entry["inputs"] = _about(folder)
    entry["rounds"] = {side: [] for side in sides}
    entry["failed"] = {}
    rounds = min(bench.rounds, work.rounds or bench.rounds)
    for seed in range(1, rounds + 1):
        for side in list(entry["rounds"]):
            print(f"{work.name}, round {seed} of {rounds}: {side}", file=sys.stderr, flush=True)
            try:
                found = run(work, bench, side, "measure", folder, seed=seed)
            except Failed as e:
                if side == OURS:
                    raise
                entry["failed"][side] = str(e)
                del entry["rounds"][side]
                continue
            if side == DOCUMENTED and seed > 1 and work.short:
                del found["score"]  # it has trained less than the other sides
            entry["rounds"][side].append(found)
    entry["checks"] = {side: checks(work, bench, side, folder) for side in _checked(list(entry["rounds"]), work)}
    return entry


def inputs(work: Work, bench: Bench) -> str:
    """The folder with what the sides work on; made by a process of its own, for this one must stay small."""
    return _folder(work.job_of(OURS, mode="", seed=1, quick=bench.quick))


def run_job(module: str, job: dict[str, Any]) -> dict[str, Any]:
    """One process of ours on a job that belongs to no comparison."""
    found: dict[str, Any] = json.loads(_last_line([sys.executable, "-m", module], {**job, "folder": _folder(job)}))
    return found


def run(work: Work, bench: Bench, side: str, mode: str, folder: str, *, seed: int = 1, out: str = "") -> dict[str, Any]:
    """One process of one side."""
    job = {**work.job_of(side, mode=mode, seed=seed, quick=bench.quick), "folder": folder, "out": out}
    found: dict[str, Any] = json.loads(_last_line([bench.python(side), "-m", work.modules[side]], job))
    return found


def checks(work: Work, bench: Bench, side: str, folder: str) -> dict[str, dict[str, Any]]:
    """The evidence for one peer, by kind; `ok` is false where both sides do not do the same."""
    found = {}
    for mode in work.checks:
        print(f"{work.name}, checking {mode}: {side}", file=sys.stderr, flush=True)
        if mode == "scores":
            mine, theirs = (run(work, bench, s, "measure", folder)["scores"] for s in (OURS, side))
            found[mode] = _scores(mine, theirs)
            continue
        with tempfile.TemporaryDirectory() as scratch:
            files = {s: str(Path(scratch) / f"{s}.npz") for s in (OURS, side)}
            asked = "logits" if mode == "tokens" else mode
            for s, file in files.items():
                run(work, bench, s, asked, folder, out=file)
            compared = json.loads(_module(["performance.equality", mode, *files.values()]))
        found[mode] = {**compared, "ok": _agrees(mode, compared)}
    return found


def profile(work: Work, bench: Bench) -> dict[str, dict[str, float]]:
    """Where our time goes, by phase."""
    print(f"{work.name}, profile", file=sys.stderr, flush=True)
    found: dict[str, dict[str, float]] = run(work, bench, OURS, "profile", inputs(work, bench))["profile"]
    return found


def _folder(job: dict[str, Any]) -> str:
    return _last_line([sys.executable, "-m", "performance.inputs"], job) if job["inputs"] else ""


def _agrees(mode: str, found: dict[str, float]) -> bool:
    if mode == "tokens":
        return found["same"] >= SAME_TOKENS * found["tokens"]
    limit = LOGITS if mode == "logits" else STEPS
    return found["difference"] <= limit and found["same_inputs"] >= SAME_INPUTS * found["inputs"]


def _scores(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> dict[str, Any]:
    """Accuracies must be equal; bounds of intervals are drawn, so they are only alike."""
    values = max(abs(ours[code][0] - theirs[code][0]) for code in ours)
    bounds = max(abs(a - b) for code in ours for a, b in zip(ours[code][1:], theirs[code][1:], strict=True))
    return {"difference": values, "bounds": bounds, "ok": values < 1e-12 and bounds <= INTERVALS}


def _checked(sides: Sequence[str], work: Work) -> list[str]:
    """Peers whose outputs are compared: one a module, as its sides differ by flags that checks leave out."""
    others = [side for side in sides if side != OURS]
    return others if work.checks in (("tokens",), ("scores",)) else others[:1]


def _about(folder: str) -> dict[str, Any]:
    file = Path(folder) / "about.json"
    about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if folder and file.is_file() else {}
    return {key: about[key] for key in ("data", "vocabulary") if key in about}


def _last_line(words: Sequence[str], job: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "job.json"
        file.write_text(json.dumps(job), encoding="utf-8")
        return _said([*words, str(file)])


def _module(words: Sequence[str]) -> str:
    return _said([sys.executable, "-m", *words])


def _said(words: Sequence[str]) -> str:
    """The last line on stdout of a command that must succeed."""
    spent = spend(words, REPOSITORY, {"PYTHONPATH": str(HERE.parent)})
    lines = spent.stdout.strip().splitlines()
    if spent.code or not lines:
        raise Failed(f"{' '.join(words[1:3])} ended with {spent.code}:\n{spent.stderr[-1500:]}")
    return lines[-1]
