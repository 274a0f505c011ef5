"""Documents of all WET files to text a language, in files of bounded size: what `shard` reads."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xlmr_bench.files import atomic_path, write_json

from .cutoffs import Histogram, bucket, read_cutoffs
from .documents import counts_of, model_of, read_documents
from .folder import Corpus, read_json

# Text of one file: `shard` gives a compressed file to one process.
_PART_BYTES = 256_000_000
HEAD_PERCENTILE, MIDDLE_PERCENTILE = 30, 60  # Wenzek et al. 2019, section 3.4


@dataclass(frozen=True)
class Part:
    """A file of text: the language's documents of WET files [first, last]."""

    language: str
    number: int
    first: int
    last: int


@dataclass(frozen=True)
class Regrouping:
    """A part of a language's documents to its text: those in buckets that are kept."""

    corpus: Corpus
    name: str = "text"

    @cached_property
    def parts(self) -> list[Part]:
        return [Part(*values) for values in read_json(self.corpus.parts)]

    @cached_property
    def cutoffs(self) -> dict[str, tuple[float, float]]:
        return {language: (head, middle) for language, (head, middle) in read_json(self.corpus.cutoffs_used).items()}

    def __len__(self) -> int:
        return len(self.parts)

    def target(self, item: int) -> Path:
        """Counts of the part, there once its text is."""
        part = self.parts[item]
        return self.corpus.text(part.language, part.number).with_suffix("").with_suffix(".json")

    def describe(self, item: int) -> str:
        part = self.parts[item]
        return f"writing part {part.number} of the text of {part.language}"

    def carry_out(self, item: int) -> int:
        part, corpus = self.parts[item], self.corpus
        documents, characters, text_bytes = Counter[str](), Counter[str](), Counter[str]()
        read = 0
        target = corpus.text(part.language, part.number)
        kept = False
        with (
            atomic_path(target) as path,
            path.open("wb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as out,
        ):
            for wet in range(part.first, part.last + 1):
                place = counts_of(corpus, wet)["languages"].get(part.language)
                if place is None:
                    continue
                read += place["bytes"]
                for document in read_documents(corpus, wet, part.language, place):
                    into = self._bucket(part.language, document.perplexity)
                    line = document.text.encode()
                    documents[into] += 1
                    characters[into] += len(document.text)
                    text_bytes[into] += len(line)
                    if into in corpus.keep:
                        out.write((b"\n" if kept else b"") + line + b"\n")
                        kept = True
        if not kept:
            target.unlink()  # `shard` takes no empty file
        counts = {name: dict(sorted(values.items())) for name, values in
                  (("documents", documents), ("characters", characters), ("bytes", text_bytes))}  # fmt: skip
        write_json(self.target(item), {"first": part.first, "last": part.last, **counts})
        return read

    def _bucket(self, language: str, perplexity: float | None) -> str:
        limits = self.cutoffs.get(language)
        return "all" if limits is None or perplexity is None else bucket(perplexity, limits)


def settle_parts(corpus: Corpus, part_bytes: int = _PART_BYTES) -> None:
    """Write the list of parts, each of about `part_bytes` of text; the same for the same documents."""
    parts: list[Part] = []
    sizes: dict[str, int] = {}
    open_parts: dict[str, Part] = {}
    for wet in range(len(corpus.wet)):
        for language, place in counts_of(corpus, wet)["languages"].items():
            part = open_parts.get(language)
            if part is None or sizes[language] + place["text_bytes"] > part_bytes:
                if part is not None:
                    parts.append(part)
                part, sizes[language] = Part(language, part.number + 1 if part else 0, wet, wet), 0
            open_parts[language] = Part(language, part.number, part.first, wet)
            sizes[language] += place["text_bytes"]
    write_json(corpus.parts, [astuple(part) for part in sorted([*parts, *open_parts.values()], key=astuple)])


def settle_cutoffs(corpus: Corpus) -> None:
    """Write the cut-offs that are used: published ones, or percentiles 30 and 60 of the corpus itself.

    A language that the published ones do not have goes to `all`, as in cc_net.
    """
    histograms = perplexities(corpus)
    if corpus.cutoffs is not None:
        published = read_cutoffs(corpus.cutoffs)
        used = {code: published[model_of(code)] for code in histograms if model_of(code) in published}
    else:
        used = {
            code: (histogram.percentile(HEAD_PERCENTILE), histogram.percentile(MIDDLE_PERCENTILE))
            for code, histogram in histograms.items()
        }
    write_json(corpus.cutoffs_used, {code: list(limits) for code, limits in sorted(used.items())})


def perplexities(corpus: Corpus) -> dict[str, Histogram]:
    """Perplexities of all documents, by language."""
    found: dict[str, Histogram] = {}
    for wet in range(len(corpus.wet)):
        for language, place in counts_of(corpus, wet)["languages"].items():
            if place["perplexities"] is not None:
                found.setdefault(language, Histogram()).merge(Histogram.from_json(place["perplexities"]))
    return found


def part_counts(corpus: Corpus) -> list[tuple[str, dict[str, Any]]]:
    """(language, counts) of every part."""
    stage = Regrouping(corpus)
    return [(part.language, read_json(stage.target(i))) for i, part in enumerate(stage.parts)]
