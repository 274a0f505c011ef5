"""Our side of `bench_tasks`: the same loops that `run` goes through, timed like the peer's."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from peers import Timing

from xlmr_bench.batches import schedule
from xlmr_bench.device import Ranks, resolve_precision
from xlmr_bench.examples import Example, Split
from xlmr_bench.finetune import FineTuner
from xlmr_bench.modeling.model import build_model, open_source
from xlmr_bench.predict import predict_outputs
from xlmr_bench.selection import Monitor
from xlmr_bench.settings import Settings
from xlmr_bench.tasks import Task
from xlmr_bench.workload import prepare

ONE = Ranks(0, 1, torch.device("cpu"))


def ours(
    folder: Path, task: Task, train: Split[Example], dev: Split[Example], settings: Settings, steps: int
) -> Timing:
    """Train for `steps` batches and evaluate once: outputs, predictions, metric. One thread."""
    torch.set_num_threads(1)
    settings = replace(settings, steps=steps, epochs=0, precision=resolve_precision("auto", ONE.device))
    source = open_source(str(folder))
    learnt, judged = (prepare(task, split, source.tokenizer, settings) for split in (train, dev))
    dense = settings.head == "dense"
    model = build_model(
        source, task.head, task.outputs, dense=dense, dropout=0.1, attention_dropout=0.1, head_dropout=0.1, seed=1
    )
    with tempfile.TemporaryDirectory() as work:
        job = FineTuner(
            model, task.loss, learnt.encoded, {}, [Monitor("joint", ("en",))], settings,
            source.tokenizer.pad_id, 1, ONE, Path(work), "bench",
        )  # fmt: skip
    lengths = learnt.encoded.lengths
    started, seen = time.process_time(), 0
    for step, indices in enumerate(islice(schedule(lengths, settings.batch_size, 32, 1, 0), steps), 1):
        job._step(step, indices)
        seen += len(indices)
    train_s = time.process_time() - started
    started = time.process_time()
    with job.master.whole_vocabulary():
        score = judged.score(predict_outputs(job.model, judged.encoded, source.tokenizer.pad_id, ONE))
    return Timing(seen, train_s, len(judged.encoded), time.process_time() - started, score)
