"""The plots of the notebooks: ours against the published by language, spread over seeds, accuracy against data size.

Each function takes the folder of our records and returns a matplotlib figure; what cannot be drawn is said in it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from .benchmarks import find_benchmark
from .errors import DataError
from .published import published_folder, published_records
from .report import column_values, headline
from .results import Record, find_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, PAPER = "#b5332e", "#2b5c8a"
# Bars of Figures 2 to 7 -> the variant of `pretrain/configs` that would be its run.
VARIANTS = {
    **{f"f2.{n}": f"languages-{n}" for n in (7, 15, 30, 60, 100)},
    "f3.wiki": "xlm7_wiki",
    "f3.cc": "xlm7_cc",
    **{f"f4.fixed.{n}": f"languages-{n}" for n in (7, 30, 100)},
    **{f"f4.wide.{n}": f"wide-{n}" for n in (30, 100)},
    **{f"f5.{a}": f"alpha-{a}" for a in ("0.01", "0.3", "0.7")},
    "f5.1.0": "alpha-1",
    **{f"f6.fixed.{v}": f"vocabulary-{v}-fixed" for v in ("32k", "64k", "256k", "512k")},
    "f6.fixed.128k": "vocabulary-128k",
    **{f"f6.body.{v}": f"vocabulary-{v}" for v in ("128k", "256k", "512k")},
    **{f"f7.batch.{n}": f"batch-{n}" for n in (2048, 4096, 8192)},
    "f7.bpe": "bpe",
    "f7.spm": "spm",
}
ONE_RUN = ("languages-100", "alpha-0.3", "batch-8192", "spm")  # one run serves all of these bars
SEVEN = ("en", "fr", "de", "ru", "zh", "sw", "ur")  # the languages of Table 5
GROUPS = {"low_res": ("sw", "ur"), "high_res": ("en", "fr"), "all": SEVEN}


def dumbbell(runs: str, model: str, benchmark: str, protocol: str, row: str = "XLM-R Base") -> Figure:
    """Each language's score of our model (its name or folder) and of the published row `row`, joined by a line."""
    ours = _by_language(our_records(runs, benchmark, protocol, model))
    theirs = next((column_values(r) for r in published_records(benchmark, protocol) if r["model"]["name"] == row), {})
    codes = [c for c in find_benchmark(benchmark).languages if c in ours or c in theirs]
    figure, axes = _figure(f"{benchmark} {protocol}: ours and {row} as printed", max(2.0, 0.32 * len(codes)))
    for place, code in enumerate(reversed(codes)):
        if code in ours and code in theirs:
            axes.plot([100 * ours[code], 100 * theirs[code]], [place, place], color="#999999", zorder=1)
        for values, colour in ((theirs, PAPER), (ours, OURS)):
            if code in values:
                axes.scatter([100 * values[code]], [place], color=colour, zorder=2)
    axes.set_yticks(range(len(codes)), codes[::-1])
    axes.set_xlabel("%")
    _legend(axes, [(PAPER, f"{row} (paper)"), (OURS, "ours, mean over seeds")])
    return figure


def seed_spread(runs: str, benchmark: str) -> Figure:
    """The average of each seed, a strip a model, protocol and selection rule; collapsed seeds are crosses."""
    records = our_records(runs, benchmark)
    strips = sorted({_strip(r) for r in records}, reverse=True)
    figure, axes = _figure(f"{benchmark}: spread over seeds", max(1.5, 0.4 * len(strips)))
    for place, strip in enumerate(strips):
        for r in records:
            if _strip(r) == strip:
                marker = "o" if r["status"] == "ok" else "x"
                axes.scatter([100 * headline(r)["value"]], [place], color=OURS, marker=marker, alpha=0.7)
    axes.set_yticks(range(len(strips)), [" ".join(strip) for strip in strips])
    axes.set_xlabel("average, %")
    return figure


def accuracy_by_size(runs: str, model: str) -> Figure:
    """XNLI transfer accuracy of each language against its pretraining text in CC-100 (Table 6, GiB)."""
    sizes = {row["iso"]: float(row["size_gib"]) for row in facts("table6_cc100.tsv") if row["size_gib"]}
    shown = [(f"{r['model']['name']} (paper)", PAPER, column_values(r)) for r in _published_base()]
    shown.append((Path(model).name, OURS, _by_language(our_records(runs, "xnli", "transfer", model))))
    figure, axes = _figure("XNLI accuracy against pretraining data", 4.0)
    for label, colour, values in shown:
        codes = [c for c in values if c in sizes]
        axes.scatter([sizes[c] for c in codes], [100 * values[c] for c in codes], color=colour, label=label)
        for code in codes:
            axes.annotate(
                code, (sizes[code], 100 * values[code]), fontsize=7, xytext=(3, 3), textcoords="offset points"
            )
    axes.set_xscale("log")
    axes.set_xlabel("GiB of CC-100")
    axes.set_ylabel("%")
    axes.legend(fontsize=8)
    return figure


