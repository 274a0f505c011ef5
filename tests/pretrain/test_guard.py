"""What the guard makes of hand-written curves of losses."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from pretrain.guard import Guard
from pretrain.settings import GuardSettings, ParallelSettings, Settings, TrainingSettings
from xlmr_bench.errors import XlmrBenchError

LIMITS = GuardSettings(spike_ratio=1.5, spike_steps=5)


def settings(limits: GuardSettings = LIMITS) -> Settings:
    return Settings(guard=limits, training=TrainingSettings(steps=1000, warmup_steps=20, learning_rate=6e-4, seed=3))


def follow(guard: Guard, losses: Iterable[float], first_step: int = 1) -> list[str]:
    """Feed a curve; the lines for the log."""
    lines = [guard.update(step, loss, "run/step-100") for step, loss in enumerate(losses, first_step)]
    return [line for line in lines if line]


def after(losses: Iterable[float], limits: GuardSettings = LIMITS) -> Guard:
    guard = Guard(settings(limits))
    assert follow(guard, losses) == []
    return guard


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("spike_steps", [0, 5])
def test_a_loss_that_is_no_number_stops_the_run_at_once(loss: float, spike_steps: int) -> None:
    guard = Guard(settings(GuardSettings(spike_steps=spike_steps)))
    with pytest.raises(XlmrBenchError, match=rf"training diverged: the loss of step 1 is {loss}\. "):
        guard.update(1, loss, "")


def test_the_error_names_the_checkpoint_and_changes_that_can_be_typed() -> None:
    guard = after([2.0] * 40)
    with pytest.raises(XlmrBenchError) as caught:
        guard.update(41, math.nan, "runs/base/step-40")
    assert str(caught.value) == (
        "training diverged: the loss of step 41 is nan. The run continues from the newest complete checkpoint, "
        "runs/base/step-40, which is from before that. The same command would meet the same batches again; repeat it "
        "with --accept-changes and a lower rate (training.learning_rate=0.0002), or a longer warm-up "
        "(training.warmup_steps, now 20), or parallel.precision=fp32, or training.clip_norm=1, or other batches "
        "(training.seed=4)."
    )


def test_the_error_says_so_where_there_is_no_checkpoint() -> None:
    with pytest.raises(XlmrBenchError, match="There is no complete checkpoint yet: the run starts anew"):
        Guard(settings()).update(1, math.nan, "")


def test_the_error_proposes_nothing_that_is_done_already_or_comes_too_late() -> None:
    clipped = replace(settings(), parallel=ParallelSettings(precision="fp32"))
    clipped = replace(clipped, training=replace(clipped.training, clip_norm=0.5))
    with pytest.raises(XlmrBenchError) as caught:
        Guard(clipped).update(101, math.nan, "")
    assert "warm-up" not in str(caught.value)
    assert "precision" not in str(caught.value)
    assert "training.clip_norm=0.25," in str(caught.value)


def test_a_loss_above_the_ratio_to_the_median_is_a_spike_and_one_at_it_is_none() -> None:
    guard = after([2.0] * 40)
    guard.update(41, 3.0, "")
    assert not guard.spiking
    guard.update(42, 3.01, "")
    assert guard.spiking


def test_nothing_may_be_saved_during_a_spike() -> None:
    guard = after([2.0] * 40)
    assert guard.may_save
    guard.update(41, 9.0, "")
    assert not guard.may_save
    guard.update(42, 2.1, "")
    assert guard.may_save


def test_a_spike_that_heals_is_reported_once() -> None:
    guard = after([2.0] * 40)
    lines = follow(guard, [9.0, 11.0, 4.0, 2.1, 2.0, 2.0], first_step=41)
    assert lines == [
        "a loss spike of 3 steps up to step 43 healed: at most 11, the median before it 2; no checkpoint was made "
        "meanwhile"
    ]


def test_a_second_spike_is_reported_by_its_own_height() -> None:
    guard = after([2.0] * 40)
    assert "at most 11" in follow(guard, [11.0, 2.0], first_step=41)[0]
    assert "at most 4," in follow(guard, [4.0, 2.0], first_step=43)[0]


def test_a_spike_that_lasts_stops_the_run_at_exactly_that_step() -> None:
    guard = after([2.0] * 40)
    follow(guard, [7.0] * 4, first_step=41)
    with pytest.raises(XlmrBenchError) as caught:
        guard.update(45, 7.5, "run/step-40")
    assert (
        "the loss has been above 1.5 x its recent median of 2 for 5 steps up to step 45, where it is 7.5. The run "
        "continues from the newest complete checkpoint, run/step-40," in str(caught.value)
    )


def test_only_consecutive_steps_count() -> None:
    follow(after([2.0] * 40), [7.0, 7.0, 7.0, 7.0, 2.0] * 6, first_step=41)


def test_the_losses_of_a_spike_never_become_the_measure() -> None:
    """Enough of them to make up most of the window, were they to enter it."""
    guard = after([2.0] * 40, GuardSettings(spike_ratio=1.5, spike_steps=1000))
    follow(guard, [7.0] * 300, first_step=41)
    assert guard.spiking


def test_too_few_losses_are_no_measure() -> None:
    assert not after([2.0] * 31 + [9.0]).spiking
    assert after([2.0] * 32 + [9.0]).spiking


def test_a_fast_fall_as_in_the_first_steps_is_no_spike() -> None:
    """From ln 250,000 = 12.43 to 2 at once and in steps, with noise of 5 %."""
    curve = [2.0 + 10.43 * math.exp(-step / 20) for step in range(400)]
    assert after(curve).may_save
    assert after(loss * (1.05 if step % 2 else 0.95) for step, loss in enumerate(curve)).may_save
    assert after([12.4] * 40 + [2.0] * 40).may_save


def test_a_plateau_with_noise_is_no_spike() -> None:
    assert after(6.9 + 0.5 * math.sin(step) for step in range(1000)).may_save


def test_the_measure_follows_a_loss_that_has_fallen() -> None:
    """5 was good when the loss was 10; 128 steps at 2 later it is a spike."""
    assert not after([10.0] * 128 + [2.0] * 63 + [5.0]).spiking
    assert after([10.0] * 128 + [2.0] * 128 + [5.0]).spiking


def test_a_divergence_over_two_hundred_steps_is_seen() -> None:
    guard = after([2.0] * 128, GuardSettings(spike_ratio=1.5, spike_steps=100))
    with pytest.raises(XlmrBenchError, match="diverged"):
        follow(guard, [2.0 + 5.0 * min(1.0, step / 200) for step in range(500)], first_step=129)


def test_without_a_limit_of_steps_a_spike_neither_stops_the_run_nor_keeps_it_from_saving() -> None:
    guard = after([2.0] * 40, GuardSettings(spike_steps=0))
    for step in range(41, 400):
        assert guard.update(step, 9.0, "") is None
        assert guard.may_save


@pytest.mark.parametrize("interrupted_after", [20, 41, 43, 90])
def test_a_guard_that_went_through_json_judges_as_one_that_did_not(interrupted_after: int) -> None:
    curve = [2.0 + 0.1 * math.sin(step) for step in range(40)] + [8.1, 9.0, 4.0] + [2.0] * 60 + [7.0] * 5
    steps = list(enumerate(curve, 1))
    whole, half = Guard(settings()), Guard(settings())
    for step, loss in steps[:interrupted_after]:
        assert whole.update(step, loss, "") == half.update(step, loss, "")
    rest = Guard.from_json(json.loads(json.dumps(half.as_json())), settings())
    for step, loss in steps[interrupted_after:-1]:
        assert whole.update(step, loss, "") == rest.update(step, loss, "")
        assert whole.spiking == rest.spiking
    for guard in (whole, rest):
        with pytest.raises(XlmrBenchError, match="for 5 steps up to step 108"):
            guard.update(*steps[-1], "")
    assert whole.as_json() == rest.as_json()


def test_a_continued_run_has_the_limits_of_its_own_settings() -> None:
    guard = Guard.from_json(after([2.0] * 40).as_json(), settings(GuardSettings(spike_ratio=5.0, spike_steps=1)))
    follow(guard, [9.0], first_step=41)
    with pytest.raises(XlmrBenchError, match="above 5 x its recent median"):
        guard.update(42, 11.0, "")
