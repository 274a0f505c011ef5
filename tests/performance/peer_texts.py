"""What `run_xnli` and `run_ner` of `transformers` hand to their `Trainer`; see `peer_tuning`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from seqeval.metrics import accuracy_score, classification_report
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    EvalPrediction,
    default_data_collator,
)

from .clock import Job
from .peer_tuning import Example, Row, Task, load, padded

IGNORED = -100  # a label without loss


def pairs(job: Job, train: Sequence[Example], dev: Sequence[Example]) -> Task:
    """Classification as `run_glue` and `run_xnli` do it; the score is accuracy.

    Their documentation has batches of 32, each padded to the maximum length.
    """
    model, tokenizer = load(AutoModelForSequenceClassification, job)
    ids = model.config.label2id
    return Task(
        model=model,
        tokenizer=tokenizer,
        train_rows=_labelled_rows(tokenizer, train, ids, job),
        eval_rows=_labelled_rows(tokenizer, dev, ids, job),
        collate=default_data_collator if padded(job) else DataCollatorWithPadding(tokenizer),
        evaluate=lambda trainer: float(trainer.evaluate()["eval_accuracy"]),
        outputs=lambda output: output.logits,
        metrics=lambda found: {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())},
    )


def tags(job: Job, train: Sequence[Example], dev: Sequence[Example]) -> Task:
    """Tagging as `run_ner` does it: the first piece of a word is labelled; the score is entity F1 by seqeval.

    Both variants pad to the longest row of a batch, for that is the script's default. Words beyond the maximum length
    are neither learnt nor scored. The script's documentation leaves batches at 8.
    """
    model, tokenizer = load(AutoModelForTokenClassification, job)
    ids = model.config.label2id
    names = [model.config.id2label[i] for i in range(len(ids))]
    return Task(
        model=model,
        tokenizer=tokenizer,
        train_rows=_tagged_rows(tokenizer, train, ids, job),
        eval_rows=_tagged_rows(tokenizer, dev, ids, job),
        collate=DataCollatorForTokenClassification(tokenizer),
        evaluate=lambda trainer: float(trainer.evaluate()["eval_f1"]),
        outputs=lambda output: output.logits[0],
        metrics=lambda found: _entity_scores(found, names),
    )


def _tagged_rows(tokenizer: Any, sentences: Sequence[Example], ids: Mapping[str, int], job: Job) -> list[Row]:
    encoded = tokenizer(
        [s["words"] for s in sentences], is_split_into_words=True, truncation=True, max_length=job["max_length"]
    )
    rows = []
    for i, sentence in enumerate(sentences):
        labels, before = [], None
        for word in encoded.word_ids(i):
            labels.append(IGNORED if word is None or word == before else ids[sentence["tags"][word]])
            before = word
        rows.append({**_inputs(encoded, i), "labels": labels})
    return rows


def _labelled_rows(tokenizer: Any, texts: Sequence[Example], ids: Mapping[str, int], job: Job) -> list[Row]:
    encoded = tokenizer(
        [t["first"] for t in texts],
        [t["second"] for t in texts],
        truncation=True,
        max_length=job["max_length"],
        padding="max_length" if padded(job) else False,
    )
    return [{**_inputs(encoded, i), "label": ids[text["label"]]} for i, text in enumerate(texts)]


def _inputs(encoded: Any, i: int) -> Row:
    return {"input_ids": encoded["input_ids"][i], "attention_mask": encoded["attention_mask"][i]}


def _entity_scores(found: EvalPrediction, names: Sequence[str]) -> dict[str, float]:
    """Entity F1 and accuracy of labelled pieces, by the functions that the script's metric calls."""
    kept = found.label_ids != IGNORED
    best = np.argmax(found.predictions, axis=-1)
    gold, predicted = (
        [[names[i] for i in row[keep]] for row, keep in zip(values, kept, strict=True)]
        for values in (found.label_ids, best)
    )
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    return {"f1": float(report["micro avg"]["f1-score"]), "accuracy": float(accuracy_score(gold, predicted))}
