"""Pretraining speed and memory beside the Hugging Face Trainer: same body, vocabulary and weights, one thread.

A step is 8 blocks of 512 tokens, 15 % masked, dropout .1, Adam. The peer is `Trainer` with `XLMRobertaForMaskedLM` and
`DataCollatorForLanguageModeling`: as documented (fp32), and with its best flags for this CPU (bf16, fused AdamW).
Every measurement is a process of its own; sides take turns. Figures are medians of tokens per CPU-second inside steps
after the first, and the largest memory of the process. Equal fp32 logits are shown beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

BLOCKS, TOKENS = 8, 512
SIDES = ("ours", "documented", "flags-best")


def write_inputs(folder: Path, size: str, vocabulary: int) -> None:
    """A random model, and shards of random ids that follow Zipf's law."""
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from pretrain.model import MaskedLM
    from xlmr_bench.modeling.config import SIZES
    from xlmr_bench.modeling.encoder import initialise
    from xlmr_bench.modeling.names import to_hf

    config = replace(SIZES[size], vocab_size=vocabulary)
    model = MaskedLM(config)
    for part in (model.encoder, model.head):
        initialise(part, 0.02, torch.Generator().manual_seed(1))
    save_file(to_hf(model.state_dict(), "mlm"), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.to_hf(architectures=["XLMRobertaForMaskedLM"])))
    rng = np.random.default_rng(0)
    ids = 4 + rng.zipf(1.1, 200 * TOKENS) % (vocabulary - 5)
    np.save(folder / "ids.npy", ids.astype(np.uint32))


def ours(folder: Path, steps: int) -> dict[str, Any]:
    """CPU-seconds of `steps` steps after one."""
    import numpy as np
    import torch
    from safetensors.torch import load_file

    from pretrain.batches import MicroBatch, StepBatch
    from pretrain.masking import IGNORED, mask_blocks
    from pretrain.model import MaskedLM
    from pretrain.parallel import spread, start_team
    from pretrain.sampling import mix
    from pretrain.settings import DataSettings, ParallelSettings, Settings, TrainingSettings
    from pretrain.trainer import Progressed, Speed, Trainer
    from xlmr_bench.modeling.config import EncoderConfig
    from xlmr_bench.modeling.dropout import example_keys
    from xlmr_bench.modeling.names import from_hf

    torch.set_num_threads(1)
    config = EncoderConfig.from_hf(json.loads((folder / "config.json").read_text()), "config.json")
    settings = Settings(
        data=DataSettings(block_tokens=TOKENS),
        training=TrainingSettings(steps=1000, batch_size=BLOCKS, learning_rate=1e-4, warmup_steps=0),
        parallel=ParallelSettings(micro_batch=BLOCKS),
    )
    team = start_team(settings.parallel)
    with torch.device("meta"):
        model = MaskedLM(config)
    model.to_empty(device="cpu").load_state_dict(from_hf(load_file(folder / "model.safetensors"), config, "mlm", ""))
    spread(model, settings.parallel, team.ranks)
    unused: Any = None
    trainer = Trainer(
        settings, unused, model, team, unused, unused, unused, Progressed(), Speed(1.0, 1.0), {}
    )  # the step itself needs no corpus, checkpoints or journal
    stream = np.load(folder / "ids.npy").astype(np.int64)
    times = []
    for step in range(1, steps + 2):
        started = time.process_time()
        rows = [stream[(step * BLOCKS + i) % 150 * TOKENS :][:TOKENS].copy() for i in range(BLOCKS)]
        ids = np.stack(rows)
        ids[:, 0], ids[:, -1] = 0, 2
        masked = mask_blocks(ids, mix(np.arange(BLOCKS, dtype=np.uint64) + np.uint64(step)), 77, config.vocab_size)
        tensors = [torch.from_numpy(a) for a in (masked.ids, masked.positions, masked.targets)]
        micro = MicroBatch(*tensors, example_keys(1, step, 0, BLOCKS))
        trainer._step(StepBatch(step, [micro], int((masked.targets != IGNORED).sum())), [])
        times.append(time.process_time() - started)
    return {"seconds": sum(times[1:]), "loss": float(trainer._window.losses[0])}


