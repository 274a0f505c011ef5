"""A claim against what the paper printed, and against what we measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .claim import BASELINES, PRETRAINING, Claim, Part, SizeRatio, rows_of, steps_of
from .ours import Estimate, Missing, estimate
from .printed import Book, Printed, mean_ratio, total
from .runs import Bound

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
UNTESTED, PRETRAIN, QUALITATIVE = "not yet tested", "needs pretraining", "not testable"
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTED, PRETRAIN, QUALITATIVE)

HOLDS, FLAGGED, UNPRINTED = "yes", "flagged", "not printed"

_TINY = 1e-9
_RATIO = 1.5  # `about` a ratio is within this factor of it


@dataclass(frozen=True)
class PrintedPart:
    """`value` is with averages as printed, `again` from another place of the paper or from the cells of the average.

    `narrow`: the relation holds, but by less than rounding or the reading of bars allows to tell.
    """

    part: Part
    value: Printed | None
    again: Printed | None
    holds: bool | None
    narrow: bool


@dataclass(frozen=True)
class Finding:
    """All that is known of one claim. `ours` goes with the claim's linear combinations, in their order."""

    claim: Claim
    printed: tuple[PrintedPart, ...]
    ratio: float | None
    in_print: str
    print_reason: str
    ours: tuple[Estimate | Missing, ...]
    verdict: str
    notes: tuple[str, ...]


def find(claim: Claim, book: Book, bound: Bound) -> Finding:
    """Hold one claim against the paper and our runs."""
    printed = tuple(_printed(part, book) for part in steps_of(claim))
    ratio = next((mean_ratio(p) for p in claim.parts if isinstance(p, SizeRatio)), None)
    in_print, reason = _in_print(claim, printed, ratio)
    ours, stand_in = _ours(claim, book, bound)
    verdict, notes = _verdict(claim, ours)
    if stand_in:
        notes = (f"tested on {stand_in}", *notes)
    return Finding(claim, printed, ratio, in_print, reason, ours, verdict, notes)


def judge(part: Part, ours: Estimate) -> str:
    """Supported or contradicted where the whole 95 % interval says so, undecided where it holds both.

    `=` is a matter of one run's luck as well: supported where the published number lies within the interval widened by
    two standard deviations over seeds, else contradicted.
    """
    if part.relation == "=":
        assert part.expected is not None
        slack = 2 * (ours.spread or 0.0) + half_digit(part.expected) + _TINY
        return SUPPORTED if ours.low - slack <= part.expected <= ours.high + slack else CONTRADICTED
    if part.relation == "~":
        if -part.bound <= ours.low and ours.high <= part.bound:
            return SUPPORTED
        return CONTRADICTED if ours.low > part.bound or ours.high < -part.bound else UNDECIDED
    sign = 1 if part.relation == ">" else -1
    low, high = sorted((sign * (ours.low - part.bound), sign * (ours.high - part.bound)))
    if low > 0:
        return SUPPORTED
    return CONTRADICTED if high <= 0 else UNDECIDED


def half_digit(number: float) -> float:
    """Half of the last digit that a number is written with."""
    return 0.5 * 10.0 ** -len(str(number).partition(".")[2])


def _printed(part: Part, book: Book) -> PrintedPart:
    value = total(book, part.terms)
    again = total(book, part.again) if part.again else total(book, part.terms, recomputed=True)
    if value is None:
        return PrintedPart(part, None, None, None, False)
    if part.relation in ("=", "~"):
        clear = holds = part.relation == "=" or abs(value.value) <= part.bound + value.error
        narrow = part.relation == "~" and abs(value.value) + value.error > part.bound
    else:
        distance = (value.value - part.bound) * (1 if part.relation == ">" else -1)
        clear = holds = distance > _TINY
        narrow = distance <= value.error
    if part.expected is not None and not (part.relation in "<>" and part.bound):
        holds = clear and abs(value.value - part.expected) <= value.error + half_digit(part.expected) + _TINY
    return PrintedPart(part, value, again, holds, clear and narrow)


