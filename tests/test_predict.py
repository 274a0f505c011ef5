"""Predictions do not depend on how inputs are put into batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy import toy_data, toy_model

from xlmr_bench.device import Ranks
from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.predict import predict_outputs

ONE = Ranks(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("budget", [1, 13, 60, 100_000])
def test_batch_size_and_padding_do_not_change_any_prediction(budget: int) -> None:
    model, data = toy_model(), toy_data(200, seed=4, high=118)
    alone = predict_outputs(model, data, 1, ONE, budget=1)
    batched = predict_outputs(model, data, 1, ONE, budget=budget)
    np.testing.assert_allclose(batched, alone, rtol=0, atol=1e-5)
    assert (batched.argmax(1) == alone.argmax(1)).all()


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
