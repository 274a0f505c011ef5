"""Each kind of loss against a computation by hand, and sums over parts of a batch against the whole."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
import torch
from toy import toy_answers, toy_data, toy_words

from xlmr_bench.batches import NO_TARGET, Batch, collate
from xlmr_bench.encode import Encoded
from xlmr_bench.losses import loss_sum


def batch(targets: list[list[float]], counts: list[int]) -> Batch:
    """What a loss looks at: targets, and how many of the positions are real."""
    width = max(counts)
    nothing = torch.zeros(len(counts), width, dtype=torch.long)
    return Batch(nothing, torch.tensor(counts), nothing, torch.tensor(counts), torch.tensor(targets))


def cross_entropy(logits: list[float], target: int) -> float:
    """By hand: the logarithm of what the other classes take."""
    return log(sum(exp(x) for x in logits)) - logits[target]


def test_labels_cost_the_cross_entropy_over_classes() -> None:
    logits = [[[1.0, 2.0, 0.5]], [[-1.0, 0.0, 3.0]]]
    value = loss_sum("classes", torch.tensor(logits), batch([[1], [0]], [1, 1]))
    assert float(value) == pytest.approx(cross_entropy(logits[0][0], 1) + cross_entropy(logits[1][0], 0), rel=1e-6)


def test_tags_cost_the_cross_entropy_at_each_word_and_nothing_where_there_is_none() -> None:
    logits = [
        [[1.0, 2.0, 0.5], [0.3, 0.2, 0.1], [2.0, -2.0, 0.0]],
        [[-1.0, 0.0, 3.0], [9.0, 1.0, 5.0], [7.0, 7.0, 1.0]],
    ]
    value = loss_sum("classes", torch.tensor(logits), batch([[1, 0, 2], [2, NO_TARGET, NO_TARGET]], [3, 1]))
    words = [(0, 0, 1), (0, 1, 0), (0, 2, 2), (1, 0, 2)]
    expected = sum(cross_entropy(logits[i][k], target) for i, k, target in words)
    assert float(value) == pytest.approx(expected, rel=1e-6)
    other = torch.tensor(logits)
    other[1, 1:] = 1e4
    assert float(loss_sum("classes", other, batch([[1, 0, 2], [2, NO_TARGET, NO_TARGET]], [3, 1]))) == float(value)


def test_scores_cost_the_squared_error() -> None:
    value = loss_sum("value", torch.tensor([[[0.5]], [[1.5]], [[-1.0]]]), batch([[0.25], [1.0], [0.5]], [1, 1, 1]))
    assert float(value) == pytest.approx(0.25**2 + 0.5**2 + 1.5**2)


def test_answers_cost_the_cross_entropy_over_positions_for_start_and_for_end() -> None:
    starts, ends = [[1.0, 2.0, 0.5], [0.5, -1.0, 99.0]], [[0.0, 0.1, 0.7], [2.0, 1.0, 99.0]]
    logits = torch.tensor([starts, ends]).permute(1, 2, 0).contiguous()
    targets = [[1, 2], [0, 1]]
    value = loss_sum("positions", logits, batch(targets, [3, 2]))
    # The second input has two positions: what stands in the third is padding and takes no probability.
    expected = (
        cross_entropy(starts[0], 1) + cross_entropy(ends[0], 2)
        + cross_entropy(starts[1][:2], 0) + cross_entropy(ends[1][:2], 1)
    )  # fmt: skip
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_losses_are_summed_in_fp32_whatever_the_outputs_are() -> None:
    outputs = torch.full((3000, 1, 3), 0.1, dtype=torch.bfloat16)
    value = loss_sum("classes", outputs, batch([[0]] * 3000, [1] * 3000))
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(3000 * log(3), rel=1e-5)


def test_an_unknown_kind_is_no_loss() -> None:
    with pytest.raises(ValueError, match="no loss 'ranking'"):
        loss_sum("ranking", torch.zeros(1, 1, 2), batch([[0]], [1]))


def scores(n: int, seed: int) -> Encoded:
    data = toy_data(n, seed)
    return Encoded(data.tokens, data.offsets, data.targets.astype(np.float32) / 2, 0)


KINDS = {
    "classes": (toy_data, 3, "classes"),
    "tags": (toy_words, 4, "classes"),
    "scores": (scores, 1, "value"),
    "answers": (toy_answers, 2, "positions"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_a_batch_cost_as_much_as_the_whole(kind: str) -> None:
    """However a batch is divided, and so however much each part is padded."""
    make, classes, loss = KINDS[kind]
    data = make(24, seed=2)
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(int(data.output_offsets[-1]), classes, generator=generator)

    def cost(indices: np.ndarray) -> float:
        part = collate(data, indices, 1)
        outputs = torch.full((*part.reads_BK.shape, classes), 7.0)
        for row, i in enumerate(indices):
            own = drawn[data.output_offsets[i] : data.output_offsets[i + 1]]
            outputs[row, : len(own)] = own
        return float(loss_sum(loss, outputs, part))

    order = np.random.default_rng(3).permutation(24)
    whole = cost(np.arange(24))
    assert whole > 1.0
    for size in (1, 5, 23):
        parts = [order[i : i + size] for i in range(0, 24, size)]
        assert sum(map(cost, parts)) == pytest.approx(whole, rel=1e-5)


def test_a_uniform_model_costs_the_logarithm_of_its_choices_a_target() -> None:
    """What the mean loss of an untrained model is, whatever the lengths: the number that a loss is divided by fits."""
    everything = np.arange(24)
    for make, classes, loss in (KINDS["classes"], KINDS["tags"]):
        data = make(24, seed=2)
        part = collate(data, everything, 1)
        value = loss_sum(loss, torch.zeros(*part.reads_BK.shape, classes), part)
        assert float(value) / data.targets_of(everything) == pytest.approx(log(classes), rel=1e-5)
    data = toy_answers(24, seed=2)
    part = collate(data, everything, 1)
    value = loss_sum("positions", torch.zeros(*part.reads_BK.shape, 2), part)
    counts = np.diff(data.output_offsets)
    assert float(value) / data.targets_of(everything) == pytest.approx(np.log(counts).mean(), rel=1e-5)
