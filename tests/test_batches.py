"""Batches: every example once an epoch, little padding, and the same batches from wherever a run continues."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
import pytest
import torch

from xlmr_bench.batches import NO_TARGET, collate, epoch_batches, micro_batches, schedule
from xlmr_bench.encode import Encoded

SIZES = [(1, 1), (1, 8), (7, 8), (8, 8), (9, 8), (100, 7), (1000, 32)]


def lengths_of(n: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Lengths like XNLI's: mostly short, a few long."""
    return np.random.default_rng(seed).geometric(0.04, n).clip(8, 256).astype(np.int64)


def padding(lengths: npt.NDArray[np.int64], batches: list[npt.NDArray[np.int64]]) -> float:
    """The share of padded places that hold nothing."""
    places = sum(int(lengths[b].max()) * len(b) for b in batches)
    return 1 - int(lengths.sum()) / places


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
@pytest.mark.parametrize("window", [1, 4, 32])
def test_every_example_comes_exactly_once_an_epoch(n: int, batch_size: int, window: int) -> None:
    lengths = lengths_of(n)
    for seed, epoch in ((1, 0), (1, 5), (2, 0)):
        batches = epoch_batches(lengths, batch_size, window, seed, epoch)
        assert sorted(np.concatenate(batches).tolist()) == list(range(n))
        assert len(batches) == -(-n // batch_size)
        assert sorted(map(len, batches))[1:] == [batch_size] * (len(batches) - 1)


def test_the_batches_are_a_pure_function_of_seed_and_epoch() -> None:
    lengths = lengths_of(300)

    def drawn(seed: int, epoch: int) -> list[list[int]]:
        return [b.tolist() for b in epoch_batches(lengths, 16, 8, seed, epoch)]

    assert drawn(3, 2) == drawn(3, 2)
    different = [drawn(seed, epoch) for seed in (1, 2, 3) for epoch in (0, 1, 2)]
    assert all(a != b for i, a in enumerate(different) for b in different[:i])


def test_windows_keep_padding_small_and_the_order_random() -> None:
    lengths = lengths_of(4000)
    batches = epoch_batches(lengths, 32, 32, 1, 0)
    assert padding(lengths, batches) < 0.15
    assert padding(lengths, epoch_batches(lengths, 32, 1, 1, 0)) > 0.4
    # Batches are not run through from short to long: neighbours are not more alike than any two.
    means = np.array([lengths[b].mean() for b in batches])
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


def test_a_window_of_one_batch_leaves_the_permutation_untouched() -> None:
    lengths = lengths_of(64)
    rng = np.random.default_rng([5, 2])
    order = rng.permutation(64)
    expected = [order[i : i + 16].tolist() for i in range(0, 64, 16)]
    drawn = [b.tolist() for b in epoch_batches(lengths, 16, 1, 5, 2)]
    assert sorted(drawn) == sorted(expected)


@pytest.mark.parametrize("window", [1, 6])
def test_the_schedule_continues_exactly_from_any_step(window: int) -> None:
    lengths = lengths_of(50)
    whole = [b.tolist() for b in islice(schedule(lengths, 8, window, 9, 0), 40)]
    for first in range(30):
        resumed = [b.tolist() for b in islice(schedule(lengths, 8, window, 9, first), 10)]
        assert resumed == whole[first : first + 10], first
    epochs = [sorted(i for b in whole[start : start + 7] for i in b) for start in range(0, 35, 7)]
    assert epochs == [list(range(50))] * 5


@pytest.mark.parametrize("budget", [1, 8, 100, 1000, 10**9])
def test_micro_batches_hold_every_position_once_within_the_budget(budget: int) -> None:
    for seed in range(5):
        lengths = lengths_of(1 + 37 * seed, seed)
        groups = micro_batches(lengths, budget)
        assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
        assert all(len(g) == 1 or lengths[g].max() * len(g) <= budget for g in groups)
        # No two neighbours could have been one group.
        assert all(lengths[b[0]] * (len(a) + 1) > budget for a, b in pairwise(groups))


def test_micro_batches_group_what_is_alike() -> None:
    assert [g.tolist() for g in micro_batches(np.array([9, 3, 10, 3, 4]), 20)] == [[1, 3, 4], [0, 2]]
    assert [g.tolist() for g in micro_batches(np.array([30, 5]), 20)] == [[1], [0]]
    assert micro_batches(np.array([], dtype=np.int64), 20) == []


def encoded() -> Encoded:
    return Encoded(
        tokens=np.array([0, 7, 2, 0, 8, 9, 5, 2, 0, 2], dtype=np.int32),
        offsets=np.array([0, 3, 8, 10]),
        targets=np.array([2, 0, 1]),
        truncated=0,
    )


def test_a_batch_is_padded_on_the_right_to_its_longest_input() -> None:
    batch = collate(encoded(), np.array([2, 1]), pad_id=1)
    assert batch.ids_BT.tolist() == [[0, 2, 1, 1, 1], [0, 8, 9, 5, 2]]
    assert batch.lengths_B.tolist() == [2, 5]
    assert batch.targets.tolist() == [[1], [0]]
    assert batch.ids_BT.dtype == batch.targets.dtype == torch.int64


@pytest.mark.parametrize(("inputs", "width"), [([3, 1], 8), ([8, 8], 8), ([9, 2], 16), ([17], 20), ([20, 1], 20)])
def test_widths_are_multiples_of_8_but_never_above_what_the_data_have(inputs: list[int], width: int) -> None:
    lengths = [*inputs, 20]
    data = Encoded(
        tokens=np.full(sum(lengths), 7, dtype=np.int32), offsets=np.cumsum([0, *lengths]),
        targets=np.zeros(len(lengths), dtype=np.int64), truncated=0,
    )  # fmt: skip
    batch = collate(data, np.arange(len(inputs)), pad_id=1)
    assert batch.ids_BT.shape == (len(inputs), width)
    assert [(row == 7).sum().item() for row in batch.ids_BT] == inputs


def test_ids_may_be_replaced_by_rows_of_a_smaller_embedding() -> None:
    rows = np.array([0, 1, 2, -1, -1, 3, -1, 4, 5, 6])
    batch = collate(encoded(), np.array([0, 1]), pad_id=1, rows=rows)
    assert batch.ids_BT.tolist() == [[0, 4, 2, 1, 1], [0, 5, 6, 3, 2]]


def tagged() -> Encoded:
    """Three inputs of which two, one and three positions are read."""
    return Encoded(
        tokens=np.array([0, 7, 8, 2, 0, 9, 2, 0, 5, 6, 7, 2], dtype=np.int32),
        offsets=np.array([0, 4, 7, 12]),
        targets=np.array([4, 0, 3, 1, 2, 5]),
        truncated=0,
        reads=np.array([1, 2, 1, 1, 2, 3], dtype=np.int32),
        read_offsets=np.array([0, 2, 3, 6]),
    )


def test_positions_that_are_read_are_padded_with_targets_that_do_not_count() -> None:
    batch = collate(tagged(), np.array([1, 2]), pad_id=1)
    assert batch.reads_BK.tolist() == [[1, 0, 0], [1, 2, 3]]
    assert batch.counts_B.tolist() == [1, 3]
    assert batch.targets.tolist() == [[3, NO_TARGET, NO_TARGET], [1, 2, 5]]


def test_an_answer_has_two_targets_however_many_positions_are_read() -> None:
    data = replace(tagged(), targets=np.array([[0, 1], [0, 0], [2, 2]]))
    batch = collate(data, np.array([2, 0]), pad_id=1)
    assert batch.targets.tolist() == [[2, 2], [0, 1]]
    assert batch.reads_BK.tolist() == [[1, 2, 3], [1, 2, 0]]


def test_an_input_that_is_read_at_its_beginning_has_one_position() -> None:
    batch = collate(encoded(), np.array([2, 1]), pad_id=1)
    assert batch.reads_BK.tolist() == [[0], [0]]
    assert batch.counts_B.tolist() == [1, 1]
    values = replace(encoded(), targets=np.array([0.25, 0.5, 1.0], dtype=np.float32))
    assert collate(values, np.array([2, 1]), pad_id=1).targets.tolist() == [[1.0], [0.5]]
