"""The chunked cross-entropy against plain logits: value, gradients, and what does not count."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain import loss as module
from pretrain.loss import row_losses, summed_loss
from pretrain.masking import IGNORED
from xlmr_bench.modeling.config import PAD_ID

ROWS, HIDDEN, VOCABULARY, SCALE = 37, 24, 203, 0.37


@pytest.fixture(params=["at once", "in chunks", "a row at a time"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How many rows are multiplied, and how many of those pass the softmax, at a time."""
    logits, softmax = {"at once": (2**28, 2**20), "in chunks": (10, 3), "a row at a time": (1, 1)}[request.param]
    monkeypatch.setitem(module._CHUNK, "cpu", logits * VOCABULARY + 5)
    monkeypatch.setitem(module._SOFTMAX, "cpu", softmax * VOCABULARY + 5)
    return str(request.param)


def inputs(spread: float = 1.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden vectors, embeddings, bias and targets; every fifth row does not count."""
    generator = torch.Generator().manual_seed(5)
    hidden = torch.randn(ROWS, HIDDEN, generator=generator) * spread
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator)
    bias = torch.randn(VOCABULARY, generator=generator)
    targets = torch.randint(4, VOCABULARY, (ROWS,), generator=generator)
    targets[::5] = IGNORED
    targets[-1] = VOCABULARY - 1
    return hidden.requires_grad_(), weight.requires_grad_(), bias.requires_grad_(), targets


def plain(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    return SCALE * F.cross_entropy(F.linear(hidden, weight, bias), targets, ignore_index=IGNORED, reduction="sum")


def gradients(loss: Tensor, *parameters: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, parameters))


def test_value_and_gradients_are_those_of_plain_logits(chunks: str) -> None:
    hidden, weight, bias, targets = inputs()
    expected = plain(hidden, weight, bias, targets)
    found = summed_loss(hidden, weight, bias, targets, SCALE)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    own = gradients(found, hidden, weight, bias)
    other = gradients(expected, hidden, weight, bias)
    other[1][PAD_ID] = 0.0
    for a, b in zip(own, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_very_sure_and_very_wrong_logits_stay_finite() -> None:
    hidden, weight, bias, targets = inputs(spread=100.0)
    found = summed_loss(hidden, weight, bias, targets, SCALE)
    assert torch.isfinite(found)
    assert all(torch.isfinite(g).all() for g in gradients(found, hidden, weight, bias))


def test_nan_is_not_hidden() -> None:
    hidden, weight, bias, targets = inputs()
    with torch.no_grad():
        hidden[3, 4] = float("nan")
    assert torch.isnan(summed_loss(hidden, weight, bias, targets, SCALE))


def test_rows_that_do_not_count_have_no_gradient(chunks: str) -> None:
    hidden, weight, bias, targets = inputs()
    (own,) = gradients(summed_loss(hidden, weight, bias, targets, SCALE), hidden)
    assert (own[targets == IGNORED] == 0).all()
    assert (own[targets != IGNORED] != 0).any(1).all()


def test_where_no_row_counts_loss_and_gradients_are_zero() -> None:
    hidden, weight, bias, targets = inputs()
    found = summed_loss(hidden, weight, bias, torch.full_like(targets, IGNORED), SCALE)
    assert found.item() == 0
    assert all((g == 0).all() for g in gradients(found, hidden, weight, bias))


def test_the_embedding_of_pad_gets_no_gradient(chunks: str) -> None:
    hidden, weight, bias, targets = inputs()
    (own,) = gradients(summed_loss(hidden, weight, bias, targets, SCALE), weight)
    assert (own[PAD_ID] == 0).all()
    assert (own[PAD_ID + 1] != 0).any()


def test_backward_from_anything_but_the_loss_itself_is_refused() -> None:
    hidden, weight, bias, targets = inputs()
    with pytest.raises(ValueError, match="put factors into its scale"):
        (2 * summed_loss(hidden, weight, bias, targets, SCALE)).backward()


def test_row_losses_are_those_of_plain_logits(chunks: str) -> None:
    hidden, weight, bias, targets = inputs()
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets, ignore_index=IGNORED, reduction="none")
    found = row_losses(hidden, weight, bias, targets)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    assert (found[targets == IGNORED] == 0).all()


@pytest.mark.parametrize("multiple", [1, 29, 128])
def test_a_padded_vocabulary_changes_nothing(multiple: int) -> None:
    hidden, weight, bias, targets = inputs()
    wide, wide_bias = module._padded(weight, bias, multiple)
    assert len(wide) % multiple == 0
    assert len(wide) - VOCABULARY < multiple
    expected = plain(hidden, weight, bias, targets)
    found = summed_loss(hidden, wide, wide_bias, targets, SCALE)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    other = gradients(expected, hidden, weight, bias)
    other[1][PAD_ID] = 0.0
    for a, b in zip(gradients(found, hidden, weight, bias), other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_bf16_is_close_and_its_loss_is_fp32(chunks: str) -> None:
    hidden, weight, bias, targets = inputs(spread=0.2)
    expected = plain(hidden, weight, bias, targets)
    found = summed_loss(hidden.bfloat16(), weight.bfloat16(), bias.bfloat16(), targets, SCALE)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=5e-3)
    for a, b in zip(gradients(found, hidden, bias), gradients(expected, hidden, bias), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0.02 * float(b.abs().max()))
