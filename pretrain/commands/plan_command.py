"""`plan`: what a run needs, before anyone pays for it. Every figure stands beside its assumption."""

from __future__ import annotations

import argparse

from tabulate import tabulate

from xlmr_bench.errors import UsageError
from xlmr_bench.modeling.config import EncoderConfig

from ..configuration import load_settings
from ..plan import (
    BYTES_A_TOKEN,
    GIB,
    GPUS_OF_A_NODE,
    Exposure,
    exposures,
    gpu_days,
    kept_checkpoints,
    memory,
    micro_batches,
    shards_of,
    tokens_in_all,
    world_sizes,
)
from ..settings import Settings
from ..shape import encoder_config, flops, parameter_table
from ..shards import Manifest

# At most so many languages are all shown; of more, the first and the last few.
_ALL_SHOWN, _EACH_END = 20, 5


def execute(args: argparse.Namespace) -> int:
    """Print the plan, a section at a time."""
    if args.gpus < 0:
        raise UsageError(f"--gpus is {args.gpus}; give the number of processes of the run.")
    if args.gpu_tflops <= 0 or not 0 < args.mfu <= 1:
        raise UsageError("--gpu-tflops must be above 0, --mfu above 0 and at most 1.")
    settings = load_settings(args.config, args.settings, args.variant)
    shards = shards_of(settings)
    config = encoder_config(settings, _vocabulary(settings, shards))
    named = f"{args.config}" + (f", variant {args.variant}" if args.variant else "")
    print(f"{named}: {settings.training.steps:,} steps of {settings.training.batch_size:,} blocks of "
          f"{settings.data.block_tokens} tokens -> {settings.output}")  # fmt: skip
    _print_parameters(config)
    _print_flops(config, settings)
    _print_memory(config, settings, args.gpus)
    _print_time(config, settings, args)
    _print_languages(settings, shards)
    _print_checkpoints(config, settings)
    return 0


def _vocabulary(settings: Settings, shards: Manifest | None) -> int:
    """Ids of the vocabulary: as configured, else as in the shards."""
    chosen = settings.model.vocab_size
    if shards is None and not chosen:
        raise UsageError(
            f"the size of the vocabulary is unknown: there are no shards in {settings.data.shards} yet. Make them "
            "(`python -m pretrain shard`), or say it: model.vocab_size=250002."
        )
    if shards is not None and chosen and chosen != shards.vocab_size:
        raise UsageError(
            f"model.vocab_size is {chosen:,}, but the shards in {settings.data.shards} have {shards.vocab_size:,} ids. "
            "Set data.shards to those of the vocabulary that is meant, or model.vocab_size to theirs."
        )
    return chosen or (shards.vocab_size if shards is not None else 0)


def _heading(title: str) -> None:
    print(f"\n{title}")


def _table(rows: list[list[str]], headers: list[str]) -> None:
    align = ["left" if name == "from" else "right" for name in headers]
    align[0] = "left"
    print(tabulate(rows, headers=headers, colalign=align, disable_numparse=True))


def _print_parameters(config: EncoderConfig) -> None:
    table = parameter_table(config)
    _heading(
        f"Parameters: {config.num_hidden_layers} layers, hidden {config.hidden_size}, feed-forward "
        f"{config.intermediate_size}, {config.num_attention_heads} heads, vocabulary {config.vocab_size:,}"
    )
    rows = [[name, f"{count:,}", f"{100 * count / sum(table.values()):.1f} %"] for name, count in table.items()]
    _table([*rows, ["total", f"{sum(table.values()):,}", ""]], ["component", "parameters", "share"])


def _print_flops(config: EncoderConfig, settings: Settings) -> None:
    tokens, masked = settings.data.block_tokens, settings.masked_per_block
    part = flops(config, tokens, masked)
    everywhere = part.matmuls + part.attention + part.head_everywhere
    _heading("FLOP a token, forward and backward (recomputation for activation checkpointing not counted)")
    rows: list[tuple[str, float, str]] = [
        ("encoder matmuls", part.matmuls, "6 x weights of the layers"),
        ("attention", part.attention, f"12 x layers x {tokens} tokens x hidden"),
        ("head on masked tokens", part.head, f"{masked} of {tokens} tokens a block"),
        ("total", part.total, ""),
        ("with the head on every token", everywhere, f"{everywhere / part.total:.1f} x as much"),
    ]
    _table([[name, f"{count / 1e6:,.1f} M", note] for name, count, note in rows], ["part", "FLOP", "from"])


