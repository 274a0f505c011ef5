"""The learning rate of every step of short runs, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pretrain.schedule import learning_rate
from pretrain.settings import TrainingSettings


def rates(**values: Any) -> list[float]:
    """Of all steps, for a peak of 12."""
    training = TrainingSettings(learning_rate=12.0, **values)
    return [learning_rate(step, training) for step in range(1, training.steps + 1)]


def test_warm_up_is_linear_and_ends_at_the_peak() -> None:
    assert rates(steps=10, warmup_steps=4, schedule="constant")[:5] == pytest.approx([3, 6, 9, 12, 12])


def test_polynomial_decay_falls_linearly_and_the_last_step_is_above_zero() -> None:
    assert rates(steps=8, warmup_steps=4) == pytest.approx([3, 6, 9, 12, 12, 9, 6, 3])


def fairseq(updates_before: int, *, peak: float, warmup: int, total: int) -> float:
    """The formula of fairseq's `polynomial_decay` at power 1 and end rate 0."""
    if warmup > 0 and updates_before <= warmup:
        return peak * updates_before / warmup
    return peak * (1 - (updates_before - warmup) / (total - warmup))


def test_the_decay_is_that_of_fairseq_and_the_warm_up_one_step_ahead_of_it() -> None:
    ours = rates(steps=30, warmup_steps=7)
    theirs = [fairseq(before, peak=12.0, warmup=7, total=30) for before in range(30)]
    assert ours[7:] == pytest.approx(theirs[7:])
    assert ours[:7] == pytest.approx(theirs[1:8])
    assert theirs[0] == 0 < ours[0]


def test_without_warm_up_the_first_step_has_the_peak() -> None:
    assert rates(steps=4, warmup_steps=0) == pytest.approx([12, 9, 6, 3])


def test_constant_stays_at_the_peak_to_the_end() -> None:
    assert rates(steps=5, warmup_steps=2, schedule="constant") == pytest.approx([6, 12, 12, 12, 12])


def test_wsd_is_stable_until_its_last_steps_and_then_decays_like_polynomial() -> None:
    wsd = rates(steps=10, warmup_steps=2, schedule="wsd", decay_steps=4)
    assert wsd == pytest.approx([6, 12, 12, 12, 12, 12, 12, 9, 6, 3])


def test_wsd_that_decays_from_the_warm_up_on_is_polynomial() -> None:
    assert rates(steps=9, warmup_steps=3, schedule="wsd", decay_steps=6) == rates(steps=9, warmup_steps=3)


def test_wsd_without_a_decay_is_constant() -> None:
    assert rates(steps=4, warmup_steps=0, schedule="wsd") == [12, 12, 12, 12]


@pytest.mark.parametrize("schedule", ["polynomial", "wsd", "constant"])
def test_a_run_may_consist_of_its_warm_up_alone(schedule: str) -> None:
    assert rates(steps=3, warmup_steps=3, schedule=schedule) == pytest.approx([4, 8, 12])


@pytest.mark.parametrize("schedule", ["polynomial", "wsd"])
def test_nothing_is_left_after_the_last_step(schedule: str) -> None:
    training = TrainingSettings(learning_rate=12.0, steps=8, warmup_steps=4, schedule=schedule, decay_steps=2)
    assert learning_rate(9, training) == learning_rate(20, training) == 0


def test_the_published_run_peaks_at_the_end_of_its_warm_up() -> None:
    training = TrainingSettings()
    assert max(range(1, 100_000), key=lambda step: learning_rate(step, training)) == 24_000
    assert learning_rate(24_000, training) == 6e-4
    assert learning_rate(762_001, training) == pytest.approx(3e-4)  # half of 1,476,000 steps of decay are left
