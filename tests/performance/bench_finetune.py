"""Fine-tuning and evaluation speed beside a plain `transformers` loop: same weights, same data, one thread.

The peer is what a careful user writes: AutoModelForSequenceClassification, bf16 autocast, dynamic padding,
batches grouped by length, fused AdamW. (The example scripts as documented pad to a fixed length and are slower.)
Both run in turn in one process; figures are medians of examples per CPU-second. Equal logits are shown beside them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.nn.functional as F

from xlmr_bench.batches import collate, epoch_batches, micro_batches
from xlmr_bench.device import Ranks, resolve_precision
from xlmr_bench.encode import Encoded
from xlmr_bench.finetune import FineTuner
from xlmr_bench.modeling.config import SIZES, EncoderConfig
from xlmr_bench.modeling.encoder import Encoder, initialise
from xlmr_bench.modeling.heads import SequenceHead
from xlmr_bench.modeling.model import Model
from xlmr_bench.modeling.names import to_hf
from xlmr_bench.predict import predict_outputs
from xlmr_bench.selection import Monitor
from xlmr_bench.settings import Settings

ONE = Ranks(0, 1, torch.device("cpu"))
SETTINGS = Settings(learning_rate=1e-5, batch_size=32, max_length=128, epochs=1, clip_norm=1.0)


def mnli_like(n: int, vocabulary: int) -> Encoded:
    """Random ids with MultiNLI's length distribution: log-normal, mean about 40 tokens, at most 128."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(3.58, 0.48, n).astype(np.int64), 8, 128)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # Zipf-distributed ids: a fine-tuning set meets a small part of a large vocabulary.
    ids = 4 + (rng.zipf(1.1, int(offsets[-1])) % (vocabulary - 5))
    ids[offsets[:-1]] = 0
    return Encoded(ids.astype(np.int32), offsets, rng.integers(0, 3, n), 0)


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def ours(model: Model, data: Encoded, precision: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Closures that train on and evaluate `data` once."""
    work, settings = Path(tempfile.mkdtemp()), replace(SETTINGS, precision=precision)
    job = FineTuner(model, "classes", data, {}, [Monitor("joint", ("en",))], settings, 1, 1, ONE, work, "bench")
    batches = epoch_batches(data.lengths, 32, SETTINGS.length_window, 1, 0)

    def train() -> None:
        for step, indices in enumerate(batches, 1):
            job._step(step, indices)

    def evaluate() -> None:
        with job.master.whole_vocabulary():
            predict_outputs(job.model, data, 1, ONE)

    return train, evaluate


def theirs(
    ours: Model, config: EncoderConfig, data: Encoded, precision: str
) -> tuple[Callable[[], object], Callable[[], object], torch.nn.Module]:
    """The same with transformers, from the same weights."""
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    model = XLMRobertaForSequenceClassification(XLMRobertaConfig(**config.to_hf(num_labels=3)))
    model.load_state_dict(to_hf({k: v.detach().clone() for k, v in ours.state_dict().items()}, "sequence"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.0, fused=True)
    cast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")
    batches = epoch_batches(data.lengths, 32, 50, 1, 0)

    def inputs(indices: np.ndarray) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        batch = collate(data, indices, 1)
        mask = torch.arange(batch.ids_BT.shape[1]) < batch.lengths_B[:, None]
        return {"input_ids": batch.ids_BT, "attention_mask": mask.long()}, batch.targets[:, 0]

    def train() -> None:
        model.train()
        for indices in batches:
            features, labels = inputs(indices)
            with cast:
                loss = F.cross_entropy(model(**features).logits.float(), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    def evaluate() -> None:
        model.eval()
        with torch.inference_mode(), cast:
            for indices in micro_batches(data.lengths, 4096):
                model(**inputs(indices)[0])

    return train, evaluate, model


def largest_difference(model: Model, peer: torch.nn.Module, data: Encoded) -> float:
    """Largest absolute difference of fp32 logits on 64 inputs."""
    batch = collate(data, np.arange(64), 1)
    mask = (torch.arange(batch.ids_BT.shape[1]) < batch.lengths_B[:, None]).long()
    with torch.inference_mode():
        a = model.eval()(batch.ids_BT, batch.lengths_B)[:, 0]
        b = peer.eval()(input_ids=batch.ids_BT, attention_mask=mask).logits
    return float((a - b).abs().max())


def build(config: EncoderConfig) -> Model:
    """A random model."""
    model = Model(Encoder(config), SequenceHead(config.hidden_size, 3, dense=True, dropout=0.1))
    generator = torch.Generator().manual_seed(1)
    initialise(model.encoder, 0.02, generator)
    initialise(model.head, 0.02, generator)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="tiny", choices=sorted(SIZES))
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[8_000, 250_002])
    parser.add_argument("--examples", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    precision = resolve_precision("auto", torch.device("cpu"))
    print(f"torch {torch.__version__}, {precision}, {args.examples} examples, median of {args.rounds} rounds")
    for vocabulary in args.vocabulary:
        config = EncoderConfig(**{**SIZES[args.size].__dict__, "vocab_size": vocabulary})
        data = mnli_like(args.examples, vocabulary)
        model = build(config)
        peer_train, peer_evaluate, peer = theirs(model, config, data, precision)
        difference = largest_difference(model, peer, data)
        train, evaluate = ours(model, data, precision)
        for work in (train, evaluate, peer_train, peer_evaluate):
            work()
        times = [[cpu_seconds(w) for w in (train, peer_train, evaluate, peer_evaluate)] for _ in range(args.rounds)]
        rates = [args.examples / statistics.median(column) for column in zip(*times, strict=True)]
        for name, a, b in (("train", *rates[:2]), ("evaluate", *rates[2:])):
            figures = f"ours {a:,.0f}, transformers {b:,.0f}, ratio {a / b:.2f}"
            print(f"{args.size}, vocabulary {vocabulary:,}, {name}: {figures}")
        print(f"  largest difference of fp32 logits: {difference:.1e}")


if __name__ == "__main__":
    main()
