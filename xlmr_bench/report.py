"""Results as people read them: our rows, with their uncertainty, beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from tabulate import tabulate

from .benchmarks import find_benchmark
from .published import published_records
from .results import Record

N_MODELS = {"joint": "1", "per-language": "N", "english": "1 (en dev)"}
ABSENT = "-"
# Published rows that every result is set beside, where the protocol has them.
_BESIDE = ("XLM-R Base", "XLM-R", "RoBERTa", "XLM-100")


def report(records: Sequence[Record], style: str) -> str:
    """The result of one run, all seeds and selection rules, as a table or as JSON records."""
    if style == "json":
        return json.dumps(list(records), indent=1, ensure_ascii=False)
    first = records[0]
    languages = tuple(first["config"]["languages"])
    metric = first["aggregate"][0]["metric"]
    rows = []
    for selection in dict.fromkeys(r["selection"] for r in records):
        rows.append(_our_row([r for r in records if r["selection"] == selection], languages))
    compared = published_records(first["benchmark"], first["protocol"])
    rows += [_published_row(r, languages) for r in compared if r["model"]["name"] in _BESIDE]
    head = ["model", "#M", "seeds", *languages, "avg", "±"]
    title = f"{first['benchmark']} {first['protocol']}: test {metric} (%), data: {first['data']['name']}"
    return "\n".join([title, tabulate(rows, head, tablefmt="simple", disable_numparse=True), *_remarks(records)])


def score_table(scores: Sequence[dict[str, Any]], aggregate: Sequence[dict[str, Any]]) -> str:
    """Scores of one prediction file, a line a language."""
    rows = [[s["split"], s["language"], _percent(s["value"]), _range(s["ci95"]), s["n"]] for s in scores] + [
        [a["split"], f"mean of {a['languages']}", _percent(a["value"]), _range(a["ci95"]), ""] for a in aggregate
    ]
    metric = scores[0]["metric"]
    table = tabulate(rows, ["split", "language", f"{metric} (%)", "95 % interval", "n"], disable_numparse=True)
    return f"{table}\n{aggregate[0]['signature']}"


def test_values(record: Record) -> dict[str, float]:
    """The test scores by language."""
    return {s["language"]: s["value"] for s in record["scores"] if s["split"] == "test"}


def test_mean(record: Record) -> dict[str, Any]:
    """The aggregate over the test languages."""
    return next(dict(a) for a in record["aggregate"] if a["split"] == "test")


def _our_row(records: list[Record], languages: tuple[str, ...]) -> list[str]:
    """Means over seeds; ± is the standard deviation over seeds, or half the 95 % interval of a single seed."""
    means = [test_mean(r) for r in records]
    if len(records) > 1:
        spread = f"{100 * stdev(m['value'] for m in means):.1f} sd"
    else:
        low, high = means[0]["ci95"]
        spread = f"{50 * (high - low):.1f} ci"
    cells = [_percent(mean(test_values(r)[code] for r in records)) for code in languages]
    name, selection = records[0]["model"]["name"], records[0]["selection"]
    return [name, N_MODELS[selection], str(len(records)), *cells, _percent(mean(m["value"] for m in means)), spread]


def _published_row(record: Record, languages: tuple[str, ...]) -> list[str]:
    """A row of the paper. Its average is shown only for all languages: for others it would not compare."""
    everything = set(languages) == set(find_benchmark(record["benchmark"]).languages)
    values = test_values(record)
    cells = [_percent(values[code]) if code in values else ABSENT for code in languages]
    complete = values.keys() >= set(languages)
    average = test_mean(record)["value"] if everything else mean(values[c] for c in languages) if complete else None
    seeds = record["config"]["seeds"]
    shown = ABSENT if average is None else _percent(average)
    name = f"{record['model']['name']} (paper)"
    return [name, N_MODELS[record["selection"]], str(seeds or ABSENT), *cells, shown, ABSENT]


def _remarks(records: Sequence[Record]) -> list[str]:
    """What a reader must know before using the numbers."""
    lines = ["±: sd = standard deviation over seeds; ci = half the 95 % interval over examples of one seed"]
    first = records[0]
    if first["data"]["official"] is False:
        wrong = [
            f"{s['language']} {s['role']} ({s['deviation']})" for s in first["data"]["splits"] if s.get("deviation")
        ]
        lines.append(f"NOT THE PUBLISHED DATA: {', '.join(wrong)}; do not compare with the paper")
    if any(s["official"] and s["role"] not in ("dev", "test") for s in first["data"]["splits"]):
        lines.append(
            "no digests of XNLI-MT are published: training and translated files were checked by rows and labels"
        )
    if first["data"]["official"] is None:
        lines.append(
            f"data set {first['data']['name']!r}: published numbers are of other data and only show the layout"
        )
    if first["limited"]:
        lines.append(f"LIMITED to {first['limited']} examples a split: no result")
    for record in records:
        if record["status"] != "ok":
            lines.append(f"COLLAPSED seed {record['seed']} {record['selection']}: {'; '.join(record['notes'])}")
    cut = sum(s["truncated"] or 0 for s in first["scores"] if s["split"] == "test")
    lines.append(f"truncated test inputs: {cut:,}; {test_mean(first)['signature']}")
    return lines


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _range(interval: Sequence[float] | None) -> str:
    return ABSENT if interval is None else f"{100 * interval[0]:.1f} - {100 * interval[1]:.1f}"
