"""One or two texts an input, a label or a score each."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..encode import Arrays, Encoded, class_numbers, stored
from ..errors import DataError, UsageError
from ..examples import Split, TextExample
from ..metrics import collapsed as at_chance
from ..modeling.tokenizer import Tokenizer
from ..progress import Progress
from ..settings import Settings
from . import Classification, Regression

Outputs = npt.NDArray[np.float32]
_CHUNK = 16_384


def encode(
    task: Classification | Regression, split: Split[TextExample], tokenizer: Tokenizer, settings: Settings
) -> Encoded:
    """Each example as `prefix a suffix` or `prefix a middle b suffix`, at most `max_length` tokens."""
    specials = len(tokenizer.prefix) + len(tokenizer.middle) + len(tokenizer.suffix)
    if settings.max_length <= specials + 1:
        raise UsageError(f"max_length={settings.max_length} leaves no room beside {specials} special tokens.")
    key = ["texts", split.digest, tokenizer.digest, settings.max_length]
    arrays = stored(key, lambda: _arrays(split, tokenizer, settings.max_length))
    if isinstance(task, Regression):
        targets: npt.NDArray[np.generic] = _values(task, split)
    else:
        targets = class_numbers(task.labels, ((e.id, e.label) for e in split.examples), str(split.files[0]))
    return Encoded(arrays["tokens"], np.asarray(arrays["offsets"]), targets, int(arrays["truncated"]))


def _values(task: Regression, split: Split[TextExample]) -> npt.NDArray[np.float32]:
    """Scores as fractions of the largest one."""
    try:
        return np.array([float(e.label) / task.maximum for e in split.examples], dtype=np.float32)
    except ValueError as e:
        raise DataError(f"{split.files[0]}: a score is not a number ({e}). Correct the file or its reader.") from None


def decode(
    task: Classification | Regression, split: Split[TextExample], encoded: Encoded, outputs: Outputs, settings: Settings
) -> tuple[list[str], dict[str, list[float]]]:
    """The likeliest labels and the probability of each, or scores in digits."""
    if isinstance(task, Regression):
        return [f"{task.maximum * value:.7g}" for value in outputs[:, 0].tolist()], {}
    probabilities = softmax(outputs)
    columns = {f"p_{label}": probabilities[:, i].tolist() for i, label in enumerate(task.labels)}
    return [task.labels[i] for i in outputs.argmax(axis=1)], columns


def collapsed(task: Classification | Regression, split: Split[TextExample], predicted: list[str]) -> str | None:
    """Why dev predictions are no better than chance, or None."""
    gold = [e.label for e in split.examples]
    if isinstance(task, Classification):
        return at_chance(predicted, gold)
    values = np.array(predicted, dtype=np.float64)
    if values.std() == 0:
        return "all dev predictions are the same score"
    correlation, floor = float(np.corrcoef(values, np.array(gold, dtype=np.float64))[0, 1]), 2 / math.sqrt(len(gold))
    return (
        f"dev correlation {correlation:.2f} is not above that of chance ({floor:.2f})" if correlation < floor else None
    )


def cut_pair(a: int, b: int, room: int) -> tuple[int, int]:
    """Lengths to which two texts of a and b tokens are cut to fit `room`: the longer one loses first.

    The same as Hugging Face's `longest_first`: on equal lengths the second text loses.
    """
    if a + b <= room:
        return a, b
    half = room // 2
    if b <= half:
        return room - b, b
    if a <= room - half:
        return a, room - a
    return room - half, half


def softmax(outputs: Outputs) -> Outputs:
    """Probabilities (N, C)."""
    exponentials = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    probabilities: Outputs = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _arrays(split: Split[TextExample], tokenizer: Tokenizer, max_length: int) -> Arrays:
    """Encode each distinct text once (XNLI repeats premises three times), chunk by chunk."""
    texts = list(dict.fromkeys(t for e in split.examples for t in e.texts()))
    ids: dict[str, list[int]] = {}
    with Progress(len(texts), "texts", f"encoding {split.language} {split.role}") as progress:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            ids.update(zip(chunk, tokenizer.encode_batch(chunk), strict=True))
            progress.update(len(chunk))
    tokens: list[npt.NDArray[np.int32]] = []
    truncated = 0
    prefix, middle, suffix = list(tokenizer.prefix), list(tokenizer.middle), list(tokenizer.suffix)
    pair_room = max_length - len(prefix) - len(middle) - len(suffix)
    for example in split.examples:
        a, *rest = (ids[text] for text in example.texts())
        if rest:
            keep_a, keep_b = cut_pair(len(a), len(rest[0]), pair_room)
            input_ids = prefix + a[:keep_a] + middle + rest[0][:keep_b] + suffix
            truncated += keep_a + keep_b < len(a) + len(rest[0])
        else:
            room = max_length - len(prefix) - len(suffix)
            input_ids = prefix + a[:room] + suffix
            truncated += len(a) > room
        tokens.append(np.array(input_ids, dtype=np.int32))
    offsets = np.concatenate([[0], np.cumsum([len(t) for t in tokens], dtype=np.int64)])
    return {"tokens": np.concatenate(tokens), "offsets": offsets, "truncated": np.array(truncated)}
