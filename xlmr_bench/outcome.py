"""One fine-tuning carried to its end: the logits of every checkpoint that a rule selected, and nothing else kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from .device import Ranks
from .files import atomic_path
from .finetune import FineTuner
from .modeling.checkpoint import save_checkpoint
from .modeling.model import Source, build_classifier
from .predict import predict_all
from .protocols import FineTuning
from .request import Request
from .selection import dev_languages, monitors_for
from .workload import Workload

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """`steps` maps a monitor's name to the step it selected; `logits` are by (step, split, language)."""

    name: str
    steps: dict[str, int]
    logits: dict[tuple[int, str, str], Logits]
    about: dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What all fine-tunings of one seed share. Work in progress lies below `work`, exported models below `models`."""

    request: Request
    source: Source
    workload: Workload
    seed: int
    ranks: Ranks
    work: Path
    models: Path


def carry_out(job: Job, tuning: FineTuning) -> Outcome:
    """Fine-tune (or continue, or find finished) one model and predict with the checkpoints that dev selected.

    Test sets are read by the model only here, after selection.
    """
    work = job.work / tuning.name
    done = work / "outcome.safetensors"
    if not done.is_file():
        finished, about = _fine_tune(job, tuning, work)
        logits = _predict(finished, job.workload, tuning)
        monitors = finished.at.monitors
        if job.ranks.first:
            if job.request.save_models:
                _export(finished, job, tuning.name)
            arrays = {f"{step}|{split}|{code}": values for (step, split, code), values in logits.items()}
            values = {"steps": {m.name: m.best_step for m in monitors}, "about": about}
            with atomic_path(done) as part:
                save_file(arrays, part, {"values": json.dumps(values)})
    job.ranks.barrier()
    if job.ranks.first:
        (work / "state.safetensors").unlink(missing_ok=True)
        shutil.rmtree(work / "candidates", ignore_errors=True)
    return _read(done, tuning.name)


def _fine_tune(job: Job, tuning: FineTuning, work: Path) -> tuple[FineTuner, dict[str, Any]]:
    settings, workload = job.request.settings, job.workload
    model = build_classifier(
        job.source,
        len(job.request.benchmark.task.labels),
        head=settings.head,
        dropout=settings.dropout,
        attention_dropout=settings.attention_dropout,
        head_dropout=settings.head_dropout,
        seed=job.seed,
    )
    monitors = monitors_for(tuning, job.request.protocol.selections)
    dev = {code: workload.dev[code] for code in dev_languages(monitors)}
    train, pad_id = workload.training_set(tuning), job.source.tokenizer.pad_id
    running = FineTuner(model, train, dev, monitors, settings, pad_id, job.seed, job.ranks, work, tuning.name)
    at = running.run()
    about = {
        "name": tuning.name,
        "train": list(tuning.train),
        "examples": len(train),
        "steps": at.step,
        "planned_steps": running.plan.steps,
        "evaluate_every": running.plan.evaluate_every,
        "history": at.history,
        "monitors": [asdict(m) for m in at.monitors],
        "timing": {"train_s": at.train_s, "resumed": at.resumed, "micro_batch_tokens": running.budget},
    }
    return running, about


def _predict(finished: FineTuner, workload: Workload, tuning: FineTuning) -> dict[tuple[int, str, str], Logits]:
    """Dev logits as they were at selection, test logits of the languages that the checkpoint decides for."""
    logits: dict[tuple[int, str, str], Logits] = {}
    monitors = finished.at.monitors
    for step in sorted({m.best_step for m in monitors}):
        for code, values in finished.candidates.dev_logits(step).items():
            logits[step, "dev", code] = values
        finished.master.load_weights(*finished.candidates.weights(step))
        wanted = [m for m in monitors if m.best_step == step]
        everywhere = any(not m.name.startswith("language:") for m in wanted)
        chosen = tuning.serves if everywhere else tuple(c for m in wanted for c in m.languages)
        tests = {code: workload.test[code] for code in chosen}
        with finished.master.whole_vocabulary():
            label = f"test with step {step:,}"
            predicted = predict_all(finished.model, tests, finished.pad_id, finished.ranks, label)
        logits |= {(step, "test", code): values for code, values in predicted.items()}
    return logits


def _export(finished: FineTuner, job: Job, name: str) -> None:
    """Write the selected models as checkpoint folders that `predict` and Hugging Face load."""
    checkpoint = job.source.checkpoint
    assert checkpoint is not None, "refused before training"
    for step in sorted({m.best_step for m in finished.at.monitors}):
        folder = job.models / f"{name}-step{step}"
        if folder.exists():  # written before an interruption
            continue
        finished.master.load_weights(*finished.candidates.weights(step))
        save_checkpoint(
            folder,
            checkpoint.config,
            finished.master.whole_state(),
            checkpoint.tokenizer_file,
            kind="sequence",
            labels=list(job.request.benchmark.task.labels),
            provenance={"fine_tuned_from": checkpoint.weights_digest, "benchmark": job.request.benchmark.name},
        )


def _read(path: Path, name: str) -> Outcome:
    logits: dict[tuple[int, str, str], Logits] = {}
    with safe_open(path, framework="np") as f:
        values = json.loads(f.metadata()["values"])
        for key in f.keys():  # noqa: SIM118
            step, split, code = key.split("|")
            logits[int(step), split, code] = f.get_tensor(key)
    return Outcome(name, values["steps"], logits, values["about"])


def softmax(logits: Logits) -> Logits:
    """Probabilities (N, C)."""
    return torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
