"""One fine-tuning carried to its end: the outputs of every checkpoint that a rule selected, and nothing else kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.numpy import save_file

from .device import Ranks
from .files import atomic_path
from .finetune import DevSet, FineTuner
from .modeling.checkpoint import save_checkpoint
from .modeling.model import Source, build_model
from .predict import Outputs, predict_all
from .protocols import FineTuning
from .request import Request
from .selection import dev_languages
from .workload import Workload

OutputsBy = dict[tuple[int, str, str], Outputs]


@dataclass(frozen=True)
class Outcome:
    """`steps` maps a monitor's name to the step it selected; `outputs` are by (step, split, language)."""

    name: str
    steps: dict[str, int]
    outputs: OutputsBy
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
        outputs = _predict(finished, job.workload, tuning, job.request.benchmark.model_of)
        monitors = finished.at.monitors
        if job.ranks.first:
            if job.request.save_models:
                _export(finished, job, tuning)
            arrays = {f"{step}|{split}|{code}": values for (step, split, code), values in outputs.items()}
            values = {"steps": {m.name: m.best_step for m in monitors}, "about": about}
            with atomic_path(done) as part:
                save_file(arrays, part, {"values": json.dumps(values)})
    job.ranks.barrier()
    if job.ranks.first:
        (work / "state.safetensors").unlink(missing_ok=True)
        shutil.rmtree(work / "candidates", ignore_errors=True)
    return _read(done, tuning.name)


def _fine_tune(job: Job, tuning: FineTuning, work: Path) -> tuple[FineTuner, dict[str, Any]]:
    settings, workload = job.request.settings_of(tuning.name), job.workload
    task = job.request.benchmark.task_of(tuning.train[0])
    model = build_model(
        job.source,
        task.head,
        task.outputs,
        dense=settings.head == "dense",
        dropout=settings.dropout,
        attention_dropout=settings.attention_dropout,
        head_dropout=settings.head_dropout,
        seed=job.seed,
    )
    monitors = job.request.monitors(tuning)
    prepared = {code: workload.dev[code] for code in dev_languages(monitors)}
    dev = {code: DevSet(p.encoded, p.score) for code, p in prepared.items()}
    train, pad_id = workload.training_set(tuning), job.source.tokenizer.pad_id
    running = FineTuner(
        model, task.loss, train, dev, monitors, settings, pad_id, job.seed, job.ranks, work, tuning.name
    )
    at = running.run()
    about = {
        "name": tuning.name,
        "train": list(tuning.train),
        "inputs": len(train),
        "steps": at.step,
        "planned_steps": running.plan.steps,
        "evaluate_every": running.plan.evaluate_every,
        "history": at.history,
        "monitors": [asdict(m) for m in at.monitors],
        "timing": {"train_s": at.train_s, "resumed": at.resumed, "micro_batch_tokens": running.budget},
    }
    return running, about


def _predict(finished: FineTuner, workload: Workload, tuning: FineTuning, judge: Callable[[str], str]) -> OutputsBy:
    """Dev outputs as they were at selection, test outputs of the columns that the checkpoint decides for."""
    outputs: OutputsBy = {}
    monitors = finished.at.monitors
    for step in sorted({m.best_step for m in monitors}):
        for code, values in finished.candidates.dev_outputs(step).items():
            outputs[step, "dev", code] = values
        finished.master.load_weights(*finished.candidates.weights(step))
        wanted = [m for m in monitors if m.best_step == step]
        everywhere = any(not m.name.startswith("language:") for m in wanted)
        decided = {code for m in wanted for code in m.languages}
        chosen = [code for code in tuning.serves if everywhere or judge(code) in decided]
        tests = {code: workload.test[code].encoded for code in chosen}
        with finished.master.whole_vocabulary():
            label = f"test with step {step:,}"
            predicted = predict_all(finished.model, tests, finished.pad_id, finished.ranks, label)
        outputs |= {(step, "test", code): values for code, values in predicted.items()}
    return outputs


def _export(finished: FineTuner, job: Job, tuning: FineTuning) -> None:
    """Write the selected models as checkpoint folders that `predict` and Hugging Face load."""
    checkpoint = job.source.checkpoint
    assert checkpoint is not None, "refused before training"
    task = job.request.benchmark.task_of(tuning.train[0])
    for step in sorted({m.best_step for m in finished.at.monitors}):
        folder = job.models / f"{tuning.name}-step{step}"
        if folder.exists():  # written before an interruption
            continue
        finished.master.load_weights(*finished.candidates.weights(step))
        save_checkpoint(
            folder,
            checkpoint.config,
            finished.master.whole_state(),
            checkpoint.tokenizer_file,
            kind=task.head,
            labels=list(task.labels) or None,
            provenance={"fine_tuned_from": checkpoint.weights_digest, "benchmark": job.request.benchmark.name},
        )


def _read(path: Path, name: str) -> Outcome:
    outputs: OutputsBy = {}
    with safe_open(path, framework="np") as f:
        values = json.loads(f.metadata()["values"])
        for key in f.keys():  # noqa: SIM118
            step, split, code = key.split("|")
            outputs[int(step), split, code] = f.get_tensor(key)
    return Outcome(name, values["steps"], outputs, values["about"])
