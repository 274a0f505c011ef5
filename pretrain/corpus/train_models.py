"""Language models for `perplexity`, a language at a time, from Wikipedia-like text: as cc_net's Makefile trains them.

Lines are normalised, SentencePiece learns unigram pieces from an even sample of them, and KenLM's programs estimate a
model with modified Kneser-Ney smoothing from all of them in pieces. Memory is bounded by the sample and by what `lmplz`
sorts at once; for the time of a language, the disk holds its normalised text, n-gram counts and the model as text too.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sentencepiece

from xlmr_bench.errors import DataError, Interrupted, UsageError
from xlmr_bench.files import atomic_path, explained, locked, sha256_of, write_json
from xlmr_bench.progress import Progress, amount

from ..text import TextFile, decode, find_text, holds_no_text, open_text, read_lines
from ..vocabulary import MAX_SENTENCE_BYTES, Sample, sampled_lines
from ..workers import Ended, Report, in_processes
from .folder import read_json
from .lmplz import LONGEST_NGRAM, estimate, find_programs
from .perplexity import MODEL, PIECES, LanguageModels, normalised_for_lm

# SentencePiece holds them in memory. cc_net gives it at most a million articles' openings.
SAMPLED_LINES = 1_000_000
_BATCH_LINES = 1000


@dataclass(frozen=True)
class Settings:
    """What shapes a model. size: SentencePiece pieces wanted; order: the longest n-gram."""

    size: int = 65_536
    order: int = 5


def train_models(
    text: Path, out: Path, languages: str | None = None, size: int = 65_536, order: int = 5, threads: int = 1
) -> None:
    """Write `LANG.sp.model`, `LANG.arpa.bin` and `LANG.json`, a record of settings and text, for each language.

    Languages that are done from the same text with the same settings are kept, so the same command continues.

    Raises UsageError for numbers that cannot be meant, for models in `out` that were made otherwise, and where KenLM's
    programs are missing; DataError for text that cannot be read or is too small.
    """
    settings = Settings(size, order)
    for name, value, least in (("size", size, 5), ("order", order, 2), ("threads", threads, 1)):
        if value < least:
            raise UsageError(f"--{name} {value} is too small: it must be at least {least}.")
    if order > LONGEST_NGRAM:
        raise UsageError(f"--order {order} is too large: KenLM is built for at most {LONGEST_NGRAM}; cc_net has 5.")
    found = find_text(text, languages)
    programs = find_programs()
    with locked(out / ".lock", f"the language models in {out}"):
        for number, (language, files) in enumerate(found.items(), 1):
            record = _record(settings, files)
            if _is_done(out, language, record):
                _tell(f"{language}: kept, made from the same text before")
                continue
            try:
                _train(out, language, files, record, programs, threads)
            except KeyboardInterrupt:
                done = f"{number - 1} of {len(found)} languages are done"
                raise Interrupted(f"interrupted at {language}; {done}, and the same command continues.") from None


def _is_done(out: Path, language: str, record: dict[str, Any]) -> bool:
    """Whether the models are there and come of the same text and settings."""
    there = [path for path in (out / f"{language}{PIECES}", out / f"{language}{MODEL}") if path.exists()]
    if not there:
        return False
    written = out / f"{language}.json"
    if not written.exists():
        raise UsageError(f"{there[0]} exists and was not made by this command, which overwrites nothing. Move it away.")
    before = read_json(written)
    for key, value in record.items():
        if before.get(key) != value:
            raise UsageError(
                f"{there[0]} was made with other {key}: {before.get(key)}, not {value}. "
                f"Choose another folder, or remove {language}.* in {out}."
            )
    return len(there) == 2


def _train(
    out: Path, language: str, files: list[TextFile], record: dict[str, Any], programs: tuple[Path, Path], threads: int
) -> None:
    settings = Settings(**record["settings"])
    with _scratch(out, language) as scratch:
        normalised = _normalised(scratch / "text.txt", language, files)
        _tell(f"{language}: learning {settings.size:,} pieces from {normalised.taken:,} of {normalised.lines:,} lines")
        pieces = scratch / f"{language}{PIECES}"
        pieces.write_bytes(_learned(normalised, language, settings, threads))
        processor = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
        size = processor.get_piece_size()
        if size < settings.size:
            _tell(f"{language}: its text yields {size:,} pieces only; all of them are taken")
        model = scratch / f"{language}{MODEL}"
        with Progress(normalised.lines, "lines", f"{language}: counting n-grams") as progress:
            lines = _in_pieces(normalised, processor, threads, progress)
            estimate(lines, model, settings.order, size, programs, scratch)
        LanguageModels(scratch).perplexity(language, "")  # raises where they could not be used
        models = {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in (pieces, model)}
        made = {"pieces": size, "lines": normalised.lines, "sentencepiece": sentencepiece.__version__, "models": models}
        # First of all the record: without it the models would look like somebody else's.
        write_json(out / f"{language}.json", {**record, **made})
        for path in (pieces, model):
            with atomic_path(out / path.name) as part:
                path.rename(part)
    _tell(f"{language}: {size:,} pieces, {normalised.lines:,} lines, {amount((out / model.name).stat().st_size, 'B')}")


def _record(settings: Settings, files: list[TextFile]) -> dict[str, Any]:
    with Progress(sum(f.size for f in files), "B", f"{files[0].language}: reading the text") as progress:
        digests = {}
        for file in files:
            digests[file.name] = {"bytes": file.size, "sha256": sha256_of(file.path)}
            progress.update(file.size)
    return {"settings": asdict(settings), "text": digests}


@contextmanager
def _scratch(out: Path, language: str) -> Iterator[Path]:
    """A folder for work in progress. What a killed command left in it goes: the lock says that nobody uses it."""
    folder = out / f".{language}.making"
    shutil.rmtree(folder, ignore_errors=True)
    with explained(folder):
        folder.mkdir()
    try:
        with explained(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _normalised(target: Path, language: str, files: list[TextFile]) -> Sample:
    """Write the lines as the models are to see them, without blank ones."""
    lines = 0
    label = f"{language}: normalising"
    with Progress(sum(f.size for f in files), "B", label) as progress, target.open("w", encoding="utf-8") as out:
        for file in files:
            seen = 0
            with open_text(file) as (text, disk):
                for number, (offset, line) in enumerate(read_lines(file, text)):
                    if kept := normalised_for_lm(decode(file, offset, line)).strip():
                        out.write(kept + "\n")
                        lines += 1
                    if number % _BATCH_LINES == 0:
                        progress.update((now := disk.tell()) - seen)
                        seen = now
            progress.update(file.size - seen)
    if not lines:
        raise holds_no_text(files, language)
    file = TextFile.at(target, target.name, language)
    return Sample((file,), lines, file.size, min(lines, SAMPLED_LINES))


def _learned(sample: Sample, language: str, settings: Settings, threads: int) -> bytes:
    """A SentencePiece model, learnt in a process of its own: SentencePiece does not hear Ctrl-C."""
    job = (sample, settings.size, threads)
    doing = f"learning the pieces of {language}"
    for event in in_processes(_learn, [job], 1, lambda _: doing, "give it less text"):
        if isinstance(event, Ended):
            if event.refusal is not None:
                raise event.refusal
            assert event.result is not None
            return event.result
    raise AssertionError("a job ends")


def _learn(job: tuple[Sample, int, int], report: Report) -> bytes:
    sample, size, threads = job
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sampled_lines(sample),
            model_writer=model,
            model_type="unigram",
            vocab_size=size,
            hard_vocab_limit=False,  # fewer pieces where the text yields no more
            character_coverage=0.9995,
            num_threads=threads,
            input_sentence_size=0,  # all of them: they are a sample already
            shuffle_input_sentence=False,
            max_sentence_length=MAX_SENTENCE_BYTES,
            minloglevel=2,
        )
    except RuntimeError as e:
        language = sample.files[0].language
        raise DataError(f"{language}: SentencePiece could not learn {size:,} pieces from this text: {e}") from e
    return model.getvalue()


def _in_pieces(sample: Sample, processor: Any, threads: int, progress: Progress) -> Iterator[str]:
    """All lines as pieces with spaces between."""
    (file,) = sample.files
    batch: list[str] = []
    with open_text(file) as (text, _):
        for offset, line in read_lines(file, text):
            batch.append(decode(file, offset, line))
            if len(batch) == _BATCH_LINES:
                yield from _encoded(processor, batch, threads)
                progress.update(len(batch))
                batch = []
    yield from _encoded(processor, batch, threads)
    progress.update(len(batch))


def _encoded(processor: Any, lines: list[str], threads: int) -> Iterator[str]:
    return (" ".join(pieces) for pieces in processor.encode(lines, out_type=str, num_threads=threads))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
