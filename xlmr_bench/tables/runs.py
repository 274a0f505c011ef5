"""Our results, made ready for a table: seeds of one experiment together, and what must stay out with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files import digest_of
from ..results import Record, find_records, identity
from .sheet import LeftOut

RULES = {"joint": "joint dev", "per-language": "own dev", "english": "English dev"}
Found = tuple[Path, Record]


@dataclass(frozen=True)
class Seeds:
    """Results that differ in nothing but the seed, and either all of them collapsed or none.

    `others` counts the seeds of the other kind: collapsed ones are shown apart, not averaged with the rest.
    """

    files: tuple[Path, ...]
    records: tuple[Record, ...]
    digest: str
    collapsed: bool
    others: int


def find_runs(place: Path, benchmark: str) -> list[Found]:
    """Our results of a benchmark at or below `place`; raises DataError naming a file that is not a valid record."""
    return [(p, r) for p, r in find_records(place) if r["origin"] == "run" and r["benchmark"] == benchmark]


def sort_out(
    found: Iterable[Found], place_for: Callable[[Record], bool], any_data: bool
) -> tuple[list[Seeds], tuple[LeftOut, ...]]:
    """The experiments that a table shows, by model and selection rule, and what it leaves out.

    `place_for` says whether a result belongs in the table at all. With `any_data` results on other data than the
    published are shown too.
    """
    kept: dict[str, dict[int, Found]] = {}
    left: list[tuple[Found, str]] = []
    for path, record in found:
        reason = _reason(record, any_data) or (None if place_for(record) else _no_place(record))
        seeds = kept.setdefault(_experiment(record), {}) if reason is None else {}
        if record["seed"] in seeds:
            reason = f"the same run as {seeds[record['seed']][0]}, which is counted"
        if reason is None:
            seeds[record["seed"]] = path, record
        else:
            left.append(((path, record), reason))
    groups = [group for digest, seeds in kept.items() for group in _by_fate(digest, list(seeds.values()))]
    return sorted(groups, key=_order), _gathered(left)


def on_published_data(record: Record) -> bool:
    """Whether everything that a result is from is known to be the published data."""
    return record["data"]["official"] is True


def _reason(record: Record, any_data: bool) -> str | None:
    """Why a result may not stand beside the paper's; None where it may."""
    if record["limited"]:
        return f"limited to {record['limited']} examples a split"
    if on_published_data(record) or any_data:
        return None
    wrong = [f"{s['language']} {s['role']}: {s['deviation']}" for s in record["data"]["splits"] if s.get("deviation")]
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"not on the published data ({'; '.join(wrong[:3]) or record['data']['name']}{more})"


def _no_place(record: Record) -> str:
    tested = record["config"]["languages"]
    columns = " ".join(tested) if len(tested) <= 3 else f"{len(tested)} columns"
    return f"the table has no section for {record['protocol']} on {columns}"


def _experiment(record: Record) -> str:
    words = [record["model"]["name"], record["protocol"], record["selection"]]
    return digest_of([*words, identity(record)])[:8]


def _by_fate(digest: str, found: Sequence[Found]) -> list[Seeds]:
    """One group, or two where some seeds collapsed."""
    groups = []
    for collapsed in (False, True):
        chosen = [(p, r) for p, r in found if (r["status"] == "collapsed") == collapsed]
        if chosen:
            files, records = zip(*sorted(chosen, key=lambda f: (f[1]["seed"], str(f[0]))), strict=True)
            groups.append(Seeds(files, records, digest, collapsed, len(found) - len(chosen)))
    return groups


def _order(group: Seeds) -> tuple[str, int, str, bool]:
    first = group.records[0]
    return first["model"]["name"], list(RULES).index(first["selection"]), group.digest, group.collapsed


def _gathered(left: Sequence[tuple[Found, str]]) -> tuple[LeftOut, ...]:
    """One entry for all seeds that are left out for one reason."""
    together: dict[tuple[str, str], list[Found]] = {}
    for (path, record), reason in left:
        name = f"{record['model']['name']}, {record['protocol']}, {RULES[record['selection']]}"
        together.setdefault((name, reason), []).append((path, record))
    return tuple(
        LeftOut(f"{name}, seed {', '.join(str(r['seed']) for _, r in files)}", reason, tuple(str(p) for p, _ in files))
        for (name, reason), files in together.items()
    )
