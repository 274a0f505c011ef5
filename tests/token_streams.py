"""Streams of tokens by their definition, and as shards hold them."""

from __future__ import annotations

from pathlib import Path

from pretrain.shards import TokenStream, open_shards, verify
from xlmr_bench.modeling.tokenizer import load_sentencepiece

EOS = 2


def expected(tokenizer: Path, texts: list[str], line_documents: bool = False) -> list[int]:
    """The stream by its definition: pieces of each line, `</s>` after each document that has any."""
    encode = load_sentencepiece(tokenizer).encode_batch
    stream: list[int] = []
    for text in texts:
        documents = text.split("\n") if line_documents else text.split("\n\n")
        for document in documents:
            pieces = [p for ids in encode(document.split("\n")) for p in ids]
            stream += [*pieces, EOS] if pieces else []
    return stream


def streams(shards: Path) -> dict[str, list[int]]:
    manifest = open_shards(shards)
    verify(manifest)
    found = {code: TokenStream(manifest, code) for code in manifest.languages}
    return {code: stream.read(0, len(stream)).tolist() for code, stream in found.items()}


def written(shards: Path) -> dict[str, int]:
    """The finished token files, with the time of writing: a kill may leave one before its counts are written."""
    finished = (p for p in shards.glob("*/*.bin") if p.with_suffix(".json").is_file())
    return {p.relative_to(shards).as_posix(): p.stat().st_mtime_ns for p in finished}
