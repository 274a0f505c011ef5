"""Findings as a table for people (plain or markdown) and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabulate import tabulate

from .claim import Claim, Ordering, Part, SizeRatio, steps_of
from .ours import Estimate, Missing
from .printed import Printed
from .verdict import FLAGGED, HOLDS, UNPRINTED, VERDICTS, Finding, PrintedPart

ABSENT = "-"
# What a reader must know of the column `published`.
_AVERAGES = "published: averages as printed; they are also recomputed from the cells, and flagged where that disagrees"
HEAD = ("claim", "statement", "where", "published", "holds in print?", "ours [95 %]", "verdict")
_WIDTHS = [26, 44, 10, 18, 8, 30, 12]

Excluded = Sequence[tuple[Path, str]]


def as_table(findings: Sequence[Finding], excluded: Excluded, style: str) -> str:
    """The claims, one line each, then remarks and counts. `style` is `text` or `markdown`."""
    markdown = style == "markdown"
    rows = [_row(f, "<br>" if markdown else "\n") for f in findings]
    if markdown:
        table = tabulate(rows, HEAD, tablefmt="pipe", disable_numparse=True)
    else:
        table = tabulate(rows, HEAD, tablefmt="simple", disable_numparse=True, maxcolwidths=list(_WIDTHS))
    bullet = "- " if markdown else ""
    lines = [f"{bullet}{line}" for line in [_AVERAGES, *_remarks(findings), *_left_out(excluded)]]
    return "\n".join([table, "", *lines, "", summary(findings)])


def as_json(findings: Sequence[Finding], excluded: Excluded) -> str:
    """Everything: each linear combination as printed (with its other printing) and as measured."""
    found = {
        "claims": [_entry(f) for f in findings],
        "summary": _counts(findings),
        "excluded": [{"record": str(path), "reason": reason} for path, reason in excluded],
    }
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)


def summary(findings: Sequence[Finding]) -> str:
    """How many claims have each verdict, and how many hold in print."""
    counts = _counts(findings)
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts["verdicts"].items() if n)
    printed = counts["in_print"]
    return (
        f"{len(findings)} claims: {said}; in print {printed[HOLDS]} hold, {printed[FLAGGED]} are flagged, "
        f"of {printed[UNPRINTED]} no number is printed"
    )


def _counts(findings: Sequence[Finding]) -> dict[str, dict[str, int]]:
    verdicts, printed = Counter(f.verdict for f in findings), Counter(f.in_print for f in findings)
    return {
        "verdicts": {v: verdicts[v] for v in VERDICTS},
        "in_print": {p: printed[p] for p in (HOLDS, FLAGGED, UNPRINTED)},
    }


def _row(finding: Finding, end: str) -> list[str]:
    claim = finding.claim
    lines = [_one_line(finding, part) for part in claim.parts]
    published = [p for p, _ in lines if p] or [ABSENT]
    ours = [o for _, o in lines if o] or [ABSENT]
    return [
        claim.id,
        claim.statement,
        claim.where,
        end.join(published),
        finding.in_print,
        end.join(ours),
        finding.verdict,
    ]


def _one_line(finding: Finding, part: Part | Ordering | SizeRatio) -> tuple[str, str]:
    """What was printed and what was measured of one part; its label where the claim has several."""
    if isinstance(part, SizeRatio):
        return ("" if finding.ratio is None else f"{finding.ratio:.0f} times"), ""
    steps = steps_of(finding.claim)
    if isinstance(part, Ordering):
        chosen = [i for i, s in enumerate(steps) if s in part.steps()]
        return _order(part, [finding.printed[i] for i in chosen]), _our_order(part, [finding.ours[i] for i in chosen])
    place = steps.index(part)
    prefix = f"{part.label}: " if len(finding.claim.parts) > 1 else ""
    printed, ours = finding.printed[place].value, finding.ours[place]
    sign = "" if part.relation == "=" else "+"
    digits = 2 if finding.claim.where.startswith("Table 2") else 1
    left = "" if printed is None else f"{prefix}{printed.value:{sign}.{digits}f}"
    return left, f"{prefix}{_interval(ours, sign, digits)}" if isinstance(ours, Estimate) else ""


def _order(part: Ordering, printed: Sequence[PrintedPart]) -> str:
    found = [p.holds for p in printed]
    if None in found:
        return ""
    name = f"{part.label}: {part.best[0]}" if part.kind == "argmax" else part.label
    return name if all(found) else f"not {name}"


def _our_order(part: Ordering, ours: Sequence[Estimate | Missing]) -> str:
    values = [o for o in ours if isinstance(o, Estimate)]
    if len(values) < len(ours):
        return ""
    worst = min(values, key=lambda o: o.low)
    return f"{part.label}: least lead {_interval(worst, '+', 1)}"


def _interval(ours: Estimate, sign: str, digits: int) -> str:
    style = f"{sign}.{digits}f"
    return f"{ours.value:{style}} [{ours.low:{style}} to {ours.high:{style}}]"


def _remarks(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for f in findings:
        if f.print_reason:
            lines.append(f"{f.claim.id}: {'flagged: ' if f.in_print == FLAGGED else ''}{f.print_reason}")
        if f.notes and any(isinstance(o, Estimate) for o in f.ours):
            lines.append(f"{f.claim.id}: {f.verdict}: {'; '.join(f.notes)}")
    return lines


def _left_out(excluded: Excluded) -> list[str]:
    reasons = Counter(reason for _, reason in excluded)
    return [f"{n} record{'s' if n > 1 else ''} left out: {reason}" for reason, n in reasons.items()]


def _entry(f: Finding) -> dict[str, Any]:
    claim = f.claim
    return {
        "id": claim.id,
        "statement": claim.statement,
        "where": claim.where,
        "needs": claim.needs,
        "expected": list(_expected(claim)),
        "in_print": f.in_print,
        "reason": f.print_reason or None,
        "remark": claim.remark or None,
        "size_ratio": f.ratio,
        "parts": [_part(p, o) for p, o in zip(f.printed, f.ours, strict=True)],
        "verdict": f.verdict,
        "notes": list(f.notes),
    }


def _expected(claim: Claim) -> tuple[float | str, ...]:
    best = [p.best[0] for p in claim.parts if isinstance(p, Ordering) and p.kind == "argmax"]
    return (*claim.expected, *best)


def _part(printed: PrintedPart, ours: Estimate | Missing) -> dict[str, Any]:
    part = printed.part
    return {
        "label": part.label,
        "relation": part.relation,
        "bound": part.bound,
        "expected": part.expected,
        "cells": [asdict(t) for t in part.terms],
        "published": _number(printed.value),
        "published_again": _number(printed.again),
        "holds": printed.holds,
        "within_reading_error": printed.narrow,
        "ours": {**asdict(ours), "ci95": [ours.low, ours.high]} if isinstance(ours, Estimate) else None,
        "missing": ours.reason if isinstance(ours, Missing) else None,
    }


def _number(printed: Printed | None) -> dict[str, float] | None:
    return None if printed is None else {"value": round(printed.value, 4), "error": round(printed.error, 4)}
