"""A folder of text to a folder of shards: what there is to do, doing it in parallel, and the manifest at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import atomic_path, locked, sha256_of
from xlmr_bench.modeling.tokenizer import load_sentencepiece
from xlmr_bench.progress import Progress

from .shards import MANIFEST, TOKENIZER, LanguageShards, ShardFile, write_manifest
from .text import TextFile, byte_ranges, find_text, holds_no_text
from .tokenise import Counts, WorkItem, finished, tokenise_item
from .workers import Advanced, in_processes

ITEM_BYTES = 64_000_000
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class Sharding:
    """What a command did: text tokenised now (not by an earlier one), in bytes, and the time it took."""

    languages: dict[str, LanguageShards]
    text_bytes: int
    seconds: float


def shard_text(
    text: Path,
    out: Path,
    tokenizer: Path,
    *,
    languages: str | None = None,
    workers: int = 1,
    line_documents: bool = False,
    item_bytes: int = ITEM_BYTES,
) -> Sharding:
    """Tokenise the text folder into shards, doing only what is not done yet.

    Raises DataError for text that cannot be read, after everything else was tokenised; UsageError for a folder begun
    with another tokenizer; XlmrBenchError where another command is at work there, the disk is full, or a worker died.
    """
    if workers < 1:
        raise UsageError(f"--workers is {workers}; it must be at least 1.")
    found = find_text(text, languages)
    with locked(out / ".lock", f"the shards in {out}"):
        _remove_scratch(out)
        digest, vocab_size = _settle_tokenizer(tokenizer, out)
        items = {
            code: [
                WorkItem(file, start, stop, out / code / f"{number:05}.bin", out / TOKENIZER, digest, line_documents)
                for number, (file, start, stop) in enumerate(_parts(files, item_bytes, not line_documents))
            ]
            for code, files in found.items()
        }
        began = monotonic()
        try:
            fresh = _work([i for part in items.values() for i in part], out / MANIFEST, workers)
        finally:
            _remove_scratch(out)
        summed = {code: _summed(out, files, items[code]) for code, files in found.items()}
        for code in items:
            _remove_stale(out / code, len(items[code]))
        write_manifest(out, digest, vocab_size, summed)
        return Sharding(summed, sum(c.bytes for c in fresh), monotonic() - began)


def _work(items: Sequence[WorkItem], manifest: Path, workers: int) -> list[Counts]:
    """Do what is not done, the largest items first so that none is left to a single process at the end."""
    waiting = sorted((i for i in items if finished(i) is None), key=lambda i: -i.cost)
    if not waiting:
        return []
    manifest.unlink(missing_ok=True)  # what is there does not fit together again until all is done
    total, left = sum(i.cost for i in items), sum(i.cost for i in waiting)
    done: list[Counts] = []
    problems: list[str] = []
    work = in_processes(tokenise_item, waiting, workers, _describe, "use fewer --workers")
    with closing(work), Progress(total, "B", "tokenising", start=total - left) as progress:
        for event in work:
            if isinstance(event, Advanced):
                progress.update(event.amount)
            elif event.refusal is not None:
                problems.append(str(event.refusal))
            elif event.result is not None:
                done.append(event.result)
    if problems:
        problems = [*problems[:_SHOWN_PROBLEMS], *(["..."] if len(problems) > _SHOWN_PROBLEMS else [])]
        raise DataError("\n".join([*problems, "All other text is tokenised; the same command continues from there."]))
    return done


def _parts(files: Sequence[TextFile], item_bytes: int, whole_documents: bool) -> Iterator[tuple[TextFile, int, int]]:
    for file in files:
        for start, stop in byte_ranges(file, item_bytes, whole_documents):
            yield file, start, stop


def _settle_tokenizer(tokenizer: Path, out: Path) -> tuple[str, int]:
    """Copy the tokenizer into the folder; its SHA-256 and number of ids."""
    loaded = load_sentencepiece(tokenizer)
    copy = out / TOKENIZER
    if copy.is_file() and sha256_of(copy) != loaded.digest:
        if any(out.glob("*/[0-9]*.json")):
            raise UsageError(
                f"{out} holds shards made with another tokenizer than {tokenizer} (see {copy}). Give that one, "
                "another folder for the shards, or delete this one."
            )
        copy.unlink()
    if not copy.is_file():
        with atomic_path(copy) as part:
            shutil.copyfile(tokenizer, part)
    return loaded.digest, loaded.vocab_size


def _summed(out: Path, files: list[TextFile], items: Sequence[WorkItem]) -> LanguageShards:
    """The counts of a language, with its files in the order of the text."""
    parts = [(item.target, made) for item in items if (made := finished(item))]
    assert len(parts) == len(items)
    code, counts = files[0].language, [c for _, c in parts]
    if not sum(c.sentences for c in counts):
        raise holds_no_text(files, code)
    return LanguageShards(
        language=code,
        sentences=sum(c.sentences for c in counts),
        documents=sum(c.documents for c in counts),
        tokens=sum(c.tokens for c in counts),
        bytes=sum(c.bytes for c in counts),
        files=tuple(ShardFile(t.relative_to(out).as_posix(), c.tokens, c.sha256) for t, c in parts),
        unknown=sum(c.unknown for c in counts),
    )


def _remove_stale(folder: Path, items: int) -> None:
    """Drop what a longer text left behind in the folder of a language."""
    for path in [*folder.glob("[0-9]*.bin"), *folder.glob("[0-9]*.json")]:
        if path.stem.isdecimal() and int(path.stem) >= items:
            path.unlink()


def _remove_scratch(out: Path) -> None:
    """Drop what writers that were killed had begun; only the holder of the lock may."""
    for pattern in (".*.bin.*", ".*.json.*", ".*.model.*", "*/.*.bin.*", "*/.*.json.*"):
        for path in out.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


def _describe(item: WorkItem) -> str:
    part = f" (bytes {item.start:,} to {item.stop:,})" if item.stop else ""
    return f"tokenising {item.source.path}{part}"
