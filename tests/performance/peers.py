"""Fine-tuning as the example scripts of `transformers` do it, timed: tagging of words and classification of texts.

Two variants: `documented` is the command of the script's own documentation (fp32, batches in random order, padding as
the script does by itself), `best` sets the flags that make it faster on a CPU: bf16, padding to the longest row of a
batch, batches grouped by length. Question answering is in `peers_qa`.

Everything is plain data in, `Timing` out; weights and tokenizer come from a checkpoint folder. Only the loops are
timed: reading, tokenising and loading the model come before. Rows are lists; the scripts read theirs from Arrow tables.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from seqeval.metrics import accuracy_score, classification_report
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

VARIANTS = ("documented", "best")
MAX_LENGTH = 128  # pieces; both scripts' documentation
IGNORED = -100  # a label without loss
EVAL_BATCH = 8  # the scripts' default

Row = dict[str, Any]
Words = tuple[Sequence[str], Sequence[str]]  # a sentence's words, and a tag for each
Text = tuple[str, str | None, str]  # one or two texts, and their label


@dataclass(frozen=True)
class Timing:
    """What one measurement found. Examples are rows of a batch: sentences, pairs, or windows of a question's context.

    Seconds are the process's CPU-seconds inside the training loop (all batches, in `train_s`) and inside one
    evaluation with collating, gathering of logits, post-processing and metric (`eval_s`).
    """

    train_examples: int
    train_s: float
    eval_examples: int
    eval_s: float
    score: float

    @property
    def train_examples_per_cpu_s(self) -> float:
        return self.train_examples / self.train_s

    @property
    def eval_examples_per_cpu_s(self) -> float:
        return self.eval_examples / self.eval_s


@dataclass(frozen=True)
class Task:
    """What a script hands to `Trainer`; `evaluate` runs one evaluation of the trained model and gives its score."""

    model: torch.nn.Module
    tokenizer: Any
    train_rows: Sequence[Row]
    eval_rows: Sequence[Row]
    collate: Callable[[list[Row]], Mapping[str, Any]]
    learning_rate: float
    evaluate: Callable[[Trainer], float]
    metrics: Callable[[EvalPrediction], dict[str, float]] | None = None
    best_eval_batch: int = 32  # the fastest of 8, 32 and 64 where rows are grouped by length


class _Clock(TrainerCallback):  # type: ignore[misc]
    """CPU-seconds from the beginning of the first epoch to the end of training."""

    seconds = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.seconds = -time.process_time()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.seconds += time.process_time()


def ner_peer(
    folder: Path,
    train: Sequence[Words],
    dev: Sequence[Words],
    tags: Sequence[str],
    variant: str,
    steps: int,
    batch: int,
) -> Timing:
    """Tagging as `run_ner` does it: the first piece of a word is labelled; the score is entity F1 by seqeval.

    Both variants pad to the longest row of a batch, for that is the script's default. Words beyond MAX_LENGTH pieces
    are neither learnt nor scored. The script's documentation leaves batches at 8.
    """
    model, tokenizer = load(AutoModelForTokenClassification, folder, num_labels=len(tags))
    ids = {tag: i for i, tag in enumerate(tags)}
    task = Task(
        model=model,
        tokenizer=tokenizer,
        train_rows=_tagged_rows(tokenizer, train, ids),
        eval_rows=_tagged_rows(tokenizer, dev, ids),
        collate=DataCollatorForTokenClassification(tokenizer),
        learning_rate=5e-5,
        evaluate=lambda trainer: float(trainer.evaluate()["eval_f1"]),
        metrics=lambda found: _entity_scores(found, tags),
    )
    return measure(task, variant, steps, batch)


def text_peer(
    folder: Path,
    train: Sequence[Text],
    dev: Sequence[Text],
    labels: Sequence[str],
    variant: str,
    steps: int,
    batch: int,
) -> Timing:
    """Classification as `run_glue` and `run_xnli` do it; the score is accuracy.

    Their documentation has batches of 32, each padded to MAX_LENGTH.
    """
    model, tokenizer = load(AutoModelForSequenceClassification, folder, num_labels=len(labels))
    ids = {label: i for i, label in enumerate(labels)}
    padded = variant == "documented"
    task = Task(
        model=model,
        tokenizer=tokenizer,
        train_rows=_labelled_rows(tokenizer, train, ids, padded),
        eval_rows=_labelled_rows(tokenizer, dev, ids, padded),
        collate=default_data_collator if padded else DataCollatorWithPadding(tokenizer),
        learning_rate=2e-5,
        evaluate=lambda trainer: float(trainer.evaluate()["eval_accuracy"]),
        metrics=lambda found: {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())},
    )
    return measure(task, variant, steps, batch)


def load(kind: Any, folder: Path, **config: Any) -> tuple[Any, Any]:
    """The checkpoint's body below a new head, the same at every call, and its tokenizer."""
    transformers.logging.set_verbosity_error()  # that the head is new needs no warning
    transformers.logging.disable_progress_bar()
    torch.manual_seed(1)
    return kind.from_pretrained(folder, **config), AutoTokenizer.from_pretrained(folder)