def data_sizes(count: int = 40) -> Figure:
    """Figure 1: text in CommonCrawl and in Wikipedia by language, the largest ones."""
    rows = facts("figure1_sizes.tsv")[:count]
    figure, axes = _figure("Figure 1: GiB of text (read off the figure)", 4.0)
    for shift, (column, colour) in enumerate((("cc_gib", OURS), ("wiki_gib", PAPER))):
        heights = [float(row[column] or 0) for row in rows]
        axes.bar([i + 0.4 * shift for i in range(len(rows))], heights, width=0.4, color=colour, label=column)
    axes.set_xticks(range(len(rows)), [row["iso"] for row in rows], rotation=90, fontsize=7)
    axes.set_yscale("log")
    axes.legend()
    return figure


def ablation(number: int, runs: str) -> Figure:
    """Figure 2 to 7: bars as read off the paper, points where our run of that variant exists (XNLI transfer)."""
    rows = [row for row in facts("figures.tsv") if row["place"] == f"Figure {number}"]
    figure, axes = _figure(f"Figure {number}: XNLI accuracy (bars: read off the paper, points: ours)", 3.5)
    groups = [g for g in GROUPS if any(row[g] for row in rows)]
    records = our_records(runs, "xnli", "transfer")
    for shift, group in enumerate(groups):
        places = [i + 0.25 * shift for i in range(len(rows))]
        axes.bar(places, [float(row[group] or "nan") for row in rows], width=0.25, label=group, alpha=0.6)
        for place, row in zip(places, rows, strict=True):
            variant = VARIANTS.get(row["row"], "")
            names = ONE_RUN if variant in ONE_RUN else (variant,)
            ours = [column_values(r) for r in records if r["model"]["name"] in names]
            complete = [v for v in ours if set(GROUPS[group]) <= v.keys()]
            if complete:
                axes.scatter([place], [100 * mean(mean(v[c] for c in GROUPS[group]) for v in complete)], color=OURS)
    axes.set_xticks(range(len(rows)), [row["row"].partition(".")[2] for row in rows], rotation=45)
    axes.set_ylabel("%")
    axes.set_ylim(bottom=40)
    axes.legend(fontsize=8)
    return figure


def our_records(runs: str, benchmark: str, protocol: str | None = None, model: str | None = None) -> list[Record]:
    """Our records of a benchmark below a folder, of one protocol or model; none where there is no folder."""
    found = (r for _, r in find_records(Path(runs))) if Path(runs).is_dir() else iter(())
    return [
        r
        for r in found
        if r["benchmark"] == benchmark
        and protocol in (None, r["protocol"])
        and (model is None or r["model"]["name"] == Path(model).name)
    ]


def facts(name: str) -> list[dict[str, str]]:
    """The rows of a file of facts beside the published records."""
    folder = published_folder()
    if folder is None:
        raise DataError("leaderboards/paper is missing from this installation. Install the package again.")
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


def _strip(record: Record) -> tuple[str, str, str]:
    return record["model"]["name"], record["protocol"], record["selection"]


def _published_base() -> list[Record]:
    return [r for r in published_records("xnli", "transfer") if r["model"]["name"] == "XLM-R Base"]


def _by_language(records: Iterable[Record]) -> dict[str, float]:
    """The mean over seeds of the first selection rule that is there; collapsed seeds are left out."""
    sound = [r for r in records if r["status"] == "ok"]
    rules = [rule for rule in ("joint", "per-language", "english") if any(r["selection"] == rule for r in sound)]
    chosen = [column_values(r) for r in sound if r["selection"] == rules[0]] if rules else []
    return {code: mean(v[code] for v in chosen if code in v) for code in dict.fromkeys(c for v in chosen for c in v)}


def _figure(title: str, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, height + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    return figure, axes


def _legend(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    for colour, label in entries:
        axes.scatter([], [], color=colour, label=label)
    axes.legend(fontsize=8)
