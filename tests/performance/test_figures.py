"""The arithmetic and the page of the benchmarks, on figures worked out by hand; nothing is measured here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from performance.equality import outputs, tokens
from performance.figures import exponent, ratio, within_noise
from performance.machine import Peers
from performance.measuring import Bench
from performance.render import page
from performance.work import BEST, DOCUMENTED, OURS, Work, goals
from performance.works import WORKS

WORK = Work(
    name="sums",
    title="Sums",
    modules={OURS: "a", DOCUMENTED: "b", BEST: "b"},
    phases={"train": "examples"},
    job={"inputs": "", "train": 100},
    quick={"train": 10},
    short={"limit": 8},
    needs=("torch",),
    score="accuracy",
    goals=goals(train=(5.0, 1.3)),
)


def one(cpu_s: float, items: float = 10, score: float | None = None) -> dict[str, Any]:
    found = {"phases": {"train": {"cpu_s": cpu_s, "wall_s": 2 * cpu_s, "items": items}}, "memory_gb": 1.0}
    return found if score is None else {**found, "score": score}


def entry(difference: float = 1e-7, **changes: Any) -> dict[str, Any]:
    check = {"inputs": 64, "same_inputs": 64, "difference": difference, "largest": 1.0, "ok": difference <= 1e-5}
    rounds = {
        OURS: [one(1.0, score=0.8), one(2.0, score=0.82)],
        DOCUMENTED: [one(6.0, score=0.81), one(6.0, items=5)],
        BEST: [one(1.0, score=0.5), one(2.4, score=0.52)],
    }
    return {
        "date": "2020-07-05", "quick": False, "missing": None, "failed": {}, "inputs": {"data": "toy"},
        "versions": {"torch": "2"}, "rounds": rounds, "checks": {DOCUMENTED: {"logits": check}}, **changes,
    }  # fmt: skip


def rendered(found: dict[str, Any]) -> str:
    device = {"machine": {"processor": "toy", "cores": "2"}, "entries": {"sums": found}}
    return page({"devices": {"toy, one thread": device}}, [WORK], {})


def test_a_ratio_is_the_median_of_the_rounds_of_seconds_an_item() -> None:
    found = ratio([one(1.0), one(2.0), one(1.0)], [one(4.0), one(4.0), one(3.0, items=5)], "train")
    assert (found.middle, found.lowest, found.highest) == pytest.approx((4.0, 2.0, 6.0))


def test_means_within_two_standard_errors_are_noise() -> None:
    assert within_noise([0.50, 0.54], [0.55, 0.51])
    assert within_noise([0.50, 0.51], [0.60, 0.61]) is False
    assert within_noise([0.50, 0.60], [0.68])  # with the spread of the other side twice
    assert within_noise([0.5], [0.9]) is None


def test_an_exponent_is_the_slope_in_logarithms() -> None:
    assert exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2.0)
    assert exponent([1, 10], [5, 5]) == pytest.approx(0.0)


def test_every_ratio_stands_beside_its_evidence_and_goal() -> None:
    lines = [line for line in rendered(entry()).splitlines() if line.startswith("| Sums | train")]
    documented, best = (line.split(" | ") for line in lines)
    assert documented[5] == "6.00 [6.00, 6.00]"
    assert documented[7] == "5"
    assert documented[8] == "1.0e-07 (64 of 64 inputs)"
    assert "accuracy 0.810 ± 0.014 / 0.810" in documented[10]
    assert best[5] == "1.10 [1.00, 1.20]"
    assert best[7] == "1.3 (missed)"
    assert "0.510 ± 0.014, beyond noise" in best[10]


def test_outputs_that_differ_void_the_ratio_of_every_side_they_stand_for() -> None:
    text = rendered(entry(difference=2e-5))
    assert text.count("**NOT EQUAL**") == 2
    assert "6.00 [6.00, 6.00]" not in text


def test_missing_peers_and_failed_sides_are_named() -> None:
    alone = {OURS: [one(1.0)]}
    text = rendered(entry(rounds=alone, checks={}, missing="not installed: torch (absent)"))
    assert "Sums: no peer was measured, not installed: torch (absent)." in text
    text = rendered(entry(failed={BEST: "ended with 1:\nMemoryError"}))
    assert f"Sums: {BEST} failed: MemoryError" in text


def test_only_documented_is_shortened_and_only_after_its_first_round() -> None:
    def job(side: str, seed: int, quick: bool = False) -> dict[str, Any]:
        return WORK.job_of(side, mode="measure", seed=seed, quick=quick)

    assert "limit" not in job(DOCUMENTED, 1)
    assert job(DOCUMENTED, 2)["limit"] == 8
    assert "limit" not in job(BEST, 2)
    assert job(OURS, 1, quick=True)["train"] == 10


def test_peers_lack_what_is_missing_of_what_they_need() -> None:
    peers = Peers(Path("python"), {"numpy": "2"}, {"torch": "absent"})
    assert peers.lacks(("numpy",)) is None
    assert peers.lacks(("numpy", "torch")) == "not installed: torch (absent)"
    assert Bench(peers, 1, False).python(BEST) == "python"


def test_works_have_distinct_names_and_goals_of_their_own_phases_and_sides() -> None:
    assert len({work.name for work in WORKS}) == len(WORKS)
    for work in WORKS:
        for phase, side in work.goals:
            assert phase in work.phases, work.name
            assert side in work.modules, work.name


def write_outputs(path: Path, rows: dict[tuple[int, ...], list[float]]) -> str:
    lengths = [len(ids) for ids in rows]
    np.savez(
        path, tokens=np.concatenate([*rows]), offsets=np.cumsum([0, *lengths]),
        outputs=np.array([[v] for values in rows.values() for v in values], dtype=np.float32),
        positions=np.concatenate([np.arange(len(v)) for v in rows.values()]),
        output_offsets=np.cumsum([0, *(len(v) for v in rows.values())]),
    )  # fmt: skip
    return str(path)


def test_outputs_are_compared_for_the_inputs_that_both_sides_have(tmp_path: Path) -> None:
    ours = write_outputs(tmp_path / "a.npz", {(0, 5, 2): [1.0, 2.0], (0, 6, 2): [3.0, 4.0]})
    peer = write_outputs(tmp_path / "b.npz", {(0, 5, 2): [1.0, 2.5, 9.0], (0, 7, 2): [3.0, 4.0, 5.0]})
    assert outputs(ours, peer) == {"inputs": 2, "same_inputs": 1, "difference": 0.5, "largest": 2.0}


def test_tokens_are_compared_without_ends_of_documents_and_in_either_numbering(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", en=[10, 3, 2, 11, 2])
    np.savez(tmp_path / "b.npz", en=[10, 3, 11])
    np.savez(tmp_path / "c.npz", en=[9, 0, 10])
    files = [str(tmp_path / f"{name}.npz") for name in "abc"]
    assert tokens(files[0], files[1]) == {"tokens": 3, "same": 3}
    assert tokens(files[0], files[2]) == {"tokens": 3, "same": 3}
