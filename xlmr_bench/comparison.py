"""Is A better than B? Differences on the same examples with their uncertainty, or the distance to a printed number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi, sqrt
from statistics import fmean, stdev
from typing import Any

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark, Where
from .errors import NotComparableError, unknown_name
from .metrics import two_sided_p
from .pairing import (
    AVERAGE,
    Run,
    SeedDraws,
    Side,
    headline_weights,
    middle,
    middle_values,
    read_gold,
    refuse_incomparable,
    seed_draws,
)
from .published import published_records
from .report import column_values, headline
from .results import Record
from .significance import LEVEL, cohens_h, hedges_g, holm, holm_of_draws, interval, over_seeds, students_p

ROUNDING = 0.0005  # half of the last digit that the paper prints
Row = dict[str, Any]


def compare(a: Run, b: Run, where: Where) -> list[Row]:
    """One seed a side; see `compare_sides`."""
    return compare_sides(Side((a,)), Side((b,)), where)


def compare_sides(a: Side, b: Side, where: Where) -> list[Row]:
    """A minus B by language and on average, paired on examples, over the seeds of each side.

    A row has the values, their difference with its 95 % bootstrap interval, the p-value `p`, `p_holm` adjusted over
    the columns (the average is one question of its own and is not adjusted), the size of the effect (Cohen's h for
    shares of examples, else Hedges' g over seeds where both sides have several) and `significant`.
    """
    for _, record in (*a.runs[1:], *b.runs):
        refuse_incomparable(a.first, record)
    benchmark = find_benchmark(a.first["benchmark"])
    gold = read_gold(a.first, where)
    sides = (seed_draws(a.runs, gold), seed_draws(b.runs, gold))
    draws = {code: _difference(sides, code, benchmark) for code in (*gold, AVERAGE)}
    adjusted = holm_of_draws({code: draws[code] for code in gold}) | {AVERAGE: two_sided_p(draws[AVERAGE])}
    values = [middle_values(benchmark, [r for _, r in side.runs]) for side in (a, b)]
    counted = frozenset(headline_weights(benchmark, tuple(gold)))
    shares = sides[0].shares & sides[1].shares
    rows = []
    for code in (*gold, AVERAGE):
        left, right = (v[code] for v in values)
        share = counted <= shares if code == AVERAGE else code in shares
        rows.append(
            {
                **_row(code, left, right),
                "ci95": interval(draws[code]),
                "p": two_sided_p(draws[code]),
                "p_holm": adjusted[code],
                **_effect(share, left, right, *(_by_seed(side, code) for side in (a, b))),
                "significant": adjusted[code] < LEVEL and not same_run(a, b),
            }
        )
    return rows


def same_run(a: Side, b: Side) -> bool:
    """Whether both sides are seeds of one model under one set of settings: whatever differs is noise of seeds."""
    shared = ("benchmark", "protocol", "selection", "config")
    weights = {r["model"]["weights_sha256"] for r in (a.first, b.first)}
    return len(weights) == 1 and None not in weights and all(a.first[k] == b.first[k] for k in shared)


def remarks(a: Side, b: Side) -> list[str]:
    """What a reader of a comparison must know: how many seeds, which were left out, what the interval is over."""
    lines = [*_about("A", a), *_about("B", b)]
    single = [name for name, side in (("A", a), ("B", b)) if len(side.runs) == 1]
    if single:
        lines.append(
            f"one seed of {' and '.join(single)}: intervals and p are over examples alone there; "
            "another seed may differ by more"
        )
    if min(len(side.runs) for side in (a, b)) < 5 and len(single) != 2:
        lines.append("fewer than 5 seeds tell little of the spread over seeds")
    if same_run(a, b):
        lines.append("A and B are seeds of one model and one set of settings: whatever differs is noise of seeds")
    return lines


def paper_remarks(ours: Side, row: str) -> list[str]:
    """What a reader of distances to the paper must know."""
    if len(ours.runs) == 1:
        noise = "the noise of seeds is unknown: there is one seed, and the paper prints no spread"
    else:
        noise = "the paper prints no spread over seeds: noise is Student's t with the spread of ours"
    return [*_about("ours", ours), f"paper: {row}", noise]


def compare_with_paper(record: Record, row: str) -> list[Row]:
    """One seed; see `distance_to_paper`."""
    return distance_to_paper([record], row)


def distance_to_paper(records: Sequence[Record], row: str) -> list[Row]:
    """Our seeds minus that model's published row of the same protocol and selection, by language and on average.

    `inside` tells whether a distance lies inside the noise of seeds: whether Student's t of our seeds against the
    printed number, itself a mean over as many seeds as the paper says (else one) of the spread that ours have, is not
    significant after Holm over the columns. None with one seed, for the paper prints no spread.
    """
    first = records[0]
    theirs = _published(first, row)
    for record in records:
        _refuse_unofficial(record)
        refuse_incomparable(first, record)
    benchmark = find_benchmark(first["benchmark"])
    ours, paper = middle_values(benchmark, records), column_values(theirs)
    common = tuple(code for code in column_values(first) if code in paper)
    weights = headline_weights(benchmark, common)
    averages = [_weighted(column_values(r), weights) for r in records]
    by_seed = {code: [column_values(r)[code] for r in records] for code in common} | {AVERAGE: averages}
    ours[AVERAGE] = middle(benchmark, averages)
    printed = {code: paper[code] for code in common} | {AVERAGE: _weighted(paper, weights)}
    seeds = int(theirs["config"].get("seeds") or 1)
    p = {c: _noise_p(by_seed[c], ours[c] - printed[c], seeds, benchmark) for c in printed}
    known = {code: value for code, value in p.items() if value is not None}
    adjusted = holm({c: known[c] for c in common if c in known}) | {c: known[c] for c in (AVERAGE,) if c in known}
    return [
        {
            **_row(code, ours[code], printed[code]),
            "ci95": None,
            "p": p[code],
            "p_holm": adjusted.get(code),
            "std": stdev(by_seed[code]) if len(records) > 1 else None,
            "inside": adjusted[code] >= LEVEL if code in adjusted else None,
        }
        for code in printed
    ]


def _about(name: str, side: Side) -> list[str]:
    seeds = ", ".join(str(r["seed"]) for _, r in side.runs)
    return [
        f"{name}: {side.first['model']['name']} {side.first['protocol']} {side.first['selection']}, seeds {seeds}",
        *(f"{name}: seed {r['seed']} collapsed and is left out ({path})" for path, r in side.collapsed),
        *(f"{name}: seed {r['seed']} COLLAPSED ({path})" for path, r in side.runs if r["status"] != "ok"),
    ]


def _noise_p(seeds: Sequence[float], distance: float, printed_seeds: int, benchmark: Benchmark) -> float | None:
    """How likely seeds alone put two means, of ours and of `printed_seeds`, so far apart; None with one seed."""
    if len(seeds) < 2:
        return None
    beyond = max(0.0, abs(distance) - ROUNDING)
    # A median of normal values spreads sqrt(pi / 2) times as much as their mean.
    wider = sqrt(pi / 2) if benchmark.median else 1.0
    noise = wider * stdev(seeds) * sqrt(1 / len(seeds) + 1 / printed_seeds)
    if noise == 0:
        return 0.0 if beyond else 1.0
    return students_p(beyond / noise, len(seeds) - 1)


def _published(record: Record, row: str) -> Record:
    published = published_records(record["benchmark"], record["protocol"])
    names = dict.fromkeys(p["model"]["name"] for p in published)
    if row not in names:
        raise unknown_name(f"published {record['protocol']} row", row, names)
    _refuse_unofficial(record)
    matching = [p for p in published if p["model"]["name"] == row]
    theirs = next((p for p in matching if p["selection"] == record["selection"]), None)
    if theirs is None:
        rules = ", ".join(p["selection"] for p in matching)
        raise NotComparableError(
            f"the paper's {row} was selected by {rules} dev, this result by {record['selection']}. "
            "Compare the record of that selection rule: it is from the same run."
        )
    return theirs


def _refuse_unofficial(record: Record) -> None:
    if record["data"]["official"] is not True or record["limited"]:
        raise NotComparableError(
            f"the result is not on the complete published data ({_standing(record)}), "
            "so it cannot be held against the paper."
        )


def _row(code: str, a: float, b: float) -> Row:
    return {"language": code, "a": a, "b": b, "difference": a - b}


def _difference(sides: tuple[SeedDraws, SeedDraws], code: str, benchmark: Benchmark) -> Any:
    """Draws of A minus B, of a column or of the average."""
    left, right = (
        over_seeds(s.average if code == AVERAGE else s.columns[code], place, median=benchmark.median)
        for place, s in enumerate(sides)
    )
    return left - right


def _effect(share: bool, a: float, b: float, left: list[float], right: list[float]) -> Row:
    """The size of an effect with its name; both None where neither kind is defined."""
    if share:
        return {"effect": cohens_h(a, b), "effect_name": "h"}
    g = hedges_g(left, right)
    return {"effect": g, "effect_name": None if g is None else "g"}


def _by_seed(side: Side, code: str) -> list[float]:
    return [headline(r)["value"] if code == AVERAGE else column_values(r)[code] for _, r in side.runs]


def _weighted(values: Mapping[str, float], weights: Mapping[str, float]) -> float:
    return fmean([values[c] for c in weights], weights=list(weights.values()))


def _standing(record: Record) -> str:
    """How the data of a record differ from the published, in words."""
    found = [f"{s['language']} {s['role']}: {s['deviation']}" for s in record["data"]["splits"] if s.get("deviation")]
    return "; ".join(found) or (f"limited to {record['limited']}" if record["limited"] else record["data"]["name"])