def _print_memory(config: EncoderConfig, settings: Settings, gpus: int) -> None:
    parallel = settings.parallel
    precision = "fp32" if parallel.precision == "fp32" else "bf16"
    _heading(
        f"Memory a rank in GiB ({precision} with fp32 weights, Adam and gradients; micro-batches of at most "
        f"{parallel.micro_batch}; hsdp: {GPUS_OF_A_NODE} ranks a node; allocator's own share not counted)"
    )
    rows = []
    for world in world_sizes(settings, gpus):
        split = micro_batches(settings, world)
        for mode in ("ddp", "fsdp", "hsdp"):
            if split is None:
                rows.append([f"{world} x {mode}", "does not divide the batch", *["-"] * 6])
                continue
            m = memory(config, settings, mode, world, split[0], accumulating=split[1] > 1)
            sizes = (m.state, m.working, m.logits, m.saved, m.saved_checkpointed)
            totals = (m.total(checkpointing=False), m.total(checkpointing=True))
            cells = [f"{size / GIB:.2f}" for size in (*sizes[:4], totals[0], sizes[4], totals[1])]
            chosen = " *" if mode == parallel.mode else ""
            rows.append([f"{world} x {mode}{chosen}", f"{split[1]} x {split[0]}", *cells])
    headers = ["ranks", "blocks", "state", "working", "logits", "activations", "total"]
    _table(rows, [*headers, "checkpointed", "total then"])
    using = "on" if parallel.activation_checkpointing else "off"
    print(f"* as configured; parallel.activation_checkpointing is {using}.")


def _print_time(config: EncoderConfig, settings: Settings, args: argparse.Namespace) -> None:
    per_token = flops(config, settings.data.block_tokens, settings.masked_per_block).total
    tokens = tokens_in_all(settings)
    days = gpu_days(tokens * per_token, args.gpu_tflops, args.mfu)
    _heading(f"Time: {tokens:,} tokens, {tokens * per_token:.3g} FLOP")
    reached = f"{args.mfu:.0%} of {args.gpu_tflops:g} TFLOP/s dense bf16 (--mfu, --gpu-tflops)"
    rows = [["1", _duration(days), reached]]
    rows += [
        [f"{world}", _duration(days / world), "the same share on each"]
        for world in world_sizes(settings, args.gpus)
        if world > 1
    ]
    _table(rows, ["GPUs", "time", "from"])


def _print_languages(settings: Settings, shards: Manifest | None) -> None:
    met = exposures(settings, shards)
    source = (
        f"from the shards in {settings.data.shards}; drawn by {settings.data.sampling_unit}"
        if shards
        else f"estimated, there are no shards in {settings.data.shards}: sizes of CC-100 (paper, Table 6) at "
        f"{BYTES_A_TOKEN} bytes a token, drawn by size"
    )
    _heading(f"Epochs of {len(met)} languages, alpha {settings.data.alpha:g} ({source})")
    if len(met) <= _ALL_SHOWN:
        rows = [_language_row(e) for e in met]
    else:
        left = [f"... {len(met) - 2 * _EACH_END} more", "", "", ""]
        rows = [*map(_language_row, met[:_EACH_END]), left, *map(_language_row, met[-_EACH_END:])]
    _table(rows, ["language", "tokens", "share of draws", "epochs"])


def _language_row(met: Exposure) -> list[str]:
    return [met.language, f"{met.tokens:,.0f}", f"{100 * met.share:.2f} %", f"{met.epochs:,.3g}"]


def _print_checkpoints(config: EncoderConfig, settings: Settings) -> None:
    parameters, kept = sum(parameter_table(config).values()), kept_checkpoints(settings)
    _heading("Disk")
    size = 12 * parameters
    rows = [
        ["a checkpoint", _bytes(size), "fp32 weights and Adam's two moments: 12 bytes a parameter"],
        ["kept at the end", _bytes(size * kept), f"{kept} checkpoints; one more while it is written"],
        ["the exported model", _bytes(4 * parameters), "fp32 weights"],
    ]
    _table(rows, ["what", "size", "from"])


def _duration(days: float) -> str:
    """In the largest unit that fits into it."""
    for unit, count in (("days", 1), ("hours", 24), ("minutes", 24 * 60)):
        if days * count >= 1:
            return f"{days * count:,.1f} {unit}"
    return f"{days * 86_400:.1f} seconds"


def _bytes(count: int) -> str:
    return f"{count / GIB:,.2f} GiB" if count >= GIB else f"{count / 2**20:,.1f} MiB"
