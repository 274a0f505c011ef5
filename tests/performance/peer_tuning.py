"""Fine-tuning as the example scripts of `transformers` do it: `python -m performance.peer_tuning JOB`.

Two variants: `documented` is the command of the script's own documentation (fp32, batches in random order, padding as
the script does by itself), `flags-best` sets the flags that make it faster on a CPU: bf16, padding to the longest row
of a batch, batches grouped by length. Modes are those of `ours_tuning`. Only the loops are timed: reading, tokenising
and loading come before. Rows are lists; the scripts read theirs from Arrow tables.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import (
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    trainer_pt_utils,
)

from .clock import Found, Job, Stopwatch, phase, read_job, report

EVAL_BATCH = 8  # the scripts' default
COMPARED = 64  # dev examples whose outputs are compared
_BATCHES_SORTED = 50

Row = dict[str, Any]
Example = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What a script hands to `Trainer`.

    `evaluate` runs one evaluation of the trained model and gives its score. `outputs` turns the model's output for
    one row, cut to the row's length, into (positions, columns).
    """

    model: torch.nn.Module
    tokenizer: Any
    train_rows: Sequence[Row]
    eval_rows: Sequence[Row]
    collate: Callable[[list[Row]], Mapping[str, Any]]
    evaluate: Callable[[Trainer], float]
    outputs: Callable[[Any], torch.Tensor]
    metrics: Callable[[Any], dict[str, float]] | None = None
    best_eval_batch: int = 32  # the fastest of 8, 32 and 64 where rows are grouped by length


class _Clock(TrainerCallback):  # type: ignore[misc]
    """From the beginning of the first epoch to the end of training."""

    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.examples = 0.0
        self.phase: dict[str, float] = {}

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.watch.start()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.phase = self.watch.stop(self.examples)


def read(job: Job, role: str, first: int | None = None) -> list[Example]:
    """The examples of the job's folder."""
    lines = (Path(job["folder"]) / f"{role}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in islice(lines, first)]


def load(kind: Any, job: Job, **config: Any) -> tuple[Any, Any]:
    """The model with its head, and its tokenizer; without dropout where steps are compared."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if job["mode"] != "measure":
        config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    folder = Path(job["folder"]) / "model"
    return kind.from_pretrained(folder, **config), AutoTokenizer.from_pretrained(folder)


def measure(task: Task, job: Job) -> Found:
    """One epoch, or the job's `limit` of batches of it, and one evaluation."""
    _group_as_in_large_sets()
    batch, rows = job["batch"], len(task.train_rows)
    steps = min(job.get("limit") or rows, -(-rows // batch))
    _warm_up(task)
    clock = _Clock()
    clock.examples = min(steps * batch, rows)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _trainer(task, job, scratch, steps, _flags(task, job), [clock])
        trainer.train()
        found: Found = {"phases": {"train": clock.phase}}
        with phase(found, "evaluate", len(task.eval_rows)):
            found["score"] = task.evaluate(trainer)
    return found


def _group_as_in_large_sets() -> None:
    """Sort by length within 50 batches, as `transformers` does where there are 200 or more.

    It takes a quarter of fewer batches. The sets here are samples of large ones, and padding must not cost the peer
    more than it would there.
    """
    by_default = trainer_pt_utils.get_length_grouped_indices

    def grouped(lengths: list[int], batch_size: int, mega_batch_mult: int | None = None, generator: Any = None) -> Any:
        return by_default(lengths, batch_size, mega_batch_mult or _BATCHES_SORTED, generator)

    trainer_pt_utils.get_length_grouped_indices = grouped


def _warm_up(task: Task) -> None:
    """One small batch forward and back: what a process does once is not measured."""
    task.model.train()
    task.model(**task.collate([dict(row) for row in task.train_rows[:8]])).loss.backward()
    task.model.zero_grad(set_to_none=True)


def compared(task: Task, job: Job) -> Found:
    """Inputs and fp32 outputs for the first dev examples, before or after `steps` steps, in job["out"]."""
    if job["mode"] == "steps":
        # fairseq's XLM-R has no token types; a second vector beside each position would learn at twice the rate.
        for name, parameter in task.model.named_parameters():
            parameter.requires_grad_("token_type" not in name)
        with tempfile.TemporaryDirectory() as scratch:
            _trainer(task, job, scratch, job["steps"], {"train_sampling_strategy": "sequential"}, []).train()
    found: list[torch.Tensor] = []
    task.model.eval()
    with torch.inference_mode():
        for row in task.eval_rows:
            ids = torch.tensor([row["input_ids"]])
            found.append(task.outputs(task.model(input_ids=ids, attention_mask=torch.ones_like(ids))))
    lengths, rows = [len(r["input_ids"]) for r in task.eval_rows], [len(o) for o in found]
    np.savez(
        job["out"],
        tokens=np.concatenate([r["input_ids"] for r in task.eval_rows]),
        offsets=np.cumsum([0, *lengths]),
        outputs=torch.cat(found).float().numpy(),
        positions=np.concatenate([np.arange(n) for n in rows]),
        output_offsets=np.cumsum([0, *rows]),
    )
    return {}


def _trainer(
    task: Task, job: Job, scratch: str, steps: int, flags: Mapping[str, Any], callbacks: list[TrainerCallback]
) -> Trainer:
    arguments = TrainingArguments(
        output_dir=scratch, max_steps=steps, learning_rate=job["learning_rate"],
        per_device_train_batch_size=job["batch"], use_cpu=True, dataloader_pin_memory=False, seed=job["seed"],
        save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, **flags,
    )  # fmt: skip
    trainer = Trainer(
        model=task.model, args=arguments, train_dataset=task.train_rows, eval_dataset=task.eval_rows,
        data_collator=task.collate, processing_class=task.tokenizer, compute_metrics=task.metrics, callbacks=callbacks,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)  # it prints every result
    return trainer


def _flags(task: Task, job: Job) -> dict[str, Any]:
    # bf16 is autocast, in evaluation as well. Attention stays as it is by default: no flag of the scripts changes it.
    if job["side"] == "documented":
        return {"per_device_eval_batch_size": EVAL_BATCH}
    return {
        "bf16": True,
        "train_sampling_strategy": "group_by_length",
        "per_device_eval_batch_size": task.best_eval_batch,
    }


def padded(job: Job) -> bool:
    """Whether rows are padded to the longest possible: the default of the scripts for texts and questions."""
    return bool(job["mode"] == "measure" and job["side"] == "documented")


def main() -> None:
    """Do the job's mode."""
    from . import peer_qa, peer_texts

    job = read_job()
    torch.set_num_threads(1)
    made = {"nli": peer_texts.pairs, "ner": peer_texts.tags, "qa": peer_qa.questions}[job["kind"]]
    compares = job["mode"] != "measure"
    dev = read(job, "dev", COMPARED if compares else job.get("limit_dev"))
    train = read(job, "train", job["steps"] * job["batch"] if job["mode"] == "steps" else None)
    task = made(job, train, dev)
    report(compared(task, job) if compares else measure(task, job))


if __name__ == "__main__":
    main()
