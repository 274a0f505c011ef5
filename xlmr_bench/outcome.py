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
from .errors import UsageError
from .files import atomic_path
from .finetune import FineTuning
from .modeling.checkpoint import save_checkpoint
from .modeling.model import Source, build_classifier
from .predict import predict_all
from .protocols import FineTuning as Tuning
from .request import Request
from .selection import Monitor, dev_languages, monitors_for
from .workload import Workload

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """`steps` maps a monitor's name to the step it selected; `logits` are by (step, split, language)."""

    name: str
    steps: dict[str, int]
    logits: dict[tuple[int, str, str], Logits]
    about: dict[str, Any]


def carry_out(
    request: Request,
    source: Source,
    workload: Workload,
    tuning: Tuning,
    precision: str,
    seed: int,
    ranks: Ranks,
    work: Path,
    models: Path,
) -> Outcome:
    """Fine-tune (or continue, or find finished) one model and predict with the checkpoints that dev selected.

    Test sets are read by the model only here, after selection. Exported models go below `models` if asked for.
    """
    done = work / "outcome.safetensors"
    if not done.is_file():
        finished, monitors, about = _fine_tune(request, source, workload, tuning, precision, seed, ranks, work)
        logits = _predict(finished, workload, tuning, monitors, ranks)
        if ranks.first:
            if request.save_models:
                _export(finished, request, source, sorted({m.best_step for m in monitors}), models, tuning.name)
            arrays = {f"{step}|{split}|{code}": values for (step, split, code), values in logits.items()}
            values = {"steps": {m.name: m.best_step for m in monitors}, "about": about}
            with atomic_path(done) as part:
                save_file(arrays, part, {"values": json.dumps(values)})
    ranks.barrier()
    if ranks.first:
        (work / "state.safetensors").unlink(missing_ok=True)
        shutil.rmtree(work / "candidates", ignore_errors=True)
    return _read(done, tuning.name)


def _fine_tune(
    request: Request,
    source: Source,
    workload: Workload,
    tuning: Tuning,
    precision: str,
    seed: int,
    ranks: Ranks,
    work: Path,
) -> tuple[FineTuning, list[Monitor], dict[str, Any]]:
    settings = request.settings
    model = build_classifier(
        source,
        len(request.benchmark.task.labels),
        head=settings.head,
        dropout=settings.dropout,
        attention_dropout=settings.attention_dropout,
        head_dropout=settings.head_dropout,
        seed=seed,
    )
    monitors = monitors_for(tuning, request.protocol.selections)
    job = FineTuning(
        model,
        workload.training_set(tuning),
        {code: workload.dev[code] for code in dev_languages(monitors)},
        monitors,
        settings,
        precision,
        source.tokenizer.pad_id,
        seed,
        ranks,
        work,
        tuning.name,
    )
    at = job.run()
    about = {
        "name": tuning.name,
        "train": list(tuning.train),
        "examples": len(job.train),
        "steps": at.step,
        "planned_steps": job.plan.steps,
        "evaluate_every": job.plan.evaluate_every,
        "history": at.history,
        "monitors": [asdict(m) for m in at.monitors],
    }
    timing = {"train_s": at.train_s, "resumed": at.resumed, "micro_batch_tokens": job.budget}
    return job, at.monitors, {**about, "timing": timing}


def _predict(
    job: FineTuning, workload: Workload, tuning: Tuning, monitors: list[Monitor], ranks: Ranks
) -> dict[tuple[int, str, str], Logits]:
    """Dev logits as they were at selection, test logits of the languages that the checkpoint decides for."""
    logits: dict[tuple[int, str, str], Logits] = {}
    for step in sorted({m.best_step for m in monitors}):
        for code, values in job.candidates.dev_logits(step).items():
            logits[step, "dev", code] = values
        job.master.load_weights(*job.candidates.weights(step))
        wanted = [m for m in monitors if m.best_step == step]
        everywhere = any(not m.name.startswith("language:") for m in wanted)
        chosen = tuning.serves if everywhere else tuple(c for m in wanted for c in m.languages)
        with job.master.whole_vocabulary():
            tests = {code: workload.test[code] for code in chosen}
            predicted = predict_all(job.model, tests, job.pad_id, ranks, f"test with step {step:,}")
        logits |= {(step, "test", code): values for code, values in predicted.items()}
    return logits


def _export(job: FineTuning, request: Request, source: Source, steps: list[int], models: Path, name: str) -> None:
    """Write fine-tuned models as checkpoint folders that `predict` and Hugging Face load."""
    if source.checkpoint is None:
        raise UsageError("--save-models works for XLM-R checkpoint folders, not for hf: models.")
    for step in steps:
        job.master.load_weights(*job.candidates.weights(step))
        save_checkpoint(
            models / f"{name}-step{step}",
            source.checkpoint.config,
            job.master.whole_state(),
            source.checkpoint.tokenizer_file,
            kind="sequence",
            labels=list(request.benchmark.task.labels),
            provenance={"fine_tuned_from": source.identity["weights_sha256"], "benchmark": request.benchmark.name},
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
