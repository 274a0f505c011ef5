"""Watches the loss: a run that diverges stops, keeps its last good checkpoint and says what to change.

XLM-R's size diverges late in training now and then (fairseq issues 1533 and 1904). The loss then jumps to that of a
model that knows only frequencies, mostly for good, and every later checkpoint is worthless.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import Any

from xlmr_bench.errors import XlmrBenchError

from .settings import Settings

WINDOW = 128  # good losses that count as recent
ENOUGH = 32  # of them before a spike can be told from noise


class Guard:
    """Follows the mean loss of every step over all processes, so that all of them come to the same conclusion.

    A spike is a loss above `guard.spike_ratio` times the median of the recent good losses; its own losses never
    become good ones. A falling loss is none, whatever its rate, nor is a plateau. With `guard.spike_steps` 0 only NaN
    and infinity matter.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._good: deque[float] = deque(maxlen=WINDOW)
        self._spike_steps = 0
        self._highest = 0.0

    @classmethod
    def from_json(cls, state: dict[str, Any], settings: Settings) -> Guard:
        """The guard whose `as_json` this was; the limits are those of `settings`, which may have changed."""
        guard = cls(settings)
        guard._good.extend(state["good"])
        guard._spike_steps = state["spike_steps"]
        guard._highest = state["highest"]
        return guard

    def as_json(self) -> dict[str, Any]:
        """The state, for the checkpoint: a continued run judges as one that was never interrupted."""
        return {"good": list(self._good), "spike_steps": self._spike_steps, "highest": self._highest}

    @property
    def spiking(self) -> bool:
        """Whether the last step belonged to a spike."""
        return self._spike_steps > 0

    @property
    def may_save(self) -> bool:
        """Whether the weights are worth a checkpoint: never during a spike."""
        return not self.spiking

    def update(self, step: int, loss: float, last_good: str) -> str | None:
        """Take in the loss of `step`; returns a line for the log when a spike has just healed.

        `last_good` names the newest complete checkpoint ("" where there is none). Raises XlmrBenchError at a loss
        that is no number, and when a spike lasts `guard.spike_steps` steps.
        """
        if not math.isfinite(loss):
            raise self.diverged(f"the loss of step {step:,} is {loss}", step, last_good)
        if not self._above(loss):
            healed = self._healed(step) if self.spiking else None
            self._good.append(loss)
            self._spike_steps, self._highest = 0, 0.0
            return healed
        self._spike_steps += 1
        self._highest = max(self._highest, loss)
        if self._spike_steps >= self._settings.guard.spike_steps:
            what = (
                f"the loss has been above {self._settings.guard.spike_ratio:g} x its recent median of "
                f"{median(self._good):.4g} for {self._spike_steps:,} steps up to step {step:,}, where it is {loss:.4g}"
            )
            raise self.diverged(what, step, last_good)
        return None

    def _above(self, loss: float) -> bool:
        limits = self._settings.guard
        if limits.spike_steps == 0 or len(self._good) < ENOUGH:
            return False
        return loss > limits.spike_ratio * median(self._good)

    def _healed(self, step: int) -> str:
        return (
            f"a loss spike of {self._spike_steps:,} steps up to step {step - 1:,} healed: at most {self._highest:.4g}, "
            f"the median before it {median(self._good):.4g}; no checkpoint was made meanwhile"
        )

    def diverged(self, what: str, step: int, last_good: str) -> XlmrBenchError:
        """The error with the changes that are worth trying, as they are typed."""
        t = self._settings.training
        changes = [f"a lower rate (training.learning_rate={t.learning_rate / 3:.2g})"]
        if step <= max(2 * t.warmup_steps, t.steps // 10):
            changes.append(f"a longer warm-up (training.warmup_steps, now {t.warmup_steps:,})")
        if self._settings.parallel.precision != "fp32":
            changes.append("parallel.precision=fp32")
        clip = 1.0 if t.clip_norm == 0 or t.clip_norm > 1 else t.clip_norm / 2
        changes += [f"training.clip_norm={clip:g}", f"other batches (training.seed={t.seed + 1})"]
        kept = "There is no complete checkpoint yet: the run starts anew."
        if last_good:
            kept = f"The run continues from the newest complete checkpoint, {last_good}, which is from before that."
        return XlmrBenchError(
            f"training diverged: {what}. {kept} The same command would meet the same batches again; repeat it with "
            f"--accept-changes and {', or '.join(changes)}."
        )
