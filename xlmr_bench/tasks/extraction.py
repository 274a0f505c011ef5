"""Questions on contexts, read in windows; answers are cut from the context as it was given."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..answers import normalise
from ..encode import Arrays, Encoded, flat, stored
from ..errors import UsageError
from ..examples import Question, Split
from ..modeling.tokenizer import Pieces, Tokenizer
from ..progress import Progress
from ..settings import ExtractionSettings
from ..windows import best_answers, gold_span, text_of, windows
from . import Extraction

Outputs = npt.NDArray[np.float32]


def encode(task: Extraction, split: Split[Question], tokenizer: Tokenizer, settings: ExtractionSettings) -> Encoded:
    """Each question with every window of its context as `prefix question middle window suffix`.

    Targets are the pieces of the first answer that stands in the context, counted from 1 within the window, or 0
    (the place of `<s>`) where the window does not hold all of it. `truncated` counts questions that were cut.
    """
    specials = len(tokenizer.prefix) + len(tokenizer.middle) + len(tokenizer.suffix)
    if settings.max_question_length > settings.max_length - specials - 1:
        raise UsageError(
            f"max_question_length={settings.max_question_length} leaves no room for the context in "
            f"max_length={settings.max_length} tokens with {specials} special ones."
        )
    key = [
        "windows",
        split.digest,
        tokenizer.digest,
        settings.max_length,
        settings.max_question_length,
        settings.doc_stride,
    ]
    arrays = stored(key, lambda: _arrays(split, tokenizer, settings))
    return Encoded(
        tokens=arrays["tokens"],
        offsets=np.asarray(arrays["offsets"]),
        targets=np.asarray(arrays["targets"]),
        truncated=int(arrays["truncated"]),
        reads=arrays["reads"],
        read_offsets=np.asarray(arrays["read_offsets"]),
        extra={k: arrays[k] for k in ("spans", "window_offsets", "starts", "ends", "piece_offsets", "context_of")},
    )


def decode(
    task: Extraction, split: Split[Question], encoded: Encoded, outputs: Outputs, settings: ExtractionSettings
) -> tuple[list[str], dict[str, list[float]]]:
    """The best answer to each question over its windows, and its score (the sum of its two outputs)."""
    extra = encoded.extra
    rows, spans = encoded.output_offsets, extra["spans"].tolist()
    answers: list[str] = []
    scores: list[float] = []
    for i, (first, stop) in enumerate(pairwise(extra["window_offsets"].tolist())):
        logits = [outputs[rows[w] + 1 : rows[w + 1]] for w in range(first, stop)]  # without `<s>`
        best = best_answers(
            [x[:, 0] for x in logits],
            [x[:, 1] for x in logits],
            [(a, b) for a, b in spans[first:stop]],
            settings.n_best,
            settings.max_answer_length,
        )
        context = split.examples[i].context
        answers.append(text_of(_pieces_of(encoded, i), best[0].first, best[0].last, context) if best else "")
        scores.append(best[0].score if best else 0.0)
    return answers, {"score": scores}


def collapsed(task: Extraction, split: Split[Question], predicted: list[str]) -> str | None:
    """Why dev predictions count as collapsed, or None: no answer shares a word (Chinese: a character) with gold."""
    for text, example in zip(predicted, split.examples, strict=True):
        words = set(normalise(text, "zh").split())
        if any(words & set(normalise(answer, "zh").split()) for answer in example.answers):
            return None
    return "no answer on dev shares a word with a right one"


def _pieces_of(encoded: Encoded, question: int) -> Pieces:
    """The characters of the pieces of a question's context."""
    extra = encoded.extra
    context = int(extra["context_of"][question])
    start, stop = extra["piece_offsets"][context : context + 2]
    return Pieces([], extra["starts"][start:stop].tolist(), extra["ends"][start:stop].tolist())


def _arrays(split: Split[Question], tokenizer: Tokenizer, settings: ExtractionSettings) -> Arrays:
    contexts = {text: i for i, text in enumerate(dict.fromkeys(e.context for e in split.examples))}
    with Progress(len(contexts), "contexts", f"encoding {split.language} {split.role}") as progress:
        pieces = []
        for text in contexts:
            pieces.append(tokenizer.encode_with_offsets(text))
            progress.update(1)
    questions = tokenizer.encode_batch([e.question for e in split.examples])
    prefix, middle, suffix = list(tokenizer.prefix), list(tokenizer.middle), list(tokenizer.suffix)
    specials = len(prefix) + len(middle) + len(suffix)
    inputs: list[list[int]] = []
    reads: list[list[int]] = []
    targets: list[tuple[int, int]] = []
    spans: list[tuple[int, int]] = []
    counts: list[int] = []
    for example, ids in zip(split.examples, questions, strict=True):
        question = ids[: settings.max_question_length]
        context = pieces[contexts[example.context]]
        gold = _gold(example, context)
        own = windows(question, context.ids, settings.max_length, settings.doc_stride, specials)
        for start, stop in own:
            head = prefix + question + middle
            inputs.append(head + context.ids[start:stop] + suffix)
            reads.append([0, *range(len(head), len(head) + stop - start)])
            inside = gold is not None and start <= gold[0] and gold[1] < stop
            targets.append((gold[0] - start + 1, gold[1] - start + 1) if gold is not None and inside else (0, 0))
        spans += own
        counts.append(len(own))
    tokens, offsets = flat(inputs)
    read, read_offsets = flat(reads)
    starts, piece_offsets = flat([p.starts for p in pieces])
    return {
        "tokens": tokens,
        "offsets": offsets,
        "reads": read,
        "read_offsets": read_offsets,
        "targets": np.array(targets, dtype=np.int64),
        "spans": np.array(spans),
        "window_offsets": np.concatenate([[0], np.cumsum(counts)]),
        "starts": starts,
        "ends": flat([p.ends for p in pieces])[0],
        "piece_offsets": piece_offsets,
        "context_of": np.array([contexts[e.context] for e in split.examples]),
        "truncated": np.array(sum(len(ids) > settings.max_question_length for ids in questions)),
    }


def _gold(example: Question, context: Pieces) -> tuple[int, int] | None:
    """The pieces of the first answer that stands in the context."""
    for text, start in zip(example.answers, example.starts, strict=True):
        span = gold_span(context, start, text)
        if span is not None:
            return span
    return None
