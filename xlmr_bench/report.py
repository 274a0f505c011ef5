"""Results as people read them: our rows, with their uncertainty, beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from statistics import fmean, mean, median, stdev
from typing import Any

from tabulate import tabulate

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark
from .published import published_records
from .results import Record

N_MODELS = {"joint": "1", "per-language": "N", "english": "1 (en dev)"}
ABSENT = "-"
# Published rows that every result is set beside, where the protocol has them.
_BESIDE = ("XLM-R Base", "XLM-R", "RoBERTa", "XLM-100", "mBERT")


def report(records: Sequence[Record], style: str) -> str:
    """The result of one run, all seeds and selection rules, as a table or as JSON records."""
    if style == "json":
        return json.dumps(list(records), indent=1, ensure_ascii=False)
    first = records[0]
    benchmark = find_benchmark(first["benchmark"])
    languages = tuple(first["config"]["languages"])
    rows = []
    for selection in dict.fromkeys(r["selection"] for r in records):
        rows.append(_our_row([r for r in records if r["selection"] == selection], languages, benchmark))
    compared = published_records(benchmark.name, first["protocol"])
    rows += [_published_row(r, languages, benchmark) for r in compared if r["model"]["name"] in _BESIDE]
    head = ["model", "#M", "seeds", *languages, "avg", "±"]
    metrics = " / ".join(str(a["metric"]) for a in headlines(first)[: benchmark.shown])
    title = f"{benchmark.name} {first['protocol']}: {tested_split(first)} {metrics} (%), data: {first['data']['name']}"
    table = tabulate(rows, head, tablefmt="simple", disable_numparse=True)
    return "\n".join([title, table, *_remarks(records, benchmark)])


def score_table(scores: Sequence[dict[str, Any]], aggregate: Sequence[dict[str, Any]]) -> str:
    """Scores of one prediction file, a line a language and metric."""
    rows = [
        [s["split"], s["language"], s["metric"], _percent(s["value"]), _range(s["ci95"]), s["n"]] for s in scores
    ] + [
        [a["split"], f"{a['average']} of {a['languages']}", a["metric"], _percent(a["value"]), _range(a["ci95"]), ""]
        for a in aggregate
    ]
    table = tabulate(rows, ["split", "language", "metric", "%", "95 % interval", "n"], disable_numparse=True)
    return "\n".join([table, *dict.fromkeys(str(a["signature"]) for a in aggregate)])


def tested_split(record: Record) -> str:
    """The split that the record reports: test, or dev where the benchmark has no labels for test."""
    return "test" if any(s["split"] == "test" for s in record["scores"]) else "dev"


def column_values(record: Record, place: int = 0) -> dict[str, float]:
    """The reported scores by language, of each column's first metric (or of that at `place`)."""
    found: dict[str, list[float]] = {}
    for s in record["scores"]:
        if s["split"] == tested_split(record):
            found.setdefault(s["language"], []).append(s["value"])
    return {code: values[place] for code, values in found.items() if place < len(values)}


def headline(record: Record) -> dict[str, Any]:
    """The headline average over the reported languages."""
    return headlines(record)[0]


def headlines(record: Record) -> list[dict[str, Any]]:
    """The headline average, metric by metric."""
    found = [dict(a) for a in record["aggregate"] if a["split"] == tested_split(record)]
    return [a for a in found if a.get("average") == found[0].get("average")]


def _our_row(records: list[Record], languages: tuple[str, ...], benchmark: Benchmark) -> list[str]:
    """Means (or medians) over seeds; ± is the standard deviation over seeds, or half the 95 % interval of one seed."""
    middle = median if benchmark.median else mean
    means = [headlines(r)[: benchmark.shown] for r in records]
    if len(records) > 1:
        spread = f"{100 * stdev(m[0]['value'] for m in means):.1f} sd"
    else:
        low, high = means[0][0]["ci95"]
        spread = f"{50 * (high - low):.1f} ci"
    cells = [
        _cell(middle(column_values(r, place)[code] for r in records) for place in range(benchmark.shown))
        for code in languages
    ]
    average = _cell(middle(m[place]["value"] for m in means) for place in range(len(means[0])))
    name, selection = records[0]["model"]["name"], records[0]["selection"]
    return [name, N_MODELS[selection], str(len(records)), *cells, average, spread]


