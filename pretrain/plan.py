"""What a run costs, by arithmetic alone: parameters, FLOP, memory, epochs. No torch, no GPU.

Letters: B blocks of a micro-batch, T tokens of a block, K masked tokens of a block, H hidden size, F feed-forward
size, L layers, V vocabulary, P parameters, c bytes of a number in the working precision (bf16: 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xlmr_bench.modeling.config import EncoderConfig

from .languages import cc100, resolve_languages
from .sampling import probabilities
from .settings import Settings
from .shape import parameter_table
from .shards import MANIFEST, Manifest, open_shards

GPUS_OF_A_NODE = 8  # `hsdp` shards within a node and copies between nodes
# UTF-8 bytes of text that one piece of a 250k vocabulary covers, over all of CC-100; single languages differ.
BYTES_A_TOKEN = 5.3
GIB = 2**30
# Logits that pretrain.loss keeps at once, in the working precision and in fp32 (twice: before and after the softmax).
CHUNK_LOGITS, SOFTMAX_LOGITS = 2**30, 2**28


@dataclass(frozen=True)
class Memory:
    """Bytes on one rank. state: fp32 weights, Adam, gradients. working: what is cast, gathered, not yet summed.

    saved, saved_checkpointed: activations without and with checkpointing.
    """

    state: int
    working: int
    saved: int
    saved_checkpointed: int
    logits: int

    def total(self, *, checkpointing: bool) -> int:
        """All of it at the peak, which is the end of the forward pass."""
        return self.state + self.working + self.logits + (self.saved_checkpointed if checkpointing else self.saved)


def memory(
    config: EncoderConfig, settings: Settings, mode: str, world: int, micro_batch: int, *, accumulating: bool
) -> Memory:
    """Memory of one of `world` ranks under `mode`; the allocator's own share (a few per cent) comes on top.

    accumulating: whether a step has several micro-batches.
    """
    h, f, n, v = config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.vocab_size
    c = 4 if settings.parallel.precision == "fp32" else 2
    parameters = sum(parameter_table(config).values())
    layer = 4 * (h * h + h) + 2 * h * f + f + h + 4 * h
    root = parameters - n * layer  # embeddings and head: one unit, since they share a matrix
    # fp32 weights, Adam's two moments, fp32 gradients: 16 bytes a parameter, divided among the ranks that shard.
    state = 16 * parameters // {"ddp": 1, "fsdp": world, "hsdp": min(world, GPUS_OF_A_NODE)}[mode]
    # The working copy: all of it, or the root and two layers (the second on its way).
    copy = c * (parameters if mode == "ddp" else root + 2 * layer)
    # Gradients before the ranks' sum: every one in fp32 while micro-batches add up, else one unit at a time, the
    # root's being the largest, beside its fp32 form.
    gradients = 4 * parameters if accumulating else (c + 4) * root
    tokens, masked = micro_batch * settings.data.block_tokens, micro_batch * settings.masked_per_block
    # Korthikanti et al. 2022 (Reducing Activation Recomputation), equation 1, without the T x T terms that fused
    # attention does not keep: inputs of attention and feed-forward, q, k, v, mixed values, two sums before norms
    # (8 H), feed-forward before and after GELU (2 F), one byte for each of two dropout masks.
    layer_token = c * (8 * h + 2 * f) + 2 * h
    embedding_token = c * 2 * h + h
    saved = tokens * (n * layer_token + embedding_token)
    # Checkpointing keeps the input of every layer and recomputes one layer at a time.
    saved_checkpointed = tokens * (n * c * h + layer_token + embedding_token)
    # A chunk of logits, its softmax in fp32, and the embeddings' gradient from the head.
    logits = c * min(masked * v, CHUNK_LOGITS) + 2 * 4 * min(masked * v, SOFTMAX_LOGITS) + c * v * h
    return Memory(state, copy + gradients, saved, saved_checkpointed, logits)


@dataclass(frozen=True)
class Exposure:
    """How a language is met: its tokens, the share of draws it gets, and how often the run reads all of it."""

    language: str
    tokens: float
    share: float
    epochs: float


def shards_of(settings: Settings) -> Manifest | None:
    """The configuration's shards, or None where they have not been made yet."""
    folder = Path(settings.data.shards)
    return open_shards(folder) if (folder / MANIFEST).is_file() else None


def exposures(settings: Settings, shards: Manifest | None) -> list[Exposure]:
    """Every language of the run, the most repeated first.

    Without shards, a language has as many tokens as its size in Table 6 gives at BYTES_A_TOKEN, and as many sentences
    in proportion.
    """
    if shards is None:
        codes = resolve_languages(settings.data.languages, cc100())
        tokens = [cc100()[code].size_gib * GIB / BYTES_A_TOKEN for code in codes]
        weights = tokens
    else:
        codes = resolve_languages(settings.data.languages, shards.languages)
        known = [shards.languages[code] for code in codes]
        tokens = [float(k.tokens) for k in known]
        by_sentences = settings.data.sampling_unit == "sentences"
        weights = [float(k.sentences) for k in known] if by_sentences else tokens
    shares = probabilities(weights, settings.data.alpha)
    # `<s>` and `</s>` at the ends of a block are not text.
    read = settings.training.steps * settings.training.batch_size * (settings.data.block_tokens - 2)
    met = [
        Exposure(code, size, float(share), read * float(share) / size)
        for code, size, share in zip(codes, tokens, shares, strict=True)
    ]
    return sorted(met, key=lambda e: (-e.epochs, e.language))


def tokens_in_all(settings: Settings) -> int:
    """Tokens of input of the whole run."""
    return settings.training.steps * settings.training.batch_size * settings.data.block_tokens


def gpu_days(total_flop: float, gpu_tflops: float, mfu: float) -> float:
    """Days of one GPU that reaches `mfu` of `gpu_tflops` x 10^12 FLOP a second."""
    return total_flop / (gpu_tflops * 1e12 * mfu) / 86_400


def kept_checkpoints(settings: Settings) -> int:
    """Checkpoints on the disk at the end; one more exists while it is written."""
    c, steps = settings.checkpoint, settings.training.steps
    made = {*range(c.every, steps + 1, c.every), steps}
    for_good = {step for step in made if c.keep_every and step % c.keep_every == 0}
    return len(for_good | set(sorted(made)[-c.keep :]))


def micro_batches(settings: Settings, world: int) -> tuple[int, int] | None:
    """Blocks of a micro-batch and micro-batches of a step on each of `world` ranks; None where it does not divide."""
    rank_blocks, rest = divmod(settings.training.batch_size, world)
    if rest or rank_blocks == 0:
        return None
    size = min(settings.parallel.micro_batch, rank_blocks)
    return size, -(-rank_blocks // size)


def world_sizes(settings: Settings, gpus: int) -> Sequence[int]:
    """The processes to plan for: those asked for, else one, a node, 8 nodes and 64, where they divide the batch."""
    usual = (1, GPUS_OF_A_NODE, 8 * GPUS_OF_A_NODE, 64 * GPUS_OF_A_NODE)
    return (gpus,) if gpus else tuple(world for world in usual if micro_batches(settings, world))