def theirs(folder: Path, steps: int, flags: dict[str, Any]) -> dict[str, Any]:
    """The same by the Hugging Face Trainer."""
    import numpy as np
    import torch
    from transformers import (
        DataCollatorForLanguageModeling,
        PreTrainedTokenizerFast,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        XLMRobertaForMaskedLM,
    )

    torch.set_num_threads(1)
    model = XLMRobertaForMaskedLM.from_pretrained(folder)
    stream = np.load(folder / "ids.npy").astype(np.int64)
    rows = []
    for i in range(150):
        ids = stream[i * TOKENS : (i + 1) * TOKENS].copy()
        ids[0], ids[-1] = 0, 2
        rows.append({"input_ids": ids, "special_tokens_mask": np.isin(ids, (0, 2)).astype(np.int64)})
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            times.append(-time.process_time())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times[-1] += time.process_time()

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, per_device_train_batch_size=BLOCKS, max_steps=steps + 1, learning_rate=1e-4,
            report_to=[], save_strategy="no", disable_tqdm=True, logging_strategy="no", use_cpu=True,
            adam_beta2=0.98, adam_epsilon=1e-6, weight_decay=0.01, max_grad_norm=0.0, **flags,
        )  # fmt: skip
        collator = DataCollatorForLanguageModeling(_tokenizer(PreTrainedTokenizerFast, model.config.vocab_size))
        trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator, callbacks=[Clock()])
        done = trainer.train()
    return {"seconds": sum(times[1:]), "loss": done.training_loss}


def _tokenizer(kind: Any, vocabulary: int) -> Any:
    """What the collator asks for: special ids and the size of the vocabulary."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": vocabulary - 1}
    words |= {f"w{i}": i for i in range(4, vocabulary - 1)}
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "mask_token": "<mask>"}
    return kind(tokenizer_object=Tokenizer(WordLevel(words, unk_token="<unk>")), unk_token="<unk>", **special)


def largest_difference(folder: Path) -> dict[str, Any]:
    """Largest absolute difference of fp32 logits at masked positions."""
    import numpy as np
    import torch
    from safetensors.torch import load_file
    from transformers import XLMRobertaForMaskedLM

    from pretrain.model import MaskedLM
    from xlmr_bench.modeling.config import EncoderConfig
    from xlmr_bench.modeling.names import from_hf

    config = EncoderConfig.from_hf(json.loads((folder / "config.json").read_text()), "config.json")
    model = MaskedLM(config)
    model.load_state_dict(from_hf(load_file(folder / "model.safetensors"), config, "mlm", ""))
    peer = XLMRobertaForMaskedLM.from_pretrained(folder).eval()
    ids = torch.from_numpy(np.load(folder / "ids.npy")[:256].astype(np.int64)).view(1, -1)
    places = torch.arange(5, 200, 13).view(1, -1)
    with torch.inference_mode():
        a = model.head(model.encoder(ids, None, None, places)[0], model.encoder.word_embeddings.weight)
        b = peer(input_ids=ids).logits[0, places[0]]
    return {"difference": float((a - b).abs().max())}


def measure(side: str, folder: Path, steps: int) -> dict[str, Any]:
    """One side in a process of its own, with its peak memory in GB."""
    words = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--steps", str(steps)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(side: str, folder: Path, steps: int) -> None:
    """What a measuring process does."""
    import resource

    if side == "ours":
        found = ours(folder, steps)
    elif side == "logits":
        found = largest_difference(folder)
    else:
        flags = {"bf16": True, "optim": "adamw_torch_fused"} if side == "flags-best" else {}
        found = theirs(folder, steps, flags)
    found["memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[8_000, 32_000, 250_002])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="steps measured a round (default: 4, at 250k 1)")
    parser.add_argument("--side", choices=(*SIDES, "logits"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        return child(args.side, args.folder, args.steps)
    print(
        f"MLM pretraining, {args.size}, {BLOCKS} x {TOKENS} tokens a step, one thread, median of {args.rounds} rounds"
    )
    for vocabulary in args.vocabulary:
        steps = args.steps or (1 if vocabulary > 100_000 else 4)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write_inputs(folder, args.size, vocabulary)
            difference = measure("logits", folder, steps)["difference"]
            found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
            for _ in range(args.rounds):
                for side in SIDES:
                    found[side].append(measure(side, folder, steps))
        rate = {s: BLOCKS * TOKENS * steps / statistics.median(f["seconds"] for f in found[s]) for s in SIDES}
        memory = {s: max(f["memory_gb"] for f in found[s]) for s in SIDES}
        for side in SIDES:
            faster = "" if side == "ours" else f", ours {rate['ours'] / rate[side]:.2f} x as fast"
            figures = f"{rate[side]:>6,.0f} tokens/CPU-s, {memory[side]:.1f} GB{faster}"
            print(f"vocabulary {vocabulary:>7,} {side:>11}: {figures}", flush=True)
        print(f"  largest difference of fp32 logits: {difference:.1e}")
    return None


if __name__ == "__main__":
    main()
