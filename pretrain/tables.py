"""What shards hold, as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tabulate import tabulate

from xlmr_bench.modeling.config import EOS_ID
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer

from .shards import LanguageShards, TokenStream

_HEAD = ("language", "sentences", "documents", "tokens", "MB", "tokens/sentence", "bytes/token", "unknown %")


def shards_table(languages: Mapping[str, LanguageShards]) -> str:
    """A line a language and, below several, their sum; `</s>` counts as a token."""
    rows = [_row(shards.language, [shards]) for shards in languages.values()]
    if len(rows) > 1:
        rows.append(_row("all", languages.values()))
    text: str = tabulate(rows, _HEAD, tablefmt="simple", disable_numparse=True, colalign=("left", *["right"] * 7))
    return text


def blocks(stream: TokenStream, count: int, length: int) -> Iterator[tuple[int, int]]:
    """[start, stop) of `count` blocks, the first at the start of the stream and the last at its end."""
    length = min(length, len(stream))
    count = min(count, len(stream) // length) if length else 0
    for i in range(count):
        start = (len(stream) - length) * i // max(count - 1, 1)
        yield start, start + length


def block_text(ids: Iterable[int], tokenizer: SentencePieceTokenizer) -> str:
    """The ids as text; `</s>` is shown, and ends a line, because decoding would drop it."""
    documents: list[list[int]] = [[]]
    for token in ids:
        if token == EOS_ID:
            documents.append([])
        else:
            documents[-1].append(int(token))
    return " </s>\n".join(tokenizer.decode(document) for document in documents).rstrip("\n")


def _row(name: str, parts: Iterable[LanguageShards]) -> list[str]:
    parts = list(parts)
    sentences, documents, tokens, size, unknown = (
        sum(getattr(p, field) for p in parts) for field in ("sentences", "documents", "tokens", "bytes", "unknown")
    )
    return [
        name, f"{sentences:,}", f"{documents:,}", f"{tokens:,}", f"{size / 1e6:,.1f}",
        f"{tokens / sentences:.1f}", f"{size / tokens:.2f}", f"{unknown / tokens:.2%}".rstrip("%"),
    ]  # fmt: skip
