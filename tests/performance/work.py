"""A piece of work that is measured, and the sides that do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OURS, DOCUMENTED, BEST = "ours", "documented", "flags-best"
Goals = Mapping[tuple[str, str], float]  # ratio by phase and side


@dataclass(frozen=True)
class Work:
    """One piece of work, and all that is special about it.

    modules: the sides in the order in which they take turns, and the module that each runs, in a process of its own:
        `ours` in our environment, every other side in the peers'.
    phases: what is timed, and what is counted in it; `s` where the time itself is the figure.
    job: what all sides are given; `quick` replaces parts of it for a try, `of_side` for one side.
    short: what `documented` is given after its first round; its rows are all of one length, so fewer give that rate.
    needs, peer: the packages of the other sides, and in words who they are, or why there is none.
    checks: modes of the modules whose outputs must agree: `logits`, `steps` (after training steps in fp32), `tokens`,
        `scores`.
    score: what is learnt, in words; empty where nothing is trained.
    goals: ratios of CPU-seconds that are aimed at; `limits`: largest figures of ours, by phase or `memory_gb`.
    rounds: as many at most, where a round takes long and rounds hardly differ.
    note: what a reader has to know of the comparison.
    """

    name: str
    title: str
    modules: Mapping[str, str]
    phases: Mapping[str, str]
    job: Mapping[str, Any]
    quick: Mapping[str, Any] = field(default_factory=dict)
    of_side: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    short: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    peer: str = ""
    checks: tuple[str, ...] = ()
    score: str = ""
    goals: Goals = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    rounds: int | None = None
    note: str = ""

    def job_of(self, side: str, *, mode: str, seed: int, quick: bool) -> dict[str, Any]:
        """What a side is given in round `seed` (counted from 1)."""
        job = {**self.job, **self.of_side.get(side, {}), **(self.quick if quick else {})}
        if side == DOCUMENTED and seed > 1 and mode == "measure":
            job |= self.short
        return {**job, "side": side, "mode": mode, "seed": seed}


def goals(**phases: tuple[float | None, float | None]) -> Goals:
    """Goals by phase: against `documented`, against `flags-best`."""
    return {
        (phase, side): goal
        for phase, pair in phases.items()
        for side, goal in zip((DOCUMENTED, BEST), pair, strict=True)
        if goal is not None
    }
