"""One fine-tuning that serves several selection rules gives what a run with each rule alone would have given."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from xlmr_bench.protocols import FineTuning
from xlmr_bench.selection import Monitor, dev_languages, monitor_name, monitors_for

TUNING = FineTuning("en", ("en",), ("en", "sw", "ur"))
Scores = dict[str, float]


def alone(series: Sequence[Scores], languages: Sequence[str], patience: int) -> tuple[int, int]:
    """(selected step, last step) of a run that watches one rule: written without Monitor, by the definition."""
    means = [sum(scores[c] for c in languages) / len(languages) for scores in series]
    last = len(means)
    if patience:
        for end in range(patience + 1, len(means) + 1):
            best_before = max(means[: end - patience])
            if all(m <= best_before for m in means[end - patience : end]):
                last = end
                break
    seen = means[:last]
    return seen.index(max(seen)) + 1, last


def together(series: Sequence[Scores], patience: int, rules: Sequence[str]) -> tuple[dict[str, int], int, set[int]]:
    """Selected steps by monitor, the last step, and the steps at which a checkpoint was wanted."""
    monitors, wanted = monitors_for(TUNING, rules), set()
    for step, scores in enumerate(series, 1):
        new_best = [m.update(step, scores, patience) for m in monitors]
        if any(new_best):
            wanted.add(step)
        if all(m.stopped for m in monitors):
            break
    return {m.name: m.best_step for m in monitors}, step, wanted


@pytest.mark.parametrize("patience", [0, 1, 2, 5])
def test_every_rule_selects_what_a_run_with_that_rule_alone_would(patience: int) -> None:
    rng = random.Random(patience)
    for _ in range(300):
        # Few distinct values, so that ties are common.
        series = [{c: rng.randint(0, 6) / 8 for c in TUNING.serves} for _ in range(rng.randint(1, 25))]
        steps, last, wanted = together(series, patience, ("joint", "english", "per-language"))
        rules = {"joint": TUNING.serves, "english": ("en",), **{f"language:{c}": (c,) for c in TUNING.serves}}
        separate = {name: alone(series, languages, patience) for name, languages in rules.items()}
        assert steps == {name: selected for name, (selected, _) in separate.items()}
        # The run goes on until the last rule has stopped, and every selected checkpoint was kept when it came.
        assert last == max(end for _, end in separate.values())
        assert set(steps.values()) <= wanted


def test_on_ties_the_earlier_checkpoint_stays() -> None:
    series = [{"en": s, "sw": s, "ur": s} for s in (0.4, 0.6, 0.6, 0.5)]
    assert together(series, 0, ("joint",))[0] == {"joint": 2}


def test_a_tie_uses_up_patience() -> None:
    monitor = Monitor("english", ("en",))
    assert [monitor.update(i, {"en": 0.5}, 2) for i in range(1, 4)] == [True, False, False]
    assert (monitor.stopped, monitor.best_step, monitor.rounds_since_best) == (True, 1, 2)


def test_a_stopped_rule_never_looks_again() -> None:
    monitor = Monitor("english", ("en",))
    for step, score in enumerate((0.5, 0.4, 0.9), 1):
        monitor.update(step, {"en": score}, 1)
    assert (monitor.best, monitor.best_step) == (0.5, 1)


def test_an_improvement_renews_the_patience() -> None:
    monitor = Monitor("english", ("en",))
    for step, score in enumerate((0.5, 0.4, 0.6, 0.5), 1):
        monitor.update(step, {"en": score}, 2)
    assert not monitor.stopped
    assert monitor.best_step == 3


def test_without_patience_a_rule_never_stops() -> None:
    monitor = Monitor("english", ("en",))
    for step in range(1, 100):
        monitor.update(step, {"en": 0.5 - step / 1000}, 0)
    assert not monitor.stopped


def test_even_a_score_of_zero_selects_a_checkpoint() -> None:
    monitor = Monitor("english", ("en",))
    assert monitor.update(7, {"en": 0.0}, 5)
    assert monitor.best_step == 7


def test_even_the_worst_correlation_selects_a_checkpoint() -> None:
    monitor = Monitor("english", ("en",))
    assert monitor.update(5, {"en": -1.0}, 1)
    assert (monitor.best, monitor.best_step) == (-1.0, 5)
    assert not monitor.update(10, {"en": -1.0}, 1)
    assert monitor.stopped


def test_the_joint_rule_is_the_plain_mean_over_all_languages() -> None:
    series = [{"en": 0.9, "sw": 0.1, "ur": 0.1}, {"en": 0.5, "sw": 0.4, "ur": 0.4}]
    steps, _, _ = together(series, 0, ("joint", "english", "per-language"))
    assert steps == {"joint": 2, "english": 1, "language:en": 1, "language:sw": 2, "language:ur": 2}


def test_monitors_and_the_dev_sets_they_need_follow_from_the_rules() -> None:
    sw = FineTuning("sw", ("sw",), ("sw",))
    assert [m.name for m in monitors_for(sw, ("per-language",))] == ["language:sw"]
    assert dev_languages(monitors_for(sw, ("per-language",))) == ("sw",)
    # The English rule needs English dev even where English is not asked for.
    assert set(dev_languages(monitors_for(sw, ("joint", "english")))) == {"sw", "en"}
    assert dev_languages(monitors_for(TUNING, ("joint", "english", "per-language"))) == ("en", "sw", "ur")


def test_the_monitor_that_decides_for_a_language_exists() -> None:
    names = {m.name for m in monitors_for(TUNING, ("joint", "english", "per-language"))}
    for rule in ("joint", "english", "per-language"):
        assert {monitor_name(rule, code) for code in TUNING.serves} <= names
