"""Predictions do not depend on how inputs are put into batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy import toy_answers, toy_data, toy_model, toy_words

from xlmr_bench.device import Ranks
from xlmr_bench.encode import Encoded, flat
from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.predict import predict_outputs

ONE = Ranks(0, 1, torch.device("cpu"))


KINDS: dict[str, tuple[int, Encoded]] = {
    "labels": (0, toy_data(200, seed=4, high=118)),
    "tags": (4, toy_words(100, seed=4)),
    "answers": (2, toy_answers(100, seed=4)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@pytest.mark.parametrize("budget", [1, 13, 60, 100_000])
def test_batch_size_and_padding_do_not_change_any_prediction(kind: str, budget: int) -> None:
    outputs, data = KINDS[kind]
    model = toy_model(outputs=outputs)
    alone = predict_outputs(model, data, 1, ONE, budget=1)
    batched = predict_outputs(model, data, 1, ONE, budget=budget)
    np.testing.assert_allclose(batched, alone, rtol=0, atol=1e-5)
    assert (batched.argmax(1) == alone.argmax(1)).all()


def taken(data: Encoded, order: np.ndarray) -> Encoded:
    """The inputs of `data` in another order."""
    tokens, offsets = flat([data.tokens[data.offsets[i] : data.offsets[i + 1]].tolist() for i in order])
    if data.reads is None:
        return Encoded(tokens, offsets, data.targets[order], 0)
    rows = data.output_offsets
    reads, read_offsets = flat([data.reads[rows[i] : rows[i + 1]].tolist() for i in order])
    return Encoded(tokens, offsets, data.targets, 0, reads, read_offsets)


@every_kind
def test_the_order_of_the_inputs_changes_the_order_of_the_outputs_alone(kind: str) -> None:
    outputs, data = KINDS[kind]
    model = toy_model(outputs=outputs)
    expected = predict_outputs(model, data, 1, ONE)
    assert len(expected) == data.output_offsets[-1] and expected.std() > 0.01
    order = np.random.default_rng(2).permutation(len(data))
    found = predict_outputs(model, taken(data, order), 1, ONE, budget=50)
    rows = data.output_offsets
    wanted = np.concatenate([expected[rows[i] : rows[i + 1]] for i in order])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["tags", "answers"])
def test_an_output_is_that_of_the_position_that_is_read(kind: str) -> None:
    outputs, data = KINDS[kind]
    model = toy_model(outputs=outputs).eval()
    found = predict_outputs(model, data, 1, ONE)
    assert data.reads is not None
    for i in (0, 7, 99):
        ids = torch.from_numpy(data.tokens[data.offsets[i] : data.offsets[i + 1]].astype(np.int64))[None]
        everywhere = torch.arange(ids.shape[1])[None]
        whole = model(ids, torch.tensor([ids.shape[1]]), None, everywhere)[0].detach().numpy()
        a, b = data.output_offsets[i : i + 2]
        np.testing.assert_allclose(found[a:b], whole[data.reads[a:b]], rtol=0, atol=1e-5)


def test_predictions_come_in_the_order_of_the_data_without_dropout() -> None:
    model, data = toy_model(dropout=0.5), toy_data(30, seed=4)
    model.train()
    first, second = (predict_outputs(model, data, 1, ONE) for _ in range(2))
    assert (first == second).all()
    from xlmr_bench.batches import collate

    for i in (0, 7, 29):
        batch = collate(data, np.array([i]), 1)
        expected = model.eval()(batch.ids_BT, batch.lengths_B).detach().numpy()
        np.testing.assert_allclose(first[i], expected[0, 0], atol=1e-5)


class Hungry(torch.nn.Module):
    """Allocates far more than any machine has for more than `fits` inputs, and then does as `model` does."""

    def __init__(self, model: torch.nn.Module, fits: int) -> None:
        super().__init__()
        self.model, self.fits = model, fits

    def forward(self, ids_BT: torch.Tensor, *others: torch.Tensor | None) -> torch.Tensor:
        if len(ids_BT) > self.fits:
            torch.empty(1 << 60)
        out: torch.Tensor = self.model(ids_BT, *others)
        return out


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    model, data = toy_model(), toy_data(50, seed=4)
    halved = predict_outputs(Hungry(model, 3), data, 1, ONE, budget=10_000)
    np.testing.assert_allclose(halved, predict_outputs(model, data, 1, ONE), rtol=0, atol=1e-5)


def test_one_input_that_does_not_fit_is_an_error_with_its_length() -> None:
    with pytest.raises(XlmrBenchError, match=r"out of memory on one input of \d+ tokens"):
        predict_outputs(Hungry(toy_model(), 0), toy_data(5, seed=4), 1, ONE)
