"""Words to cite a run by: a paragraph for an appendix, what pins the data, and BibTeX."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import PurePosixPath

from ..files import digest_of
from .bibliography import XLMR, papers
from .collect import Entry, Result
from .document import Document, Publisher
from .words import (
    data_digests,
    data_words,
    distinct,
    latest_start,
    library_version,
    protocol_words,
    seeds_words,
    selection_words,
    versions,
    weights,
)


def citation(results: Sequence[Result], publisher: Publisher) -> list[Document]:
    """One text of all results."""
    parts = [part for result in results for part in (_paragraph(result, publisher), _digests(result))]
    cited = dict.fromkeys([*(p for result in results for p in papers(result.benchmark)), XLMR])
    made = [entry for result in results for entry in (_software(result), _run(result, publisher))]
    text = "\n\n".join([*parts, *cited, *dict.fromkeys(made)])
    return [Document(PurePosixPath("citation.txt"), text + "\n")]


def _paragraph(result: Result, publisher: Publisher) -> str:
    """The run in one paragraph; the digest stands for all sets that were read, which are listed below it."""
    name = publisher.model_id or result.first["model"]["name"]
    digests = weights(result)
    sentences = [
        f"{'; '.join(result.marks)}." if result.marks else "",
        f"{name} (weights SHA-256 {digests['weights_sha256']}, tokenizer {digests['tokenizer_sha256']}) was evaluated "
        f"on {result.benchmark.title} ({result.benchmark.reference}) with {versions(result)}, by the protocols of the "
        "XLM-R paper (Conneau et al. 2020).",
        f"Protocol {protocol_words(result)}. Checkpoint selection {selection_words(result)}.",
        f"Preset {result.first['config'].get('preset', 'unknown')}, {seeds_words(result)}.",
        " ".join(_headline(entry) for entry in _headlines(result)),
        f"Data: {data_words(result)} (digest {digest_of(data_digests(result))[:16]} of {len(data_digests(result))} "
        "sets).",
        f"Score signature: {', '.join(dict.fromkeys(e.signature for e in _headlines(result)))}.",
    ]
    return textwrap.fill(" ".join(s for s in sentences if s), 100, break_long_words=False, break_on_hyphens=False)


def _headlines(result: Result) -> list[Entry]:
    """The averages of the reported split, by the first way of averaging."""
    averages = [e for e in result.entries if e.column is None]
    split = "test" if any(e.split == "test" for e in averages) else "dev"
    reported = [e for e in averages if e.split == split]
    return [e for e in reported if e.average == reported[0].average]


def _headline(entry: Entry) -> str:
    spread = "" if entry.std is None else f" (sample standard deviation over seeds {100 * entry.std:.2f})"
    interval = entry.intervals[0]
    if entry.std is None and interval is not None:
        spread = f" (95 % interval over examples {100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
    average = f"{entry.average} of {entry.columns} columns" if entry.columns > 1 else "one column"
    return f"{entry.split.capitalize()} {entry.metric}, {average}: {100 * entry.value:.1f} %{spread}."


def _digests(result: Result) -> str:
    lines = [f"  {place}: {digest}" for place, digest in data_digests(result).items()]
    return "\n".join(["Data (SHA-256 of texts and gold, by role and column):", *lines])


def _software(result: Result) -> str:
    rows = {
        "title": "{xlmr\\_bench: multilingual encoders by the protocols of the {XLM-R} paper}",
        "author": "{{The xlmr\\_bench authors}}",
        "version": f"{{{library_version(result)}}}",
        "note": f"{{{_tex(versions(result))}}}",
    }
    return _bibtex("software", f"xlmr-bench-{digest_of(versions(result))[:8]}", rows)


def _run(result: Result, publisher: Publisher) -> str:
    """BibTeX of the run itself, which has no author that a record knows."""
    first, at = result.first, latest_start(result)
    name = publisher.model_id or first["model"]["name"]
    seeds = ", ".join(str(r["seed"]) for r in result.records)
    facts = [
        *result.marks,
        f"protocol {first['protocol']}, selection {first['selection']}, seeds {seeds}",
        versions(result),
        f"weights {weights(result)['weights_sha256']}",
        f"data digest {digest_of(data_digests(result))[:16]}",
        f"predictions {' '.join(distinct((r['predictions'] or {}).get('sha256') for r in result.records))}",
        f"signature {' '.join(dict.fromkeys(e.signature for e in _headlines(result)))}",
    ]
    rows = {
        "title": f"{{{_tex(f'{name} on {result.benchmark.title}')}}}",
        "year": f"{{{at.year}}}" if at else "",
        "note": f"{{{_tex('; '.join(facts))}}}",
    }
    return _bibtex("misc", f"run-{result.name.replace('_', '-')}-{digest_of(facts)[:8]}", rows)


def _bibtex(kind: str, key: str, rows: dict[str, str]) -> str:
    body = "\n".join(f"  {name} = {value}," for name, value in rows.items() if value)
    return f"@{kind}{{{key},\n{body}\n}}"


def _tex(text: str) -> str:
    """Text with the characters escaped that LaTeX takes for commands."""
    plain = text.replace("\\", "/").replace("{", "(").replace("}", ")").replace("~", "-").replace("^", "")
    return "".join(f"\\{c}" if c in "_#%&$" else c for c in plain)
