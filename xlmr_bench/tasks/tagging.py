"""Sentences of words, a tag a word: read at each word's first piece, split where they are too long."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..encode import Arrays, Encoded, class_numbers, flat, stored
from ..entities import entities, merge_parts, split_long
from ..errors import UsageError
from ..examples import Split, TaggedSentence
from ..modeling.tokenizer import Tokenizer
from ..progress import Progress
from ..settings import Settings
from . import Tagging

Outputs = npt.NDArray[np.float32]


def encode(task: Tagging, split: Split[TaggedSentence], tokenizer: Tokenizer, settings: Settings) -> Encoded:
    """Each sentence as one input or, where it does not fit `max_length`, as few as possible, cut between words.

    `truncated` counts sentences with a word of more pieces than an input holds; it keeps its first ones, and its tag.
    """
    room = settings.max_length - len(tokenizer.prefix) - len(tokenizer.suffix)
    if room < 1:
        raise UsageError(f"max_length={settings.max_length} leaves no room beside the special tokens.")
    key = ["words", split.digest, tokenizer.digest, settings.max_length]
    arrays = stored(key, lambda: _arrays(split, tokenizer, room))
    tags = ((e.id, tag) for e in split.examples for tag in e.tags)
    return Encoded(
        tokens=arrays["tokens"],
        offsets=np.asarray(arrays["offsets"]),
        targets=class_numbers(task.labels, tags, str(split.files[0])),
        truncated=int(arrays["truncated"]),
        reads=arrays["reads"],
        read_offsets=np.asarray(arrays["read_offsets"]),
        extra={"parts": np.asarray(arrays["parts"])},
    )


def decode(
    task: Tagging, split: Split[TaggedSentence], encoded: Encoded, outputs: Outputs, settings: Settings
) -> tuple[list[str], dict[str, list[float]]]:
    """The tags of each sentence, between blanks. A sentence's parts are put together again."""
    tags = [task.labels[i] for i in outputs.argmax(axis=1)]
    of_parts = [tags[start:stop] for start, stop in pairwise(encoded.output_offsets.tolist())]
    predicted, part = [], 0
    for example, count in zip(split.examples, encoded.extra["parts"].tolist(), strict=True):
        given = of_parts[part : part + count]
        bounds = np.cumsum([0] + [len(g) for g in given]).tolist()
        whole, uncovered = merge_parts(len(example.words), [slice(a, b) for a, b in pairwise(bounds)], given)
        if uncovered:
            raise ValueError(f"sentence {example.id}: {uncovered} words without a tag")  # encode() covers all words
        predicted.append(" ".join(whole))
        part += count
    return predicted, {}


def collapsed(task: Tagging, split: Split[TaggedSentence], predicted: list[str]) -> str | None:
    """Why dev predictions count as collapsed, or None: no entity at all, or one a word."""
    found = sum(len(entities(tags.split())) for tags in predicted)
    if not found:
        return "no entity is predicted on dev"
    correct = sum(
        len(set(entities(tags.split())) & set(entities(e.tags)))
        for tags, e in zip(predicted, split.examples, strict=True)
    )
    return None if correct else f"none of the {found:,} entities predicted on dev is right"


def _arrays(split: Split[TaggedSentence], tokenizer: Tokenizer, room: int) -> Arrays:
    """Encode each distinct word once, then lay the sentences out."""
    pieces = _pieces(split, tokenizer)
    prefix, suffix = list(tokenizer.prefix), list(tokenizer.suffix)
    inputs: list[list[int]] = []
    reads: list[list[int]] = []
    parts: list[int] = []
    truncated = 0
    with Progress(len(split.examples), "sentences", f"encoding {split.language} {split.role}") as progress:
        for example in split.examples:
            words = [pieces[word] for word in example.words]
            cuts = split_long([len(w) for w in words], room)
            parts.append(len(cuts))
            truncated += any(len(w) > room for w in words)
            for cut in cuts:
                ids, first = list(prefix), []
                for word in words[cut]:
                    first.append(len(ids))
                    ids += word[:room]
                inputs.append(ids + suffix)
                reads.append(first)
            progress.update(1)
    tokens, offsets = flat(inputs)
    read, read_offsets = flat(reads)
    return {
        "tokens": tokens,
        "offsets": offsets,
        "reads": read,
        "read_offsets": read_offsets,
        "parts": np.array(parts),
        "truncated": np.array(truncated),
    }


def _pieces(split: Split[TaggedSentence], tokenizer: Tokenizer) -> dict[str, list[int]]:
    """The ids of every distinct word; each has at least one."""
    words = list(dict.fromkeys(word for e in split.examples for word in e.words))
    ids, word_index = tokenizer.encode_words(words)
    bounds = np.searchsorted(word_index, np.arange(len(words) + 1)).tolist()
    return {word: ids[start:stop] for word, (start, stop) in zip(words, pairwise(bounds), strict=True)}
