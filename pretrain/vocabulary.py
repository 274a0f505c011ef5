"""A SentencePiece vocabulary with XLM-R's layout, trained on lines sampled from many languages.

Language i gives a share q_i = p_i^alpha / sum_j p_j^alpha of the sampled lines, p_i being its share of all lines
(paper, section 3.1, where alpha is .3). Which lines: evenly spaced ones, so that the sample is the same in every run
and comes from all parts of the text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import atomic_path, sha256_of, write_json
from xlmr_bench.modeling.tokenizer import load_sentencepiece
from xlmr_bench.progress import Progress

from .text import TextFile, decode, find_text, holds_no_text, open_text, place_to_cut, read_lines
from .workers import Ended, Report, in_processes

# SentencePiece drops longer sentences; lines are cut below it.
MAX_SENTENCE_BYTES = 4192
_LARGE_BYTES = 1_000_000_000  # beyond, positions in the text may need 64 bits
_REPORT_LINES = 1000
_UNKNOWN_MARK = "\u2585"  # SentencePiece's own sign for unknown characters; it drops sentences that hold it


@dataclass(frozen=True)
class Options:
    """What shapes the vocabulary, as on the command line."""

    size: int = 250_000
    type: str = "unigram"
    alpha: float = 0.3
    lines: int = 10_000_000
    character_coverage: float = 0.9995
    threads: int = 1


@dataclass(frozen=True)
class Sample:
    """The lines of a language: how many there are (without blank ones), their bytes, and how many are taken."""

    files: tuple[TextFile, ...]
    lines: int
    bytes: int
    taken: int


def train_vocabulary(
    text: Path, out: Path, options: Options, languages: str | None, tell: Callable[[str], None]
) -> dict[str, Sample]:
    """Write the model `out` and, beside it, `out.json` with what it was made of; `tell` hears what takes long.

    Raises UsageError for options that cannot be meant and an `out` that exists, DataError for text that cannot be
    read or has too little for the vocabulary.
    """
    _check(options)
    record = out.with_name(out.name + ".json")
    for path in (out, record):
        if path.exists():
            raise UsageError(f"{path} exists; vocab overwrites nothing. Delete it or choose another name.")
    found = find_text(text, languages)
    counted = _count(found)
    taken = allocate({code: lines for code, (lines, _) in counted.items()}, options.alpha, options.lines)
    samples = {code: Sample(tuple(files), *counted[code], taken[code]) for code, files in found.items()}
    model = _train_apart(samples, options, tell)
    with atomic_path(out) as part:
        part.write_bytes(model)
        load_sentencepiece(part)  # raises where it could not be used
        write_json(record, _record(samples, options, sha256_of(part)))
    return samples


def allocate(lines: Mapping[str, int], alpha: float, total: int) -> dict[str, int]:
    """How many lines each language gives: `total` in the proportions of lines^alpha, as far as there are lines.

    A language with fewer than its share gives each line once; what it lacks is shared among the others, again in
    their proportions. The sum is min(total, all lines).
    """
    weights = {code: n**alpha for code, n in lines.items()}
    left, open_ = min(total, sum(lines.values())), set(lines)
    given: dict[str, int] = {}
    while True:
        norm = sum(weights[c] for c in open_)
        short = {c for c in open_ if lines[c] <= left * weights[c] / norm}
        if not short:
            break
        for code in short:
            given[code] = lines[code]
            left -= lines[code]
        open_ -= short
    shares = {c: left * weights[c] / norm for c in open_}
    given |= {c: int(share) for c, share in shares.items()}
    # What rounding down left over goes to the largest remainders; `sorted` on names makes ties the same everywhere.
    missing = left - sum(given[c] for c in open_)
    for code in sorted(sorted(open_), key=lambda c: given[c] - shares[c])[:missing]:
        given[code] += 1
    return {code: given[code] for code in lines}


def is_taken(line: int, taken: int, lines: int) -> bool:
    """Whether line number `line` (from 0) is one of the `taken` evenly spaced ones among `lines`."""
    return (line + 1) * taken // lines > line * taken // lines


def sampled_lines(sample: Sample) -> Iterator[str]:
    """The lines that are taken, cut where SentencePiece would drop them for their length."""
    number = 0
    for file in sample.files:
        with open_text(file) as (text, _):
            for offset, line in read_lines(file, text):
                if line:
                    if number < sample.lines and is_taken(number, sample.taken, sample.lines):
                        yield from _short(line, decode(file, offset, line))
                    number += 1
    if number != sample.lines:
        raise DataError(f"the text in {sample.files[0].path.parent} changed while it was read. Repeat the command.")


def _short(line: bytes, text: str) -> Iterator[str]:
    if _UNKNOWN_MARK in text:
        line = text.replace(_UNKNOWN_MARK, " ").encode()
        text = line.decode()
    if len(line) <= MAX_SENTENCE_BYTES:
        yield text
        return
    while line:
        cut = len(line) if len(line) <= MAX_SENTENCE_BYTES else place_to_cut(line[:MAX_SENTENCE_BYTES])
        yield line[:cut].decode().strip()
        line = line[cut:]


def _count(found: Mapping[str, list[TextFile]]) -> dict[str, tuple[int, int]]:
    """Lines that are not blank, and their bytes, a language."""
    counted: dict[str, tuple[int, int]] = {}
    with Progress(sum(f.size for files in found.values() for f in files), "B", "counting lines") as progress:
        for code, files in found.items():
            lines = size = 0
            for file in files:
                seen = 0
                with open_text(file) as (text, disk):
                    for _, line in read_lines(file, text):
                        if line:
                            lines += 1
                            size += len(line)
                            if lines % _REPORT_LINES == 0:
                                progress.update((now := disk.tell()) - seen)
                                seen = now
                progress.update(file.size - seen)
            if not lines:
                raise holds_no_text(files, code)
            counted[code] = (lines, size)
    return counted


def _train_apart(samples: Mapping[str, Sample], options: Options, tell: Callable[[str], None]) -> bytes:
    """Train in a process of its own: SentencePiece does not hear Ctrl-C, but a process can be ended."""
    total = sum(s.taken for s in samples.values())
    job = (tuple(samples.values()), options)
    doing = f"training the vocabulary on {total:,} lines"
    work = in_processes(_train, [job], 1, lambda _: doing, "use fewer --lines")
    with closing(work):
        with Progress(total, "lines", "reading the sample") as progress:
            for event in work:
                if isinstance(event, Ended):  # refused in the middle
                    return _model(event)
                progress.update(event.amount)
                if progress.done == total:
                    break
        tell(f"{doing}: {options.size:,} {options.type} pieces; this can take minutes to hours")
        return next(_model(event) for event in work if isinstance(event, Ended))


def _model(event: Ended[bytes]) -> bytes:
    if event.refusal is not None:
        raise event.refusal
    assert event.result is not None
    return event.result


def _train(job: tuple[tuple[Sample, ...], Options], report: Report) -> bytes:
    samples, options = job
    model = io.BytesIO()
    refusal: list[DataError] = []
    size = sum(s.bytes * s.taken // s.lines for s in samples)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_reported(samples, report, refusal),
            model_writer=model,
            model_type=options.type,
            vocab_size=options.size,
            character_coverage=options.character_coverage,
            num_threads=options.threads,
            normalization_rule_name="nmt_nfkc",
            hard_vocab_limit=True,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            input_sentence_size=0,  # all of them: they are a sample already
            shuffle_input_sentence=False,
            max_sentence_length=MAX_SENTENCE_BYTES,
            train_extremely_large_corpus=size > _LARGE_BYTES,
            minloglevel=2,
        )
    except RuntimeError as e:
        if refusal:
            raise refusal[0] from None
        raise _explained(str(e), options) from e
    return model.getvalue()


def _reported(samples: tuple[Sample, ...], report: Report, refusal: list[DataError]) -> Iterator[str]:
    """The lines of all languages. An error is kept aside: SentencePiece passes on no more than its text."""
    try:
        for sample in samples:
            reported = 0
            for number, line in enumerate(sampled_lines(sample), 1):
                yield line
                if number % _REPORT_LINES == 0 and number <= sample.taken:  # long lines come in parts
                    report(_REPORT_LINES)
                    reported = number
            report(sample.taken - reported)
    except DataError as e:
        refusal.append(e)
        raise


def _explained(reason: str, options: Options) -> Exception:
    """What SentencePiece's words mean for the options it was given."""
    if most := re.search(r"too high .* value <= (\d+)", reason):
        return DataError(
            f"the sampled text yields at most {int(most[1]):,} pieces, not {options.size:,}. "
            f"Use --size {most[1]} or less, more text, or more --lines."
        )
    if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", reason):
        return UsageError(
            f"--size {options.size} is too small: at --character-coverage {options.character_coverage} the characters "
            f"alone are {int(least[1]):,} pieces. Use a larger --size or a smaller coverage."
        )
    return DataError(f"SentencePiece could not train on this text: {reason}")


def _check(options: Options) -> None:
    if not 0.0 <= options.alpha <= 1.0:
        raise UsageError(f"--alpha {options.alpha} is not between 0 (all languages alike) and 1 (as in the text).")
    if not 0.0 < options.character_coverage <= 1.0:
        raise UsageError(f"--character-coverage {options.character_coverage} is not above 0 and at most 1.")
    for name, value, least in (("size", options.size, 5), ("lines", options.lines, 1), ("threads", options.threads, 1)):
        if value < least:
            raise UsageError(f"--{name} {value} is too small: it must be at least {least}.")


def _record(samples: Mapping[str, Sample], options: Options, model_sha256: str) -> dict[str, Any]:
    return {
        "model_sha256": model_sha256,
        "sentencepiece": sentencepiece.__version__,
        "options": vars(options),
        "languages": {code: {"lines": s.lines, "bytes": s.bytes, "taken": s.taken} for code, s in samples.items()},
        "files": {f.name: {"bytes": f.size} for s in samples.values() for f in s.files},
    }