def _published_row(record: Record, languages: tuple[str, ...], benchmark: Benchmark) -> list[str]:
    """A row of the paper. Its printed average is shown only for the table's own languages: others do not compare."""
    values = [column_values(record, place) for place in range(benchmark.shown)]
    cells = [_cell(v[code] for v in values) if code in values[0] else ABSENT for code in languages]
    if set(languages) == set(benchmark.chosen or benchmark.languages):
        averages = [a["value"] for a in headlines(record)[: benchmark.shown]]
    else:
        weights = next(iter(benchmark.averages(languages).values()))
        complete = values[0].keys() >= set(weights)
        averages = [
            fmean([v[c] for c in weights], weights=list(weights.values())) if complete else None for v in values
        ]
    seeds = record["config"].get("seeds")
    shown = ABSENT if None in averages else _cell(averages)
    name = f"{record['model']['name']} (paper)"
    return [name, N_MODELS[record["selection"]], str(seeds or ABSENT), *cells, shown, ABSENT]


def _cell(values: Iterable[float]) -> str:
    return " / ".join(map(_percent, values))


def _remarks(records: Sequence[Record], benchmark: Benchmark) -> list[str]:
    """What a reader must know before using the numbers."""
    lines = ["±: sd = standard deviation over seeds; ci = half the 95 % interval over examples of one seed"]
    first = records[0]
    if benchmark.median and len(records) > 1:
        lines.append("values are medians over seeds")
    lines += _data_remarks(first, benchmark)
    if first["limited"]:
        lines.append(f"LIMITED to {first['limited']} examples a split: no result")
    for record in records:
        if record["status"] != "ok":
            lines.append(f"COLLAPSED seed {record['seed']} {record['selection']}: {'; '.join(record['notes'])}")
    lines += _other_scores(first, benchmark)
    rows = {s["language"]: s["truncated"] or 0 for s in first["scores"] if s["split"] == tested_split(first)}
    lines.append(f"truncated {tested_split(first)} inputs: {sum(rows.values()):,}; {headline(first)['signature']}")
    return lines


def _data_remarks(record: Record, benchmark: Benchmark) -> list[str]:
    """How the data stand to the published."""
    data = record["data"]
    lines = []
    if data["official"] is False:
        wrong = [f"{s['language']} {s['role']} ({s['deviation']})" for s in data["splits"] if s["official"] is False]
        lines.append(f"NOT THE PUBLISHED DATA: {', '.join(wrong)}; do not compare with the paper")
    if benchmark.name == "xnli" and any(s["official"] and s["role"] not in ("dev", "test") for s in data["splits"]):
        lines.append(
            "no digests of XNLI-MT are published: training and translated files were checked by rows and labels"
        )
    if data["official"] is None and benchmark.published:
        lines.append(f"data set {data['name']!r}: published numbers are of other data and only show the layout")
    return lines


def _other_scores(record: Record, benchmark: Benchmark) -> list[str]:
    """Metrics and averages that have no place in the table, of the first seed."""
    split = tested_split(record)
    seen: dict[str, int] = {}
    lines = []
    for s in record["scores"]:
        if s["split"] == split:
            place = seen[s["language"]] = seen.get(s["language"], -1) + 1
            if place >= benchmark.shown:
                lines.append(f"{s['language']} {s['metric']} {_percent(s['value'])}")
    main = headline(record).get("average")
    lines += [
        f"{a['average']} {a['metric']} over {a['languages']}: {_percent(a['value'])}"
        for a in record["aggregate"]
        if a["split"] == split and a.get("average") != main
    ]
    return [f"seed {record['seed']}: {'; '.join(lines)}"] if lines else []


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _range(interval: Sequence[float] | None) -> str:
    return ABSENT if interval is None else f"{100 * interval[0]:.1f} - {100 * interval[1]:.1f}"
