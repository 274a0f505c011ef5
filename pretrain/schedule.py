"""The learning rate of a step, as a pure function: a continued run needs no scheduler state."""

from __future__ import annotations

from .settings import TrainingSettings


def learning_rate(step: int, training: TrainingSettings) -> float:
    """Rate of optimizer step `step`, counted from 1.

    Warm-up is linear and reaches the peak at step `warmup_steps`. The decay of `polynomial` (power 1) and `wsd` (over
    the last `decay_steps`) is linear too: its first step still has the peak, the last step 1 / length of it, and a
    step after the last would have 0. That is fairseq's `polynomial_decay` with end rate 0, which sets the rate of an
    update from the number of updates before it. Only the warm-up is a step ahead: fairseq's first update has rate 0.
    https://github.com/facebookresearch/fairseq/blob/main/fairseq/optim/lr_scheduler/polynomial_decay_schedule.py
    """
    t = training
    if step <= t.warmup_steps:
        return t.learning_rate * step / t.warmup_steps
    if t.schedule == "constant":
        return t.learning_rate
    length = t.decay_steps if t.schedule == "wsd" else t.steps - t.warmup_steps
    left = max(0, t.steps - step + 1)  # this step and those after it
    return t.learning_rate * min(1.0, left / max(1, length))
