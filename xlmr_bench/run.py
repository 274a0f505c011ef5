"""A run: every seed of one benchmark under one protocol, from data to records.

Repeating a command repeats no work: finished records are kept, interrupted fine-tunings continue.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .device import Ranks, describe_device, resolve_precision
from .errors import Interrupted, PartialError, UsageError, XlmrBenchError
from .examples import Split
from .files import locked, sha256_of
from .modeling.model import Source, open_source
from .outcome import Job, Outcome, carry_out
from .predictions import write_predictions
from .provenance import provenance
from .request import Request
from .results import MODELS, SCHEMA_VERSION, Record, existing, identity_digest, record_path, write_record
from .scoring import score_splits
from .selection import monitor_name
from .settings import describe
from .workload import Outputs, Prepared, Workload, data_name, load_workload


def execute(request: Request, ranks: Ranks) -> list[Record]:
    """Run all seeds; returns the records of every seed and selection rule (on rank 0).

    Raises PartialError when some seeds failed and others were written, Interrupted when asked to stop.
    """
    source = open_source(request.model)
    if request.settings.max_length > source.max_tokens:
        raise UsageError(f"max_length={request.settings.max_length}: {source.name} takes {source.max_tokens} tokens.")
    if request.save_models and source.checkpoint is None:
        raise UsageError("--save-models works for XLM-R checkpoint folders, not for hf: models.")
    request = replace(
        request,
        name=request.name or source.name,
        settings=replace(request.settings, precision=resolve_precision(request.settings.precision, ranks.device)),
    )
    with ranks.first_alone():
        workload = load_workload(request, source.tokenizer)
    if ranks.first:
        _announce(request, workload)
    records: list[Record] = []
    failures: list[str] = []
    for seed in request.seeds:
        try:
            records += _run_seed(request, source, workload, seed, ranks)
        except Interrupted:
            raise
        except XlmrBenchError as e:
            # Processes of one run must stay at the same seed, so there the first failure ends all of them.
            if len(request.seeds) == 1 or ranks.world > 1 or isinstance(e, UsageError):
                raise
            failures.append(f"seed {seed}: {e}")
            print(f"xlmr_bench: seed {seed} failed: {e}", file=sys.stderr)
    if failures and not records:
        raise XlmrBenchError("every seed failed. " + " | ".join(failures))
    if failures:
        raise PartialError(f"{len(failures)} of {len(request.seeds)} seeds failed. " + " | ".join(failures))
    return records


def _run_seed(request: Request, source: Source, workload: Workload, seed: int, ranks: Ranks) -> list[Record]:
    skeletons = {rule: _skeleton(request, source, workload, rule, seed) for rule in request.selections}
    paths = {rule: _path(request, rule, seed) for rule in skeletons}
    found = [existing(paths[rule], record) for rule, record in skeletons.items()]
    if all(found):
        if ranks.first:
            print(f"seed {seed}: already in {paths[next(iter(paths))].parents[1]}", file=sys.stderr)
        return [record for record in found if record]
    digest = identity_digest(next(iter(skeletons.values())))
    work = request.output / ".work" / f"{request.name}-{digest}"
    models = _path(request, MODELS, seed).with_suffix("")
    job = Job(request, source, workload, seed, ranks, work, models)
    if not ranks.first:
        for tuning in request.fine_tunings:
            carry_out(job, tuning)
        ranks.barrier()
        return []
    with locked(work / "lock", f"seed {seed} of this run"):
        started, clock = datetime.now(UTC), time.monotonic()
        outcomes = [carry_out(job, tuning) for tuning in request.fine_tunings]
        timing = {
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 1),
            "device": describe_device(ranks.device),
            "processes": ranks.world,
            "fine_tunings": {o.name: o.about["timing"] for o in outcomes},
        }
        for rule, record in skeletons.items():
            _finish(record, outcomes, request, workload, paths[rule], timing)
    ranks.barrier()  # nobody reads there any more
    shutil.rmtree(work, ignore_errors=True)
    return list(skeletons.values())


def _path(request: Request, selection: str, seed: int) -> Path:
    assert request.name is not None
    return record_path(request.output, request.name, request.benchmark.name, request.protocol.name, selection, seed)


def _skeleton(request: Request, source: Source, workload: Workload, selection: str, seed: int) -> Record:
    """The record before anything was trained: its identity."""
    name, official = data_name(workload.about)
    return {
        "schema_version": SCHEMA_VERSION,
        "origin": "run",
        "status": "ok",
        "limited": request.limit,
        "benchmark": request.benchmark.name,
        "protocol": request.protocol.name,
        "selection": selection,
        "seed": seed,
        "model": {**source.identity, "name": request.name},
        "data": {"name": name, "official": official, "splits": workload.about},
        "config": request.config,
    }


def _finish(
    record: Record,
    outcomes: list[Outcome],
    request: Request,
    workload: Workload,
    path: Path,
    timing: dict[str, Any],
) -> None:
    """Score what a selection rule chose, write predictions, then the record: a record never lacks its predictions."""
    benchmark = request.benchmark
    by_language = {c: o for o, t in zip(outcomes, request.fine_tunings, strict=True) for c in t.serves}
    selected = []
    chosen: dict[tuple[str, str], tuple[Prepared, Outputs]] = {}
    for code in request.languages:
        outcome = by_language[code]
        step = outcome.steps[monitor_name(record["selection"], benchmark.model_of(code))]
        selected.append({"fine_tuning": outcome.name, "language": code, "step": step})
        chosen[benchmark.tested, code] = workload.test[code], outcome.outputs[step, "test", code]
        if benchmark.tested != "dev" and (step, "dev", code) in outcome.outputs:
            chosen["dev", code] = workload.dev[code], outcome.outputs[step, "dev", code]
    gold, predicted, columns = _decoded(chosen)
    record["scores"], record["aggregate"] = score_splits(
        benchmark, predicted, gold, {key: prepared.encoded.truncated for key, (prepared, _) in chosen.items()}
    )
    record["selected"] = selected
    record["translation"] = workload.translation
    record["fine_tunings"] = [{k: v for k, v in o.about.items() if k != "timing"} for o in outcomes]
    record["notes"] = _collapses(outcomes, workload)
    record["status"] = "collapsed" if record["notes"] else "ok"
    file = path.with_suffix(".predictions.parquet")
    about = {
        "benchmark": benchmark.name,
        "protocol": request.protocol.name,
        "limited": request.limit,
        "gold_sha256": {f"{split}/{code}": s.gold_digest for (split, code), s in gold.items()},
    }
    write_predictions(file, columns, about)
    record["predictions"] = {"path": file.name, "sha256": sha256_of(file), "rows": len(columns["id"])}
    record["provenance"] = {**provenance(), **({"plugin": benchmark.plugin} if benchmark.plugin else {})}
    record["timing"] = timing
    write_record(path, record)


def _decoded(
    chosen: dict[tuple[str, str], tuple[Prepared, Outputs]],
) -> tuple[dict[tuple[str, str], Split[Any]], dict[tuple[str, str], list[str]], dict[str, list[Any]]]:
    """Gold and predictions by (split, language), dev before test, and the columns of the prediction file."""
    keys = sorted(chosen, key=lambda key: key[0])
    gold = {key: chosen[key][0].split for key in keys}
    decoded = {key: chosen[key][0].decode(chosen[key][1]) for key in keys}
    own = dict.fromkeys(name for _, numbers in decoded.values() for name in numbers)
    columns: dict[str, list[Any]] = {name: [] for name in ("split", "language", "id", "prediction", *own)}
    for (split, code), (predictions, numbers) in decoded.items():
        n = len(predictions)
        columns["split"] += [split] * n
        columns["language"] += [code] * n
        columns["id"] += [e.id for e in gold[split, code].examples]
        columns["prediction"] += predictions
        for name in own:
            columns[name] += numbers.get(name, [None] * n)
    return gold, {key: predictions for key, (predictions, _) in decoded.items()}, columns


def _collapses(outcomes: list[Outcome], workload: Workload) -> list[str]:
    """Which fine-tunings ended at chance, judged on dev in a language they were trained on."""
    notes = []
    for outcome in outcomes:
        judged = [c for c in outcome.about["train"] if c in workload.dev][:1]
        for (step, split, code), values in outcome.outputs.items():
            if split == "dev" and code in judged:
                reason = workload.dev[code].collapse(values)
                if reason:
                    notes.append(f"{outcome.name}, step {step}: {reason}")
    return notes


def _announce(request: Request, workload: Workload) -> None:
    """Say on stderr what will run, with every resolved setting, and how the data differ from the published."""
    say = [
        f"{request.benchmark.name} {request.protocol.name}, {len(request.languages)} languages, "
        f"seeds {', '.join(map(str, request.seeds))}, preset {request.preset.name}",
        f"settings: {describe(request.settings)}",
        *(
            f"not the published data: {s['language']} {s['role']}: {s['deviation']}"
            for s in workload.about
            if s["deviation"]
        ),
        *(f"note: {s['language']} {s['role']}: {s['note']}" for s in workload.about if s["note"]),
        *(
            f"translated {t['language']}: BLEU {100 * t['bleu']:.1f}, chrF {100 * t['chrf']:.1f}, {t['bleu_signature']}"
            for t in workload.translation
        ),
    ]
    say += [
        f"{name}: {', '.join(f'{key}={value}' for key, value in values.items())}"
        for name, values in request.config.get("exceptions", {}).items()
    ]
    if request.limit:
        say.append(f"limited to {request.limit} examples a split: the records are marked and are no results")
    print("\n".join(f"xlmr_bench: {line}" for line in say), file=sys.stderr)
