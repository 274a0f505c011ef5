"""What `run_qa` of `transformers` hands to its `Trainer`, and its search for answers; see `peer_tuning`.

Contexts are cut into overlapping windows; an answer outside a window makes `<s>` its label. Evaluation predicts all
windows, searches the best spans of each question and scores their texts as SQuAD v1.1 does.
"""

from __future__ import annotations

import re
import string
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    AutoModelForQuestionAnswering,
    DataCollatorWithPadding,
    Trainer,
    default_data_collator,
)

from .clock import Job
from .peer_tuning import Example, Row, Task, load, padded

STRIDE = 128  # pieces that two neighbouring windows share
N_BEST, MAX_ANSWER = 20, 30  # starts, ends and spans that are looked at; pieces in an answer
CONTEXT = 1  # the second of a pair of texts

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

Offsets = list[tuple[int, int] | None]  # characters of the context, None for other pieces
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """Which question a row belongs to, and where its pieces stand in that context."""

    asked: int
    offsets: Offsets


def questions(job: Job, train: Sequence[Example], dev: Sequence[Example]) -> Task:
    """Rows are windows; the score is SQuAD F1. The script's documentation has batches of 12."""
    model, tokenizer = load(AutoModelForQuestionAnswering, job)
    train_rows, train_windows = _windows(tokenizer, train, job)
    for row, window in zip(train_rows, train_windows, strict=True):
        first, last = _labels(train[window.asked], window.offsets)
        row |= {"start_positions": first, "end_positions": last}
    eval_rows, windows = _windows(tokenizer, dev, job)

    def evaluate(trainer: Trainer) -> float:
        # Grouping by length would also shuffle the predictions of an evaluation, which belong to windows by order.
        trainer.args.train_sampling_strategy = "random"
        starts, ends = trainer.predict(eval_rows).predictions
        predicted = best_answers(dev, windows, starts, ends)
        return float(np.mean([max(f1(a, p) for a in q["answers"]) for q, p in zip(dev, predicted, strict=True)]))

    return Task(
        model=model,
        tokenizer=tokenizer,
        train_rows=train_rows,
        eval_rows=eval_rows,
        collate=default_data_collator if padded(job) else DataCollatorWithPadding(tokenizer),
        evaluate=evaluate,
        outputs=lambda output: torch.stack([output.start_logits[0], output.end_logits[0]], dim=-1),
        best_eval_batch=8,
    )


def _windows(tokenizer: Any, asked: Sequence[Example], job: Job) -> tuple[list[Row], list[Window]]:
    encoded = tokenizer(
        [a["question"].lstrip() for a in asked],
        [a["context"] for a in asked],
        truncation="only_second",
        max_length=job["max_length"],
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding="max_length" if padded(job) else False,
    )
    rows, windows = [], []
    for i, owner in enumerate(encoded["overflow_to_sample_mapping"]):
        parts = encoded.sequence_ids(i)
        places = [o if part == CONTEXT else None for o, part in zip(encoded["offset_mapping"][i], parts, strict=True)]
        rows.append({"input_ids": encoded["input_ids"][i], "attention_mask": encoded["attention_mask"][i]})
        windows.append(Window(owner, places))
    return rows, windows


def _labels(asked: Example, offsets: Offsets) -> tuple[int, int]:
    """First and last piece of the answer, or (0, 0), which is `<s>`, where the window does not hold all of it."""
    begin = asked["starts"][0]
    end = begin + len(asked["answers"][0])
    places = [(i, o) for i, o in enumerate(offsets) if o is not None]
    if not places or places[0][1][0] > begin or places[-1][1][1] < end:
        return 0, 0
    return max(i for i, o in places if o[0] <= begin), min(i for i, o in places if o[1] >= end)


def best_answers(asked: Sequence[Example], windows: Sequence[Window], starts: Scores, ends: Scores) -> list[str]:
    """The likeliest answer to each question: a span of one of its windows, as text of the context."""
    own: dict[int, list[int]] = defaultdict(list)
    for i, window in enumerate(windows):
        own[window.asked].append(i)
    return [
        _ranked(a["context"], [(windows[i].offsets, starts[i], ends[i]) for i in own[q]]) for q, a in enumerate(asked)
    ]


def _ranked(context: str, windows: Sequence[tuple[Offsets, Scores, Scores]]) -> str:
    """The first of the n best spans. Like the script, all of them get their text and probability."""
    spans = [span for offsets, starts, ends in windows for span in _spans(offsets, starts, ends)]
    best = sorted(spans, key=lambda span: span["score"], reverse=True)[:N_BEST]
    for span in best:
        begin, end = span.pop("place")
        span["text"] = context[begin:end]
    if not best:
        return ""
    scores = np.array([span["score"] for span in best])
    odds = np.exp(scores - scores.max())
    for span, probability in zip(best, odds / odds.sum(), strict=True):
        span["probability"] = float(probability)
    return str(best[0]["text"])


def _spans(offsets: Offsets, starts: Scores, ends: Scores) -> list[dict[str, Any]]:
    """All spans of one window whose start and end are among the n best and that can be an answer."""
    found = []
    last = [int(i) for i in np.argsort(ends)[: -N_BEST - 1 : -1]]
    for i in np.argsort(starts)[: -N_BEST - 1 : -1].tolist():
        for j in last:
            if i >= len(offsets) or j >= len(offsets):
                continue  # rows of a window that was padded beyond its end
            begin, end = offsets[i], offsets[j]
            if begin is None or end is None or j < i or j - i + 1 > MAX_ANSWER:
                continue
            found.append({"place": (begin[0], end[1]), "score": starts[i] + ends[j]})
    return found


def f1(gold: str, predicted: str) -> float:
    """SQuAD v1.1's F1 of words, case, articles and punctuation aside."""
    wanted, found = _normal(gold), _normal(predicted)
    shared = sum((Counter(wanted) & Counter(found)).values())
    return 2 * shared / (len(wanted) + len(found)) if shared else 0.0


def _normal(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
