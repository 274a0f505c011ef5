"""Choosing checkpoints on dev: every rule watches its own score and stops by its own patience.

Because each rule is frozen when its own patience ends, one fine-tuning gives exactly what separate fine-tunings
with each rule would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .protocols import ENGLISH, FineTuning


@dataclass
class Monitor:
    """The mean dev score over `languages`, its best value and the step (0: none yet) at which that was reached."""

    name: str
    languages: tuple[str, ...]
    best: float = -1.0
    best_step: int = 0
    rounds_since_best: int = 0
    stopped: bool = False

    def update(self, step: int, scores: Mapping[str, float], patience: int) -> bool:
        """Take one evaluation; True when it is the new best. On ties the earlier checkpoint stays."""
        if self.stopped:
            return False
        score = sum(scores[code] for code in self.languages) / len(self.languages)
        if not self.best_step or score > self.best:  # correlations go down to -1
            self.best, self.best_step, self.rounds_since_best = score, step, 0
            return True
        self.rounds_since_best += 1
        self.stopped = 0 < patience <= self.rounds_since_best
        return False


def monitors_for(tuning: FineTuning, selections: Sequence[str], model_of: Callable[[str], str] = str) -> list[Monitor]:
    """What a fine-tuning must watch to serve every selection rule; `model_of` as in `Benchmark`."""
    judges = tuple(dict.fromkeys(map(model_of, tuning.serves)))
    monitors = []
    if "joint" in selections:
        monitors.append(Monitor("joint", judges))
    if "english" in selections:
        monitors.append(Monitor("english", (ENGLISH,)))
    if "per-language" in selections:
        monitors.extend(Monitor(f"language:{code}", (code,)) for code in judges)
    return monitors


def monitor_name(selection: str, language: str) -> str:
    """The monitor that decides for `language` under a selection rule."""
    return f"language:{language}" if selection == "per-language" else selection


def dev_languages(monitors: Sequence[Monitor]) -> tuple[str, ...]:
    """All languages whose dev sets the monitors need, each once."""
    return tuple(dict.fromkeys(code for m in monitors for code in m.languages))