def measure(task: Task, variant: str, steps: int, batch: int) -> Timing:
    """Train for `steps` batches and evaluate once, on one thread."""
    torch.set_num_threads(1)
    clock = _Clock()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=task.model,
            args=_arguments(task, variant, steps, batch, scratch),
            train_dataset=task.train_rows,
            eval_dataset=task.eval_rows,
            data_collator=task.collate,
            processing_class=task.tokenizer,
            compute_metrics=task.metrics,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)  # it prints every result
        trainer.train()
        started = time.process_time()
        score = task.evaluate(trainer)
        eval_s = time.process_time() - started
    seen = _examples_seen(len(task.train_rows), steps, batch)
    return Timing(seen, clock.seconds, len(task.eval_rows), eval_s, score)


def _arguments(task: Task, variant: str, steps: int, batch: int, scratch: str) -> TrainingArguments:
    # bf16 is autocast, in evaluation as well. Attention stays as it is by default: no flag of the scripts changes it.
    best: dict[str, Any] = {
        "bf16": True,
        "train_sampling_strategy": "group_by_length",
        "per_device_eval_batch_size": task.best_eval_batch,
    }
    flags = {"documented": {"per_device_eval_batch_size": EVAL_BATCH}, "best": best}[variant]
    return TrainingArguments(
        output_dir=scratch, max_steps=steps, learning_rate=task.learning_rate, per_device_train_batch_size=batch,
        use_cpu=True, dataloader_pin_memory=False, seed=1, save_strategy="no", logging_strategy="no", report_to=[],
        disable_tqdm=True, **flags,
    )  # fmt: skip


def _examples_seen(rows: int, steps: int, batch: int) -> int:
    """Examples in the first `steps` batches; the last batch of an epoch is smaller."""
    epochs, rest = divmod(steps, -(-rows // batch))
    return epochs * rows + min(rest * batch, rows)


def _tagged_rows(tokenizer: Any, sentences: Sequence[Words], ids: Mapping[str, int]) -> list[Row]:
    encoded = tokenizer(
        [list(words) for words, _ in sentences], is_split_into_words=True, truncation=True, max_length=MAX_LENGTH
    )
    rows = []
    for i, (_, tags) in enumerate(sentences):
        labels, before = [], None
        for word in encoded.word_ids(i):
            labels.append(IGNORED if word is None or word == before else ids[tags[word]])
            before = word
        rows.append({**_inputs(encoded, i), "labels": labels})
    return rows


def _labelled_rows(tokenizer: Any, texts: Sequence[Text], ids: Mapping[str, int], padded: bool) -> list[Row]:
    firsts, seconds = [first for first, _, _ in texts], [second for _, second, _ in texts]
    encoded = tokenizer(
        firsts,
        None if None in seconds else seconds,
        truncation=True,
        max_length=MAX_LENGTH,
        padding="max_length" if padded else False,
    )
    return [{**_inputs(encoded, i), "label": ids[label]} for i, (_, _, label) in enumerate(texts)]


def _inputs(encoded: Any, i: int) -> Row:
    return {"input_ids": encoded["input_ids"][i], "attention_mask": encoded["attention_mask"][i]}


def _entity_scores(found: EvalPrediction, tags: Sequence[str]) -> dict[str, float]:
    """Entity F1 and accuracy of labelled pieces, by the functions that the script's metric calls."""
    kept = found.label_ids != IGNORED
    best = np.argmax(found.predictions, axis=-1)
    gold, predicted = (
        [[tags[i] for i in row[keep]] for row, keep in zip(values, kept, strict=True)]
        for values in (found.label_ids, best)
    )
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    return {"f1": float(report["micro avg"]["f1-score"]), "accuracy": float(accuracy_score(gold, predicted))}
