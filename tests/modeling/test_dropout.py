"""Dropout masks are a pure function of seed, step, example and element."""

from __future__ import annotations

import pytest
import torch

from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.dropout import ExampleDropout, example_keys
from xlmr_bench.modeling.encoder import Encoder, initialise

CONFIG = EncoderConfig(
    vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
    hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3,
)  # fmt: skip


def dropped(keys: torch.Tensor, *shape: int, p: float = 0.1, sites: int = 1) -> torch.Tensor:
    drop = ExampleDropout(keys)
    return torch.stack([drop(torch.ones(len(keys), *shape), p) for _ in range(sites)]) == 0


def test_the_share_of_dropped_elements_is_the_probability_and_the_rest_is_scaled_up() -> None:
    x = ExampleDropout(example_keys(1, 1, 0, 64))(torch.ones(64, 30, 256), 0.1)
    assert (x == 0).float().mean().item() == pytest.approx(0.1, abs=0.001)
    assert x.max().item() == pytest.approx(1 / 0.9)
    assert x.mean().item() == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("neighbour", ["example", "position", "unit", "site", "step", "seed"])
def test_masks_of_neighbours_are_independent(neighbour: str) -> None:
    mask = dropped(example_keys(1, 1, 0, 64), 30, 256, sites=2)
    other = {
        "example": mask[0].roll(1, 0),
        "position": mask[0].roll(1, 1),
        "unit": mask[0].roll(1, 2),
        "site": mask[1],
        "step": dropped(example_keys(1, 2, 0, 64), 30, 256)[0],
        "seed": dropped(example_keys(2, 1, 0, 64), 30, 256)[0],
    }[neighbour]
    both = (mask[0] & other).float().mean().item()
    assert both == pytest.approx(0.01, abs=0.0006)


def test_no_unit_position_or_example_is_dropped_more_often_than_chance_explains() -> None:
    mask = dropped(example_keys(5, 9, 0, 128), 32, 64)[0].float()
    for axes in ((0, 1), (0, 2), (1, 2)):
        rates = mask.mean(axes)
        expected = 0.09 * rates.numel() / mask.numel()
        assert rates.var().item() < 1.8 * expected


def test_a_batch_split_in_two_gets_the_masks_of_the_whole() -> None:
    encoder = Encoder(CONFIG)
    initialise(encoder, 0.5, torch.Generator().manual_seed(0))
    ids, lengths = torch.randint(4, 60, (5, 9)), torch.tensor([9, 3, 7, 9, 5])
    keys = example_keys(3, 17, 0, 5)
    whole = encoder(ids, lengths, ExampleDropout(keys))
    for part in ([0, 3], [1], [2, 4]):
        alone = encoder(ids[part], lengths[part], ExampleDropout(keys[part]))
        torch.testing.assert_close(alone, whole[part], rtol=0, atol=1e-5)


def test_padding_does_not_change_the_masks_of_real_tokens() -> None:
    encoder = Encoder(CONFIG)
    initialise(encoder, 0.5, torch.Generator().manual_seed(0))
    ids, lengths, keys = torch.randint(4, 60, (2, 6)), torch.tensor([6, 4]), example_keys(1, 1, 0, 2)
    short = encoder(ids, lengths, ExampleDropout(keys))
    padded = encoder(torch.nn.functional.pad(ids, (0, 5), value=1), lengths, ExampleDropout(keys))
    torch.testing.assert_close(padded[0, :6], short[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(padded[1, :4], short[1, :4], rtol=0, atol=1e-5)