def _agree(part: PrintedPart) -> bool:
    """Whether both printings of a quantity are the same number, within rounding and reading."""
    if part.value is None or part.again is None:
        return True
    return abs(part.value.value - part.again.value) <= part.value.error + part.again.error + _TINY


def _in_print(claim: Claim, printed: Sequence[PrintedPart], ratio: float | None) -> tuple[str, str]:
    """Whether the paper's own numbers bear the claim out, and what is to be said of that."""
    ratios = [p for p in claim.parts if isinstance(p, SizeRatio)]
    off = [p for p in ratios if ratio is not None and not p.about / _RATIO <= ratio <= p.about * _RATIO]
    wrong = [p for p in printed if p.holds is False or not _agree(p)]
    if off or wrong:
        found = [*(f"{p.part.label}: {_words(p)}" for p in wrong), *(f"{ratio:.0f} times" for _ in off)]
        return FLAGGED, f"{claim.flag} ({'; '.join(found)})"
    if not ratios and not any(p.holds for p in printed):
        return UNPRINTED, claim.remark
    narrow = [p.part.label for p in printed if p.narrow]
    said = [f"{', '.join(narrow)}: by no more than can be told in print"] if narrow else []
    return HOLDS, "; ".join(filter(None, [*said, claim.remark]))


def _words(printed: PrintedPart) -> str:
    """A printed number beside the one that disagrees with it: of another place, or that the claim names."""
    value, again, expected = printed.value, printed.again, printed.part.expected
    if value is None:
        return "not printed"
    if again is not None and not _agree(printed):
        return (
            f"{value.value:+.2f}, {'from another place' if printed.part.again else 'from the cells'} {again.value:+.2f}"
        )
    return f"{value.value:+.2f}" + ("" if expected is None else f", named as {expected:+g}")


def _ours(claim: Claim, book: Book, bound: Bound) -> tuple[tuple[Estimate | Missing, ...], str]:
    """Our estimates, of the claim's own models or else of the first stand-in that has them, with its name."""
    found = _estimates(claim, book, bound)
    if all(isinstance(f, Estimate) for f in found):
        return found, ""
    for other in claim.stand_ins:
        model = book[rows_of(claim)[0]].model
        instead = _estimates(claim, book, bound.instead(model, other))
        if all(isinstance(f, Estimate) for f in instead):
            return instead, other
    return found, ""


def _estimates(claim: Claim, book: Book, bound: Bound) -> tuple[Estimate | Missing, ...]:
    stand = claim.needs == BASELINES
    return tuple(estimate(p.terms, book, bound, published_baselines=stand) for p in steps_of(claim))


def _verdict(claim: Claim, ours: Sequence[Estimate | Missing]) -> tuple[str, tuple[str, ...]]:
    """The verdict on all parts together, with what weakens it."""
    if not claim.parts:
        return QUALITATIVE, ("a matter of judgement",)
    parts = steps_of(claim)
    if not parts:
        return UNTESTED, (f"needs {claim.needs} of your own",)
    judged = [judge(p, o) for p, o in zip(parts, ours, strict=True) if isinstance(o, Estimate)]
    missing = [o for o in ours if isinstance(o, Missing)]
    notes = _notes([o for o in ours if isinstance(o, Estimate)])
    reasons = tuple(dict.fromkeys(m.reason for m in missing))
    if CONTRADICTED in judged:
        return CONTRADICTED, notes
    if missing:
        if claim.needs == PRETRAINING and all(m.untouched for m in missing) and not judged:
            return PRETRAIN, reasons[:1]
        return UNTESTED, reasons[:1]
    return (UNDECIDED if UNDECIDED in judged else SUPPORTED), notes


def _notes(ours: Sequence[Estimate]) -> tuple[str, ...]:
    said = []
    baselines = dict.fromkeys(m for o in ours for m in o.as_published)
    if baselines:
        said.append(f"{', '.join(baselines)} as published")
    if any(o.spread is None for o in ours):
        said.append("one seed: the interval is over examples alone, another seed may differ by more")
    elif any(min(o.seeds) < 3 for o in ours):
        said.append("two seeds: the interval is wide")
    return tuple(said)
