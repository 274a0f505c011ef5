"""Our side of MLM pretraining: steps on blocks of real shards. `python -m performance.ours_pretraining JOB`.

Modes: `measure` times steps after the first; `logits` writes fp32 logits of a block's masked positions; `steps` does
the same after training steps in fp32 without dropout on given masks; `profile` tells where the time goes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from pretrain.batches import Corpus, MicroBatch, StepBatch, step_batch
from pretrain.masking import IGNORED
from pretrain.model import MaskedLM, build_model
from pretrain.parallel import spread, start_team
from pretrain.settings import DataSettings, ModelSettings, ParallelSettings, Settings, TrainingSettings
from pretrain.shards import open_shards
from pretrain.trainer import Progressed, Speed, Trainer

from .clock import Found, Job, Stopwatch, phase, read_job, report
from .masks import compared_columns, masked_blocks
from .profiles import grouped

_GROUPS = {
    "forward": ("pretrain/model.py:forward",),
    "backward": ("torch/_tensor.py:backward",),
    "optimizer": ("torch/optim/optimizer.py:wrapper", "torch/optim/optimizer.py:zero_grad"),
    "data": ("pretrain/batches.py:step_batch",),
}


def settings_of(job: Job, *, exact: bool) -> Settings:
    """The steps of a run whose rate does not change; `exact`: in fp32, without dropout and weight decay."""
    dropout = 0.0 if exact else 0.1
    return Settings(
        model=ModelSettings(
            size=job["size"],
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            start_from=str(Path(job["folder"]) / "model"),
        ),
        data=DataSettings(shards=str(Path(job["folder"]) / "shards"), block_tokens=job["block_tokens"]),
        training=TrainingSettings(
            steps=1000, batch_size=job["batch"], learning_rate=1e-4, warmup_steps=0, schedule="constant",
            weight_decay=0.0 if exact else 0.01, seed=job["seed"],
        ),
        parallel=ParallelSettings(micro_batch=job["batch"], precision="fp32" if exact else "auto", device="cpu"),
    )  # fmt: skip


def trainer_of(settings: Settings) -> Trainer:
    """A trainer with its model and corpus; steps need no checkpoints, journal or guard."""
    manifest = open_shards(Path(settings.data.shards))
    team = start_team(settings.parallel)
    model = spread(build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256), settings.parallel, team.ranks)
    unused: Any = None
    corpus = Corpus(manifest, settings)
    return Trainer(settings, corpus, model, team, unused, unused, unused, Progressed(), Speed(1.0, 1.0), {})


def measure(job: Job) -> Found:
    """Steps after the first: drawing and masking blocks, forward, backward, optimizer."""
    trainer = trainer_of(settings_of(job, exact=False))
    trainer._step(step_batch(trainer.corpus, 1, 0, 1), [])
    watch = Stopwatch()
    watch.start()
    for step in range(2, job["steps"] + 2):
        trainer._step(step_batch(trainer.corpus, step, 0, 1), [])
    tokens = job["steps"] * job["batch"] * job["block_tokens"]
    return {"phases": {"train": watch.stop(tokens)}, "score": float(trainer._window.losses[-1])}


def profile(job: Job) -> Found:
    """Where the time of the same steps goes."""
    trainer = trainer_of(settings_of(job, exact=False))
    trainer._step(step_batch(trainer.corpus, 1, 0, 1), [])

    def work() -> None:
        for step in range(2, job["steps"] + 2):
            trainer._step(step_batch(trainer.corpus, step, 0, 1), [])

    return {"profile": {"train": grouped(work, _GROUPS)}}


def draw(job: Job) -> Found:
    """Opening the shards, and drawing and masking the blocks of some steps; nothing is trained."""
    settings, found = settings_of(job, exact=False), Found()
    with phase(found, "open", 1):
        corpus = Corpus(open_shards(Path(settings.data.shards)), settings)
    with phase(found, "draw", job["steps"]):
        for step in range(1, job["steps"] + 1):
            step_batch(corpus, step, 0, 1)
    return found


def compared(job: Job) -> Found:
    """fp32 logits (K, V) at the masked positions of the first block, in job["out"]."""
    settings = settings_of(job, exact=True)
    trainer = trainer_of(replace(settings, data=replace(settings.data, validation_blocks=0)))
    losses = []
    for step in range(job["exact_steps"] if job["mode"] == "steps" else 0):
        rows = slice(step * job["exact_batch"], (step + 1) * job["exact_batch"])
        ids, positions, targets = masked_blocks(job, rows)
        micro = MicroBatch(ids, positions, targets, torch.zeros(len(ids), dtype=torch.int32))
        trainer._step(StepBatch(step + 1, [micro], int((targets != IGNORED).sum())), [])
        losses.append(float(trainer._window.losses[-1]))
    ids, positions, _ = masked_blocks(job, slice(0, 1))
    model = _plain(trainer, settings)
    with torch.inference_mode():
        hidden = model.encoder(ids, None, None, positions)
        logits = model.head(hidden.flatten(0, 1), model.encoder.word_embeddings.weight)
    k = positions.shape[1]
    np.savez(
        job["out"], tokens=ids[0].numpy(), offsets=[0, ids.shape[1]], outputs=compared_columns(job, logits),
        positions=positions[0].numpy(), output_offsets=[0, k],
    )  # fmt: skip
    return {"losses": losses}


def _plain(trainer: Trainer, settings: Settings) -> MaskedLM:
    """The trained weights in a model that is not spread over processes."""
    manifest = trainer.corpus.manifest
    model = build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256)
    model.load_state_dict(get_model_state_dict(trainer.model, options=StateDictOptions(full_state_dict=True)))
    return model.eval()


def main() -> None:
    """Do the job's mode."""
    job = read_job()
    torch.set_num_threads(1)
    modes = {"measure": measure, "profile": profile, "draw": draw, "logits": compared, "steps": compared}
    report(modes[job["mode"]](job))


if __name__ == "__main__":
    main()
