"""One work item, a compressed file or some 64 MB of a plain one, from text to tokens.

An item is done when `LANGUAGE/00000.bin` and, after it, `LANGUAGE/00000.json` are there; the second says of what text
and tokenizer the first was made. Nothing in either depends on how many processes there are or whether one was killed:
repeating the command does what is missing, and what was made of text that has changed since.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from xlmr_bench.errors import DataError
from xlmr_bench.files import atomic_path, digest_of, write_json
from xlmr_bench.modeling.config import EOS_ID, UNK_ID
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer, load_sentencepiece

from .shards import FORMAT, TOKEN_BYTES
from .text import TextFile, decode, holds_no_text, open_text, read_lines
from .workers import Report

_BATCH_BYTES = 1_000_000
_BATCH_LINES = 4096


@dataclass(frozen=True)
class WorkItem:
    """Bytes [start, stop) of a file (all of it where stop is 0), and what they become."""

    source: TextFile
    start: int
    stop: int
    target: Path  # the .bin file
    tokenizer: Path
    tokenizer_sha256: str
    line_documents: bool

    @property
    def signature(self) -> str:
        """Changes with anything that could change the tokens."""
        source = self.source
        text = (source.name, source.size, source.mtime_ns, self.start, self.stop)
        return digest_of([FORMAT, text, self.tokenizer_sha256, self.line_documents])

    @property
    def cost(self) -> int:
        """Bytes to read from the disk."""
        return self.stop - self.start or self.source.size


@dataclass(frozen=True)
class Counts:
    """What an item became. `bytes` is its text in UTF-8 without line ends."""

    sentences: int
    documents: int
    tokens: int
    unknown: int
    bytes: int
    sha256: str


def tokenise_item(item: WorkItem, report: Report) -> Counts:
    """Write one item; reports bytes read from the disk. Memory is bounded by a batch of lines, not by the item."""
    digest, tally = hashlib.sha256(), {"sentences": 0, "documents": 0, "tokens": 0, "unknown": 0, "bytes": 0}
    state = item.target.with_suffix(".json")
    with atomic_path(item.target) as part, part.open("wb") as target:
        state.unlink(missing_ok=True)  # it must never describe another .bin than the one beside it
        open_document = False
        for lines, ends, size in _batches(item, report):
            tokens = array("I")  # several times as fast as numpy at taking in lists
            for ids, end in zip(_tokenizer(item.tokenizer).encode_batch(lines), ends, strict=True):
                if ids:
                    tally["sentences"] += 1
                    open_document = True
                    tokens.fromlist(ids)
                if end and open_document:
                    tally["documents"] += 1
                    open_document = False
                    tokens.append(EOS_ID)
            tally["tokens"] += len(tokens)
            content = np.frombuffer(tokens, dtype=np.uint32).astype("<u4", copy=False)
            tally["unknown"] += int(np.count_nonzero(content == UNK_ID))
            tally["bytes"] += size
            digest.update(content.data)
            target.write(content.data)
        _check_read(item, tally["sentences"])
    counts = Counts(**tally, sha256=digest.hexdigest())
    write_json(state, {"signature": item.signature, "source": item.source.name, **asdict(counts)})
    return counts


def finished(item: WorkItem) -> Counts | None:
    """What an item became, if it was done before from this very text; None if it has to be done."""
    try:
        state = json.loads(item.target.with_suffix(".json").read_text(encoding="utf-8"))
        if state.pop("signature") != item.signature:
            return None
        del state["source"]
        counts = Counts(**state)
        return counts if item.target.stat().st_size == counts.tokens * TOKEN_BYTES else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _batches(item: WorkItem, report: Report) -> Iterator[tuple[list[str], list[bool], int]]:
    """Lines, whether a document ends after each, and their bytes; at most some 2 MB at a time."""
    lines: list[str] = []
    ends: list[bool] = []
    size, reported = 0, item.start
    with open_text(item.source) as (text, disk):
        for offset, line in read_lines(item.source, text, item.start, item.stop or None):
            if not line:
                if ends:  # the line before is still in this batch: batches are given away when the next line comes
                    ends[-1] = True
                continue
            if size >= _BATCH_BYTES or len(lines) >= _BATCH_LINES:
                yield lines, ends, size
                position = disk.tell()
                report(position - reported)
                lines, ends, size, reported = [], [], 0, position
            lines.append(decode(item.source, offset, line))
            ends.append(item.line_documents)
            size += len(line)
    if ends and item.stop in (0, item.source.size):
        ends[-1] = True
    yield lines, ends, size
    report(item.start + item.cost - reported)


def _check_read(item: WorkItem, sentences: int) -> None:
    """Refuse a text without a word, and one that was written to meanwhile: its tokens would be of no one text."""
    if not sentences and item.cost == item.source.size:
        raise holds_no_text([item.source], item.source.language)
    now = TextFile.at(item.source.path, item.source.name, item.source.language)
    if now != item.source:
        raise DataError(f"{item.source.path} changed while it was read. Repeat the command when it is complete.")


@cache
def _tokenizer(path: Path) -> SentencePieceTokenizer:
    return load_sentencepiece(path, num_threads=1)
