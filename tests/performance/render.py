"""`results.json` as a page: `RESULTS.md`, one part a device, every ratio beside the evidence that it is fair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from .figures import Ratio, memory_gb, middle, ratio, refused, scores, within_noise
from .measuring import LOGITS, STEPS
from .render_growth import growth
from .work import OURS, Work

Entry = Mapping[str, Any]
_HEAD = f"""# Measured beside what a user would pick instead

Written by `make bench`; figures are in `results.json`, the method is in [README.md](README.md).

A ratio tells how many times as fast ours is, in CPU-seconds of one thread: the median over rounds in which the sides
take turns, each in a process of its own, with the lowest and highest round in brackets. Beside it stands why it is
fair: the largest difference of fp32 outputs on the same inputs (at most {LOGITS:.0e}, or the ratio is void and reads
NOT EQUAL), that after training steps in fp32 without dropout (at most {STEPS:.0e}), and what both sides learnt, mean ±
standard deviation over seeds. `documented` is the example script as its documentation runs it, `flags-best` the same
with all flags that make it faster here: bf16, dynamic padding, grouping by length.
"""


def page(results: Mapping[str, Any], works: Sequence[Work], plots: Mapping[str, str]) -> str:
    """The whole page, a part for each device; `plots` are files of growth by device."""
    parts = [_HEAD]
    for device, found in results["devices"].items():
        parts.append("\n".join(_device(device, found, works, plots.get(device))))
    return "\n".join(parts).rstrip() + "\n"


def _device(device: str, found: Mapping[str, Any], works: Sequence[Work], plot: str | None) -> Iterator[str]:
    machine, entries = found["machine"], found["entries"]
    yield f"## {device}\n"
    yield "; ".join(f"{key} {value}" for key, value in machine.items() if key != "processor") + ".\n"
    known = [work for work in works if work.name in entries]
    yield "### Speed\n"
    yield from _table(
        ("work", "phase", "ours", "against", "it", "ratio", "wall", "goal", "fp32 outputs", "after steps", "learnt"),
        [row for work in known for row in _rows(work, entries[work.name])],
    )
    yield "### Time and memory alone\n"
    yield from _table(
        ("work", "phase", "by CPU-seconds", "by the clock", "limit"),
        [r for w in known for r in _alone(w, entries[w.name])],
    )
    yield from _table(
        ("work", "peak memory of ours, GB", "of the others, GB", "limit"), [_memory(w, entries[w.name]) for w in known]
    )
    yield from _missing(works, entries)
    if found.get("profile"):
        yield "### Where our time goes\n"
        yield from _profiles(found["profile"])
    if found.get("growth"):
        yield from growth(found["growth"], plot)
    yield "### What was measured\n"
    yield from _table(
        ("work", "measured", "data", "vocabulary", "peer"), [_about(work, entries[work.name]) for work in known]
    )
    yield from _versions(known, entries)
    yield from (f"- {work.title}: {work.note}" for work in known if work.note)
    yield ""


def _rows(work: Work, entry: Entry) -> Iterator[Sequence[str]]:
    ours = entry["rounds"][OURS]
    for phase, unit in work.phases.items():
        for side, rounds in entry["rounds"].items():
            if side == OURS:
                continue
            evidence = _evidence(work, entry, side)
            found, wall = ratio(ours, rounds, phase), ratio(ours, rounds, phase, "wall_s")
            goal = work.goals.get((phase, side))
            shown = "**NOT EQUAL**" if _void(entry, side) else _shown(found)
            yield (
                work.title, phase, _rate(middle(ours, phase), unit), side, _rate(middle(rounds, phase), unit), shown,
                f"{wall.middle:.2f}", "-" if goal is None else f"{goal:g}{'' if found.middle >= goal else ' (missed)'}",
                *evidence,
            )  # fmt: skip


def _void(entry: Entry, side: str) -> bool:
    """Whether a check of this side failed, or of the one that stands for all flags of the same script."""
    judged = {name.split(" ")[0] for name in refused(entry)}
    return side in judged or (side not in entry["checks"] and bool(judged))


def _evidence(work: Work, entry: Entry, side: str) -> tuple[str, str, str]:
    checks = entry["checks"].get(side) or next(iter(entry["checks"].values()), {})
    shown = {"logits": "-", "steps": "-"}
    for mode, check in checks.items():
        if mode == "tokens":
            shown["logits"] = f"{100 * check['same'] / check['tokens']:.2f} % of {check['tokens']:,} tokens"
        elif mode == "scores":
            shown["logits"] = f"accuracy {check['difference']:.0e}, bounds {check['bounds']:.4f}"
        else:
            several = mode == "logits" and check["inputs"] > 1
            same = f" ({check['same_inputs']} of {check['inputs']} inputs)" if several else ""
            shown[mode] = f"{check['difference']:.1e}{same}"
    return shown["logits"], shown["steps"], _learnt(work, entry, side)


def _learnt(work: Work, entry: Entry, side: str) -> str:
    ours, theirs = scores(entry["rounds"][OURS]), scores(entry["rounds"][side])
    if not work.score or not theirs:
        return "-"
    verdict = {True: "", False: ", beyond noise", None: ", one seed"}[within_noise(ours, theirs)]
    return f"{work.score} {_spread(ours)} / {_spread(theirs)}{verdict}"


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def _shown(found: Ratio) -> str:
    return f"{found.middle:.2f} [{found.lowest:.2f}, {found.highest:.2f}]"


def _rate(seconds: float, unit: str) -> str:
    if unit == "s":
        return f"{seconds:.2f} s"
    rate = 1 / seconds
    return f"{rate:,.{0 if rate >= 100 else 1}f} {unit}/s"


def _alone(work: Work, entry: Entry) -> Iterator[Sequence[str]]:
    """What has no ratio, or is held against a limit."""
    ours = entry["rounds"][OURS]
    for phase, unit in work.phases.items():
        if unit == "s" or len(entry["rounds"]) == 1:
            cpu, wall = middle(ours, phase), middle(ours, phase, "wall_s")
            yield work.title, phase, _rate(cpu, unit), _rate(wall, unit), _limit(work.limits.get(phase), cpu)


def _memory(work: Work, entry: Entry) -> Sequence[str]:
    ours = memory_gb(entry["rounds"][OURS])
    others = [f"{side} {memory_gb(rounds):.2f}" for side, rounds in entry["rounds"].items() if side != OURS]
    return work.title, f"{ours:.2f}", ", ".join(others) or "-", _limit(work.limits.get("memory_gb"), ours)


def _limit(limit: float | None, found: float) -> str:
    return "-" if limit is None else f"{limit:g}{'' if found <= limit else ' (missed)'}"


def _missing(works: Sequence[Work], entries: Mapping[str, Entry]) -> Iterator[str]:
    lines = [f"- {w.title}: no peer was measured, {entries[w.name]['missing']}." for w in works if _lacks(entries, w)]
    lines += [
        f"- {w.title}: {side} failed: {why.splitlines()[-1]}"
        for w in works
        for side, why in entries.get(w.name, {}).get("failed", {}).items()
    ]
    lines += [f"- {work.title}: not measured on this device." for work in works if work.name not in entries]
    if lines:
        yield "### Missing\n"
        yield from [*lines, ""]


def _lacks(entries: Mapping[str, Entry], work: Work) -> bool:
    return bool(entries.get(work.name, {}).get("missing"))


def _profiles(profiles: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    rows = [
        (name, phase, ", ".join(f"{group} {100 * share:.0f} %" for group, share in shares.items() if share >= 0.005))
        for name, phases in profiles.items()
        for phase, shares in phases.items()
    ]
    yield from _table(("work", "phase", "share of the time"), rows)


def _about(work: Work, entry: Entry) -> Sequence[str]:
    rounds = len(entry["rounds"][OURS])
    how = f"{entry['date']}, {rounds} round{'s' * (rounds > 1)}{', a quick try' if entry['quick'] else ''}"
    seen = entry["inputs"]
    return work.title, how, seen.get("data", "-"), seen.get("vocabulary", "-"), work.peer or "-"


def _versions(works: Sequence[Work], entries: Mapping[str, Entry]) -> Iterator[str]:
    """Each set of versions once, with the works that were measured with it."""
    by_versions: dict[str, list[str]] = {}
    for work in works:
        versions = ", ".join(f"{name} {version}" for name, version in entries[work.name]["versions"].items())
        by_versions.setdefault(versions, []).append(work.title)
    yield from (f"- {'; '.join(titles)}: {versions}." for versions, titles in by_versions.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield "| " + " | ".join(head) + " |"
        yield "|" + "---|" * len(head)
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        yield ""
