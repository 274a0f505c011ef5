"""Where a result comes from, in the words that every format shares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ..protocols import PROTOCOLS, SELECTIONS
from ..results import Record
from .collect import NOT_RECORDED, Entry, Result, unofficial


def protocol_words(result: Result) -> str:
    """The protocol with its explanation."""
    name = result.first["protocol"]
    return f"{name}: {next((p.summary for p in PROTOCOLS if p.name == name), 'unknown')}"


def selection_words(result: Result) -> str:
    """The selection rule with its explanation."""
    rule = result.first["selection"]
    return f"{rule}: {SELECTIONS[rule]}"


def seeds_words(result: Result) -> str:
    """What seeds there are and how they are summed up."""
    seeds = [r["seed"] for r in result.records]
    if len(seeds) == 1:
        text = f"seed {seeds[0]}"
    else:
        text = f"{result.summary} over {len(seeds)} seeds ({', '.join(map(str, seeds))})"
    return text + (f"; {len(result.collapsed)} more collapsed, not in it" if result.collapsed else "")


def data_words(result: Result) -> str:
    """Which data were read."""
    data = result.first["data"]
    if data["official"] is True:
        return f"{data['name']}; checked to be the published data"
    return f"{data['name']}; {unofficial(result.first, result.benchmark) or 'a data set of its own'}"


def role_words(result: Result, entry: Entry) -> str:
    """What a split was for."""
    if entry.split == "dev" and any(e.split == "test" for e in result.entries):
        return "dev: chose the checkpoint"
    return "dev: chose the checkpoint and is reported" if entry.split == "dev" else "test: reported"


def versions(result: Result) -> str:
    """Version and commit of xlmr_bench, of each seed where they differ."""
    found = []
    for record in result.records:
        made = record["provenance"]
        commit = made.get("git_commit")
        text = f"xlmr_bench {made.get('xlmr_bench', NOT_RECORDED)}"
        text += f" commit {commit}{' (changed)' if made.get('git_dirty') else ''}" if commit else ""
        found.append(text)
    return "; ".join(dict.fromkeys(found))


def library_version(result: Result) -> str:
    """The version of xlmr_bench alone."""
    return " and ".join(distinct(r["provenance"].get("xlmr_bench", "unknown") for r in result.records))


def provenance(result: Result) -> dict[str, str]:
    """Code, command and environment of all seeds, as strings."""
    made = [r["provenance"] for r in result.records]
    packages = distinct(" ".join(f"{k}=={v}" for k, v in m.get("packages", {}).items()) for m in made)
    facts = {
        "versions": [versions(result)],
        "command": distinct(m.get("command") for m in made),
        "python": distinct(m.get("python") for m in made),
        "platform": distinct(m.get("platform") for m in made),
        "packages": packages,
        "device": distinct(r["timing"].get("device") for r in result.records),
        "seconds": [str(r["timing"]["seconds"]) for r in result.records if "seconds" in r["timing"]],
    }
    return {key: " ; ".join(values) for key, values in facts.items() if values}


def weights(result: Result) -> dict[str, str]:
    """Digests of the model that was fine-tuned."""
    model = result.first["model"]
    return {k: str(model[k] or NOT_RECORDED) for k in ("weights_sha256", "tokenizer_sha256")}


def data_digests(result: Result) -> dict[str, str]:
    """SHA-256 of texts and gold of each set that was read, by role and column."""
    return {f"{s['role']}/{s['language']}": s["sha256"] for s in result.first["data"]["splits"]}


def started(record: Record) -> datetime | None:
    """When a run began."""
    text = record["timing"].get("started")
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def latest_start(result: Result) -> datetime | None:
    """When the last seed began."""
    return max((at for r in result.records if (at := started(r))), default=None)


def latest_end(result: Result) -> float:
    """When the last seed was done, in seconds of the Unix epoch; 0 where no seed says so."""
    ends = [at.timestamp() + float(r["timing"].get("seconds", 0)) for r in result.records if (at := started(r))]
    return max(ends, default=0.0)


def compact(value: Any) -> str:
    """JSON in one line, for places that take strings."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def distinct(values: Iterable[Any]) -> list[str]:
    """Values that are there, each once, in order, as strings."""
    return list(dict.fromkeys(str(v) for v in values if v))
