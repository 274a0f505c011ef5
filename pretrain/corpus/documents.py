"""A WET file to documents: repeated lines removed, languages identified, perplexities measured, all of it counted.

The documents of a WET file are one file: a gzip member of JSON lines for each language, and beside it a JSON file with
the place of each member, what was dropped and why. Both are the same bytes whoever writes them.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError
from xlmr_bench.files import atomic_path, write_json

from ..languages import CHINESE
from .cutoffs import Histogram
from .dumps import dump_of, fetch_wet
from .folder import Corpus, read_json
from .identify import Identifier
from .perplexity import LanguageModels
from .problems import Problems
from .repeats import repeated_lines
from .scripts import refined
from .stages import bucket_files
from .wet import Page, long_enough, read_wet

TOO_SHORT, ALL_REPEATED, OTHER_DUMP = "too short", "only repeated lines", "English of another dump"


@dataclass(frozen=True)
class Document:
    """A page's text that is left. perplexity: None where its language has no model."""

    url: str
    date: str
    text: str
    perplexity: float | None = None


@dataclass(frozen=True)
class Documents:
    """A WET file to its documents by language."""

    corpus: Corpus
    name: str = "documents"

    def __len__(self) -> int:
        return len(self.corpus.wet)

    def target(self, item: int) -> Path:
        return self.corpus.counts(item)

    def describe(self, item: int) -> str:
        return f"identifying and scoring the documents of {self.corpus.wet[item]}"

    def carry_out(self, item: int) -> int:
        corpus = self.corpus
        path = fetch_wet(corpus.wet[item], corpus.downloads)
        group, place = divmod(item, corpus.group_files)
        repeated = repeated_lines(corpus.hashes(item), place, bucket_files(corpus, group))
        problems, dropped = Problems(), Counter[str]()
        pages, lines = 0, {"read": len(repeated), "repeated": int(repeated.sum())}
        found: dict[str, list[Document]] = defaultdict(list)
        position = 0
        for page in read_wet(path, problems):
            pages += 1
            if not long_enough(page):
                dropped[TOO_SHORT] += 1
                continue
            count = page.text.count("\n") + 1
            text = _left(page, repeated[position : position + count].tolist())
            position += count
            language, reason = _language(corpus, item, text) if text else (None, ALL_REPEATED)
            if language is None:
                dropped[reason] += 1
            else:
                found[language].append(Document(page.url, page.date, text))
        if position != len(repeated):
            raise DataError(f"{path} is not what it was when its lines were hashed. Remove {corpus.hashes(item)}.")
        by_language = _write(corpus, corpus.documents(item), found)
        counts = {
            "wet": Path(corpus.wet[item]).name,
            "pages": pages,
            "lines": lines,
            "dropped": dict(sorted(dropped.items())),
            "problems": problems.as_json(),
            "languages": by_language,
        }
        write_json(self.target(item), counts)
        return path.stat().st_size


def read_documents(corpus: Corpus, wet: int, language: str, place: dict[str, Any]) -> Iterator[Document]:
    """A language's documents of a WET file; `place` is what its counts say of the language."""
    path = corpus.documents(wet)
    try:
        with path.open("rb") as f:
            f.seek(place["offset"])
            lines = zlib.decompress(f.read(place["bytes"]), wbits=31).split(b"\n")
        for line in lines[:-1]:
            yield Document(**json.loads(line))
    except (OSError, zlib.error, ValueError, TypeError) as e:
        raise DataError(f"{path}, {language}: damaged ({e}). Remove it and {corpus.counts(wet)}, and repeat.") from e


def counts_of(corpus: Corpus, wet: int) -> dict[str, Any]:
    """What was counted in a WET file."""
    counts: dict[str, Any] = read_json(corpus.counts(wet))
    return counts


def model_of(language: str) -> str:
    """The name of a language's model. Chinese has one Wikipedia, and one model, for both scripts."""
    return "zh" if language in CHINESE else language


def _left(page: Page, repeated: list[bool]) -> str:
    """The page's lines that are not repeated. Blank ones would end a document for `shard`, so they go."""
    lines = zip(page.text.split("\n"), repeated, strict=True)
    return "\n".join(line for line, again in lines if not again and line.strip())


def _language(corpus: Corpus, wet: int, text: str) -> tuple[str | None, str]:
    """The language, or None and why there is none."""
    answer = _identifier(corpus.lid, corpus.threshold).identify(text)
    if answer.language is None:
        return None, str(answer.reason)
    language = refined(answer.language, text)
    if language == "en" and corpus.english_dump not in (None, dump_of(corpus.wet[wet])):
        return None, OTHER_DUMP
    return language, ""


def _write(corpus: Corpus, target: Path, found: dict[str, list[Document]]) -> dict[str, Any]:
    """Write the documents; a language at a time, so that one language model is in memory."""
    models = _models(corpus.models, corpus.cutoffs is not None)
    places = {}
    with atomic_path(target) as part, part.open("wb") as f:
        for language in sorted(found):
            model = model_of(language)
            scored = models is not None and model in models.languages
            histogram, packer, offset = Histogram(), zlib.compressobj(6, wbits=31), f.tell()
            characters = text_bytes = 0
            for document in found[language]:
                perplexity = None
                if scored:
                    assert models is not None
                    perplexity = round(models.perplexity(model, document.text), 1)
                    histogram.add(perplexity)
                f.write(packer.compress(_line(document, perplexity)))
                characters += len(document.text)
                text_bytes += len(document.text.encode())
            f.write(packer.flush())
            places[language] = {
                "offset": offset,
                "bytes": f.tell() - offset,
                "documents": len(found[language]),
                "characters": characters,
                "text_bytes": text_bytes,
                "perplexities": histogram.as_json() if scored else None,
            }
    return places


def _line(document: Document, perplexity: float | None) -> bytes:
    value = {"url": document.url, "date": document.date, "text": document.text, "perplexity": perplexity}
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


@cache
def _identifier(models: tuple[Path, ...], threshold: float) -> Identifier:
    return Identifier.load(models, threshold)


@cache
def _models(folder: Path | None, published: bool) -> LanguageModels | None:
    """Published cut-offs are held against perplexities as those who published them measured: of whole documents."""
    return None if folder is None else LanguageModels(folder, whole_documents=published)
