"""Our side of fine-tuning and evaluation: the loops that `run` goes through. `python -m performance.ours_tuning JOB`.

Modes: `measure` times one epoch and one evaluation; `logits` writes fp32 outputs for the first dev examples; `steps`
does the same after three steps in fp32 without dropout; `profile` tells where the time goes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xlmr_bench.batches import schedule
from xlmr_bench.benchmarks.conll_files import TAGS
from xlmr_bench.benchmarks.xnli_files import LABELS
from xlmr_bench.device import Ranks, resolve_precision
from xlmr_bench.encode import Encoded
from xlmr_bench.examples import PairExample, Question, Split, TaggedSentence
from xlmr_bench.finetune import FineTuner
from xlmr_bench.modeling.checkpoint import load_state
from xlmr_bench.modeling.model import Model, Source, build_model, open_source
from xlmr_bench.predict import predict_outputs
from xlmr_bench.selection import Monitor
from xlmr_bench.settings import ExtractionSettings, Settings
from xlmr_bench.tasks import Classification, Extraction, Tagging, Task
from xlmr_bench.workload import Prepared, prepare

from .clock import Found, Job, phase, read_job, report
from .profiles import grouped

ONE = Ranks(0, 1, torch.device("cpu"))
COMPARED = 64  # dev examples whose outputs are compared
TASKS: dict[str, Task] = {
    "nli": Classification(LABELS),
    "ner": Tagging(TAGS),
    "qa": Extraction(("squad_f1",)),
}
_GROUPS = {
    "forward": ("modeling/model.py:forward", "losses.py:loss_sum"),
    "backward": ("torch/_tensor.py:backward",),
    "optimizer": ("xlmr_bench/optim.py:collect", "xlmr_bench/optim.py:step"),
    "data": (
        "xlmr_bench/batches.py:collate",
        "xlmr_bench/batches.py:micro_batches",
        "xlmr_bench/batches.py:schedule",
        "xlmr_bench/modeling/dropout.py:example_keys",
    ),
    "decoding and score": ("xlmr_bench/workload.py:score",),
}


def settings_of(job: Job, steps: int, *, exact: bool) -> Settings:
    """The settings of the example scripts; `exact`: in fp32 and without dropout."""
    dropped = dict.fromkeys(("dropout", "attention_dropout", "head_dropout"), 0.0 if exact else 0.1)
    kind = ExtractionSettings if job["kind"] == "qa" else Settings
    return kind(
        learning_rate=job["learning_rate"],
        batch_size=job["batch"],
        max_length=job["max_length"],
        steps=steps,
        schedule="linear",
        clip_norm=1.0,
        head="dense" if job["kind"] == "nli" else "linear",
        precision="fp32" if exact else resolve_precision("auto", ONE.device),
        **dropped,
    )


def read_split(job: Job, role: str, first: int | None = None) -> Split[Any]:
    """The examples of the job's folder."""
    path = Path(job["folder"]) / f"{role}.jsonl"
    rows: Iterable[dict[str, Any]] = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    make = {"nli": _pair, "ner": _sentence, "qa": _question}[job["kind"]]
    return Split(role, "en", tuple(make(row) for row in islice(rows, first)), (path,))


def _pair(row: dict[str, Any]) -> PairExample:
    return PairExample(row["id"], row["first"], row["second"], row["label"])


def _sentence(row: dict[str, Any]) -> TaggedSentence:
    return TaggedSentence(row["id"], tuple(row["words"]), tuple(row["tags"]))


def _question(row: dict[str, Any]) -> Question:
    return Question(row["id"], row["question"], row["context"], tuple(row["answers"]), tuple(row["starts"]))


