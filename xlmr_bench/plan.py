"""What a run will cost, before it costs it: steps, tokens, FLOPs, memory, disk and a time estimate.

The data are really read and encoded, so a dry run also finds everything that is wrong with them.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from .device import describe_device, resolve_precision, token_budget
from .encode import Encoded
from .errors import UsageError
from .finetune import Plan
from .modeling.config import EncoderConfig
from .modeling.model import open_source
from .optim import DTYPES
from .protocols import FineTuning
from .request import Request
from .selection import dev_languages
from .settings import describe
from .workload import Workload, load_workload

# The share of the measured matrix product rate that a whole fine-tuning reaches; tiny models reach less.
_EFFICIENCY = 0.4


def dry_run(request: Request) -> str:
    """The plan of a run in words, one fact a line."""
    source = open_source(request.model)
    if source.checkpoint is None:
        raise UsageError("--dry-run estimates costs for XLM-R checkpoint folders only, not for hf: models.")
    use_cuda = request.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda") if use_cuda else torch.device("cpu")
    precision = resolve_precision(request.settings.precision, device)
    request = replace(request, settings=replace(request.settings, precision=precision))
    workload, config = load_workload(request, source.tokenizer), source.checkpoint.config
    lines = [
        f"{request.benchmark.name} {request.protocol.name} with {source.name}: {len(request.fine_tunings)} "
        f"fine-tuning(s) x {len(request.seeds)} seed(s); languages {' '.join(request.languages)}",
        f"settings: {describe(request.settings)}",
    ]
    flops = disk = memory = 0.0
    for tuning in request.fine_tunings:
        words, cost, kept, needed = _one(request, workload, tuning, config)
        lines.append(words)
        flops, disk, memory = flops + cost, max(disk, kept), max(memory, needed)
    rate = matmul_rate(config, precision, device)
    seconds = flops / (rate * _EFFICIENCY)
    lines += [
        f"compute: {flops * len(request.seeds):.2e} FLOPs at most (before early stopping)",
        f"time: about {_time(seconds * len(request.seeds))} on this {describe_device(device)}, if it reaches "
        f"{_EFFICIENCY:.0%} of the {rate / 1e9:,.0f} GFLOP/s that a matrix product reached just now in {precision}",
        f"memory: about {memory / 1e9:.1f} GB; disk while running: up to {disk / 1e9:.1f} GB below {request.output}",
        *(
            f"not the published data: {s['language']} {s['role']}: {s['deviation']}"
            for s in workload.about
            if s["deviation"]
        ),
    ]
    return "\n".join(lines)


def forward_flops(config: EncoderConfig, data: Encoded) -> float:
    """Multiplications and additions of one pass over `data` through the encoder (heads are negligible)."""
    h, f, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    lengths = data.lengths.astype(float)
    return float(layers * (2 * (4 * h * h + 2 * h * f) * lengths.sum() + 4 * h * (lengths**2).sum()))


def matmul_rate(config: EncoderConfig, precision: str, device: torch.device) -> float:
    """FLOP/s of this device in a product of the model's feed-forward shape, measured for a quarter of a second."""
    m, h, f = token_budget(device, training=True), config.hidden_size, config.intermediate_size
    a, b = (torch.ones(shape, dtype=DTYPES[precision], device=device) for shape in ((m, h), (h, f)))
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < 0.25:
        a @ b
        count += 1
    if device.type == "cuda":
        torch.cuda.synchronize()
    return count * 2 * m * h * f / (time.perf_counter() - started)


def _one(
    request: Request, workload: Workload, tuning: FineTuning, config: EncoderConfig
) -> tuple[str, float, float, float]:
    """One fine-tuning: in words, its FLOPs, its disk and its memory in bytes."""
    train, settings = workload.training_set(tuning), request.settings_of(tuning.name)
    plan = Plan.of(settings, len(train))
    monitors = request.monitors(tuning)
    evaluations = -(-plan.steps // plan.evaluate_every)
    passes = plan.steps * settings.batch_size / len(train)
    training = 3 * forward_flops(config, train) * passes
    dev = sum(forward_flops(config, workload.dev[code].encoded) for code in dev_languages(monitors)) * evaluations
    test = sum(forward_flops(config, workload.test[code].encoded) for code in tuning.serves) * len(monitors)
    rows = len(np.unique(train.tokens))
    trained = config.parameters() - (config.vocab_size - rows) * config.hidden_size
    bytes_each = 2 if request.settings.precision == "bf16" else 4
    # Activations of one micro-batch: 34 bytes a token and hidden unit in 16 bits (Korthikanti et al. 2022, eq. 2).
    budget = token_budget(torch.device("cuda" if torch.cuda.is_available() else "cpu"), training=True)
    activations = 17 * bytes_each * budget * config.hidden_size * config.num_hidden_layers
    table = config.vocab_size * config.hidden_size * (4 + bytes_each)
    words = (
        f"fine-tuning {tuning.name}: {len(train):,} inputs, {train.lengths.mean():.1f} tokens each, "
        f"{plan.steps:,} steps ({passes:.1f} passes), dev every {plan.evaluate_every:,} steps; "
        f"{trained / 1e6:.1f} M weights trained ({rows:,} of {config.vocab_size:,} embedding rows occur)"
    )
    return words, training + dev + test, 4.0 * trained * (3 + len(monitors)), 16.0 * trained + table + activations


def _time(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
