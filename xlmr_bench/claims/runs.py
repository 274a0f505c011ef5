"""Our runs as evidence: which records count, and which of our models stands for which of the paper's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, unknown_name
from ..pairing import run_key
from ..report import column_values
from ..results import Record, find_records

Key = tuple[str, str, str, str]  # our model, benchmark, protocol, selection

# Names of the released checkpoints, which are those of their folders and so of most runs.
RELEASED = {
    "XLM-R": ("xlm-roberta-large", "xlmr.large"),
    "XLM-R Base": ("xlm-roberta-base", "xlmr.base"),
    "mBERT": ("bert-base-multilingual-cased",),
    "RoBERTa": ("roberta-large",),
    "BERT-Large": ("bert-large-cased", "bert-large-uncased"),
    "XLNet-Large": ("xlnet-large-cased",),
    "XLM-100": ("xlm-mlm-100-1280",),
}


@dataclass(frozen=True)
class Runs:
    """Records that count, by seed, those that do not with the reason, and the models of both."""

    by_key: Mapping[Key, Mapping[int, Record]]
    excluded: tuple[tuple[Path, str], ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bound:
    """Our runs with our names of each of the paper's models (several where each has languages of its own)."""

    runs: Runs
    names: Mapping[str, tuple[str, ...]]

    def instead(self, model: str, other: str) -> Bound:
        """The same with the runs of another of the paper's models in the place of `model`."""
        return Bound(self.runs, {**self.names, model: self.names.get(other, ())})

    def holder(self, model: str, benchmark: str, protocol: str, selection: str, column: str, place: int) -> Key | None:
        """The runs that have a column of this model; UsageError where two of our models have it."""
        keys = [(name, benchmark, protocol, selection) for name in self.names.get(model, ())]
        found = [k for k in keys if k in self.runs.by_key and _has(self.runs.by_key[k].values(), column, place)]
        if len(found) > 1:
            raise UsageError(
                f"{' and '.join(key[0] for key in found)} both stand for {model!r} and both have {column!r} in "
                f"{benchmark} {protocol}. Name one of them with --model '{model}=NAME'."
            )
        return found[0] if found else None


def load_runs(place: Path) -> Runs:
    """All records of runs at or below a path. Of a model with several settings or data none counts: which is meant?"""
    found: dict[Key, list[tuple[Path, Record]]] = {}
    excluded = []
    models: dict[str, None] = {}
    for path, record in find_records(place):
        models[record["model"]["name"]] = None
        reason = _no_evidence(record)
        if reason:
            excluded.append((path, reason))
        else:
            key = (record["model"]["name"], record["benchmark"], record["protocol"], record["selection"])
            found.setdefault(key, []).append((path, record))
    by_key: dict[Key, dict[int, Record]] = {}
    for key, runs in found.items():
        if len({run_key(record) for _, record in runs}) > 1:
            excluded += [
                (path, "one of several results of this model; name a folder with one of them") for path, _ in runs
            ]
            continue
        seeds = by_key.setdefault(key, {})
        for path, record in runs:
            if record["seed"] in seeds:
                excluded.append((path, "a copy of a seed that counts"))
            else:
                seeds[record["seed"]] = record
    return Runs(by_key, tuple(excluded), tuple(models))


def bind(runs: Runs, assignments: Sequence[str], paper_models: Iterable[str]) -> Bound:
    """Match our models with the paper's: as `PAPER=OURS` says, else by name (spelling aside) or released name."""
    known = tuple(dict.fromkeys(paper_models))
    names: dict[str, tuple[str, ...]] = {}
    for assignment in assignments:
        model, separator, ours = assignment.partition("=")
        if not separator or not ours:
            raise UsageError(f"--model {assignment!r} is not of the form 'PAPER MODEL=OUR NAME'.")
        chosen = next((m for m in known if _plain(m) == _plain(model)), None)
        if chosen is None:
            raise unknown_name("model of the paper", model, known)
        if ours not in runs.models:
            raise unknown_name("model among the runs", ours, runs.models)
        names[chosen] = (*names.get(chosen, ()), ours)
    for model in known:
        alike = {_plain(n) for n in (model, *RELEASED.get(model, ()))}
        names.setdefault(model, tuple(n for n in runs.models if _plain(n) in alike))
    return Bound(runs, names)


def _no_evidence(record: Record) -> str | None:
    """Why a record does not count, or None."""
    if record["origin"] != "run":
        return "a published number"
    if record["limited"]:
        return f"limited to {record['limited']} examples a split"
    if record["status"] != "ok":
        return "collapsed"
    if record["data"]["official"] is not True:
        return f"not on the official data ({record['data']['name']})"
    if any(value["ci95"] is None for value in (*record["scores"], *record["aggregate"])):
        return "without intervals"
    return None


def _has(records: Iterable[Record], column: str, place: int) -> bool:
    return all(column in column_values(record, place) for record in records)


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())
