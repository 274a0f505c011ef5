"""Cost estimates rest on counted operations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from xlmr_bench.encode import Encoded
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.plan import forward_flops, matmul_rate

CONFIG = EncoderConfig(
    vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=80
)  # fmt: skip


@pytest.mark.parametrize("length", [5, 17])
def test_flops_of_a_forward_pass_are_those_that_torch_counts(length: int) -> None:
    ids = torch.randint(4, 50, (3, length))
    with FlopCounterMode(display=False) as counter:
        Encoder(CONFIG)(ids, torch.full((3,), length))
    data = Encoded(np.zeros(3 * length, np.int32), np.arange(4) * length, np.zeros(3, np.int64), 0)
    assert forward_flops(CONFIG, data) == counter.get_total_flops()


def test_parameters_are_those_of_the_module() -> None:
    assert CONFIG.parameters() == sum(p.numel() for p in Encoder(CONFIG).parameters())
    # Hugging Face's XLM-R Base without pooler and token types: 278,043,648 - 590,592 - 768.
    assert EncoderConfig().parameters() == 277_452_288


def test_the_product_rate_is_measured() -> None:
    assert matmul_rate(CONFIG, "fp32", torch.device("cpu")) > 1e7
