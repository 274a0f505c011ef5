"""What came of a corpus, a language a row, beside CC-100 (paper, Table 6), and what was dropped and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

from xlmr_bench.files import atomic_path, write_json, write_text

from ..languages import cc100
from .documents import counts_of
from .folder import BUCKETS, Corpus, read_json
from .problems import Problems
from .regroup import part_counts

GIB = 2**30
_HEAD = ("language", "documents", "characters", "GiB", "Table 6 GiB", *BUCKETS, "not kept")


@dataclass
class LanguageCounts:
    """Documents, characters and bytes of a language by bucket."""

    documents: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)


@dataclass
class Report:
    """keep: the buckets that became text. dropped: documents without a language, by reason. lines: read, repeated."""

    keep: tuple[str, ...]
    languages: dict[str, LanguageCounts] = field(default_factory=dict)
    pages: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    problems: Problems = field(default_factory=Problems)

    def kept(self, counts: Counter[str]) -> int:
        """What of the counts by bucket became text."""
        return sum(counts[name] for name in self.keep)


def collect(corpus: Corpus) -> Report:
    """Sum what the tasks counted: each WET file and each part once, whoever worked on it and how often."""
    report = Report(corpus.keep)
    for wet in range(len(corpus.wet)):
        counts = counts_of(corpus, wet)
        report.pages += counts["pages"]
        report.lines.update(counts["lines"])
        report.dropped.update(counts["dropped"])
        report.problems.merge(Problems.from_json(counts["problems"]))
    for language, counts in part_counts(corpus):
        into = report.languages.setdefault(language, LanguageCounts())
        for name in ("documents", "characters", "bytes"):
            getattr(into, name).update(counts[name])
    return report


def load(out: Path) -> Report:
    """The report of a corpus that is there, without its models or WET files."""
    value = read_json(out / "report.json")
    languages = {
        code: LanguageCounts(*(Counter(counts[name]) for name in ("documents", "characters", "bytes")))
        for code, counts in value["languages"].items()
    }
    problems = Problems.from_json(value["problems"])
    return Report(
        tuple(value["keep"]), languages, value["pages"], Counter(value["lines"]), Counter(value["dropped"]), problems
    )


def write(report: Report, out: Path) -> None:
    """`report.json`, `report.md` and, where matplotlib is there, `report.png`."""
    languages = {
        code: {name: dict(sorted(getattr(counts, name).items())) for name in ("documents", "characters", "bytes")}
        for code, counts in sorted(report.languages.items())
    }
    value: dict[str, Any] = {
        "pages": report.pages,
        "lines": dict(sorted(report.lines.items())),
        "dropped": dict(sorted(report.dropped.items())),
        "problems": report.problems.as_json(),
        "keep": list(report.keep),
        "languages": languages,
    }
    write_json(out / "report.json", value)
    write_text(out / "report.md", table(report, "github") + "\n\n" + drops(report, "github") + "\n")
    plot(report, out / "report.png")


def table(report: Report, style: str = "simple") -> str:
    """A row a language, the largest first, and their sum."""
    order = sorted(report.languages, key=lambda code: (-report.kept(report.languages[code].bytes), code))
    rows = [_row(report, code, report.languages[code]) for code in order]
    if len(rows) > 1:
        total = LanguageCounts()
        for counts in report.languages.values():
            for name in ("documents", "characters", "bytes"):
                getattr(total, name).update(getattr(counts, name))
        rows.append(_row(report, "all", total))
    text: str = tabulate(
        rows, _HEAD, tablefmt=style, disable_numparse=True, colalign=("left", *["right"] * (len(_HEAD) - 1))
    )
    return text


def drops(report: Report, style: str = "simple") -> str:
    """What has no language: pages dropped and lines removed, by reason, and what was wrong with the input."""
    documents = sum(sum(counts.documents.values()) for counts in report.languages.values())
    rows = [["pages read", f"{report.pages:,}"]]
    rows += [[f"pages dropped: {reason}", f"{count:,}"] for reason, count in sorted(report.dropped.items())]
    rows += [
        ["documents with a language", f"{documents:,}"],
        ["lines read", f"{report.lines['read']:,}"],
        ["lines removed: repeated", f"{report.lines['repeated']:,}"],
    ]
    rows += [[f"input: {kind}", f"{count:,}"] for kind, count in sorted(report.problems.counts.items())]
    text: str = tabulate(rows, ("what", "count"), tablefmt=style, disable_numparse=True, colalign=("left", "right"))
    return text


def plot(report: Report, target: Path) -> bool:
    """GiB a language beside Table 6, in its order of size (the paper's Figure 1); False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    published = {code: row.size_gib for code, row in cc100().items()}
    ours = {code: report.kept(counts.bytes) / GIB for code, counts in report.languages.items()}
    codes = sorted({c for c in ours if ours[c]}, key=lambda c: (-published.get(c, 0), -ours[c], c))
    figure = Figure(figsize=(max(4.0, 0.22 * len(codes) + 1.5), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(codes))
    axes.bar(places, [ours[c] for c in codes], width=0.7, color="#2f6f9f", label="this corpus")
    marked = [(i, published[c]) for i, c in enumerate(codes) if c in published]
    axes.plot(*zip(*marked, strict=True) if marked else ((), ()), "_", color="#c0392b", label="CC-100, Table 6")
    axes.set_yscale("log")
    axes.set_ylabel("GiB of text")
    axes.set_xticks(list(places), codes, rotation=90)
    axes.margins(x=0.01)
    axes.legend(frameon=False)
    with atomic_path(target) as part:
        # Without a date or version in it, the same corpus gives the same bytes.
        figure.savefig(part, dpi=120, metadata={"Software": None})
    return True


def _row(report: Report, code: str, counts: LanguageCounts) -> list[str]:
    row = cc100().get(code)
    documents = counts.documents
    return [
        code,
        f"{report.kept(documents):,}",
        f"{report.kept(counts.characters):,}",
        f"{report.kept(counts.bytes) / GIB:,.3g}",
        f"{row.size_gib:,.1f}" if row else "-",
        *(f"{documents[name]:,}" if documents[name] else "-" for name in BUCKETS),
        f"{sum(documents.values()) - report.kept(documents):,}",
    ]