def load(task: Task, settings: Settings, source: Source) -> Model:
    """The model with the head that its folder holds."""
    model = build_model(
        source, task.head, task.outputs, dense=settings.head == "dense", dropout=settings.dropout,
        attention_dropout=settings.attention_dropout, head_dropout=settings.head_dropout, seed=1,
    )  # fmt: skip
    assert source.checkpoint is not None
    state = load_state(source.checkpoint, head=task.head)
    model.head.load_state_dict({k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")})
    return model


def tuner(job: Job, task: Task, settings: Settings, source: Source, model: Model, train: Encoded) -> FineTuner:
    """What trains; nothing is written, for only its steps are used."""
    with tempfile.TemporaryDirectory() as work:
        return FineTuner(
            model, task.loss, train, {}, [Monitor("joint", ("en",))], settings, source.tokenizer.pad_id, job["seed"],
            ONE, Path(work), "bench",
        )  # fmt: skip


def measure(job: Job, *, profiled: bool = False) -> Found:
    """One epoch and one evaluation: outputs, predictions, metric."""
    task = TASKS[job["kind"]]
    train, dev = read_split(job, "train"), read_split(job, "dev")
    settings = settings_of(job, 1, exact=False)
    source = open_source(str(Path(job["folder"]) / "model"))
    learnt, judged = (prepare(task, split, source.tokenizer, settings) for split in (train, dev))
    lengths, pad = learnt.encoded.lengths, source.tokenizer.pad_id
    steps = -(-len(lengths) // job["batch"])
    settings = replace(settings, steps=steps)
    warm_up(job, task, settings, source, learnt.encoded)
    work = tuner(job, task, settings, source, load(task, settings, source), learnt.encoded)
    found: Found = {}

    def train_all() -> None:
        for step, indices in enumerate(islice(schedule(lengths, job["batch"], 32, job["seed"], 0), steps), 1):
            work._step(step, indices)

    def evaluate() -> None:
        with work.master.whole_vocabulary():
            found["score"] = judged.score(predict_outputs(work.model, judged.encoded, pad, ONE))

    if profiled:
        return {"profile": {"train": grouped(train_all, _GROUPS), "evaluate": grouped(evaluate, _GROUPS)}}
    with phase(found, "train", len(learnt.encoded)):
        train_all()
    with phase(found, "evaluate", len(judged.encoded)):
        evaluate()
    return found


def warm_up(job: Job, task: Task, settings: Settings, source: Source, data: Encoded) -> None:
    """One small batch forward and back, on a model that is thrown away: what a process does once is not measured."""
    work = tuner(job, task, settings, source, load(task, settings, source), data)
    work._step(1, np.arange(min(8, len(data))))


def compared(job: Job) -> Found:
    """Inputs and fp32 outputs for the first dev examples, before or after three training steps, in job["out"]."""
    task, batch = TASKS[job["kind"]], job["batch"]
    settings = settings_of(job, job["steps"] or 1, exact=True)
    source = open_source(str(Path(job["folder"]) / "model"))
    model = load(task, settings, source)
    dev = prepare(task, read_split(job, "dev", COMPARED), source.tokenizer, settings)
    if not job["steps"]:
        write_outputs(job, model, dev, source)
        return {}
    learnt = prepare(task, read_split(job, "train", job["steps"] * batch), source.tokenizer, settings)
    work = tuner(job, task, settings, source, model, learnt.encoded)
    losses = [float(work._step(i + 1, np.arange(i * batch, (i + 1) * batch))) for i in range(job["steps"])]
    with work.master.whole_vocabulary():
        write_outputs(job, work.model, dev, source)
    return {"losses": losses}


def write_outputs(job: Job, model: Model, data: Prepared, source: Source) -> None:
    """Outputs (R, C) with the input and the position that each belongs to."""
    encoded = data.encoded
    outputs = predict_outputs(model, encoded, source.tokenizer.pad_id, ONE)
    reads = encoded.reads if encoded.reads is not None else np.zeros(len(encoded), dtype=np.int32)
    np.savez(
        job["out"], tokens=encoded.tokens, offsets=encoded.offsets, outputs=outputs, positions=reads,
        output_offsets=encoded.output_offsets,
    )  # fmt: skip


def main() -> None:
    """Do the job's mode."""
    job = read_job()
    torch.set_num_threads(1)
    if job["mode"] in ("logits", "steps"):
        report(compared({**job, "steps": 0} if job["mode"] == "logits" else job))
    else:
        report(measure(job, profiled=job["mode"] == "profile"))


if __name__ == "__main__":
    main()
