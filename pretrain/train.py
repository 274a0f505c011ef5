"""One training run as a whole: open what it needs, continue where it stands, look at it on the way, leave a model."""

from __future__ import annotations

import dataclasses
import math
import platform
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from xlmr_bench.device import describe_device, resolve_precision, stop_ranks
from xlmr_bench.errors import Interrupted, UsageError, XlmrBenchError
from xlmr_bench.files import locked, write_json, write_text
from xlmr_bench.signals import asked_to_stop

from .batches import Corpus
from .checkpoints import Checkpoints, read_training
from .export import export_model
from .guard import Guard
from .journal import Journal
from .model import build_model
from .parallel import Team, matmul_tflops, spread, start_team
from .probe import check_probe, run_probe
from .settings import RESUMABLE, Settings
from .shape import encoder_config, flops_per_token
from .shards import Manifest, open_shards
from .trainer import Progressed, Speed, Trainer
from .validation import perplexity, validate

FINISHED, PREEMPTED, MODEL = "FINISHED", "PREEMPTED", "model"
# Continuing with another shape is not continuing.
_SHAPE = ("size", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def train(settings: Settings, *, accept_changes: bool) -> Path:
    """Carry a run to its end, from its newest complete checkpoint if there is one; returns the exported model.

    Raises Interrupted when a signal asked for a stop: the state is saved then.
    """
    if settings.report.probe_every:
        check_probe(settings.report.probe)
    manifest = open_shards(Path(settings.data.shards))
    _check_vocabulary(settings, manifest)
    team = start_team(settings.parallel)
    try:
        with ExitStack() as held:
            run = Path(settings.output)
            with team.together():
                if team.first:
                    held.enter_context(locked(run / ".lock", f"the run {run}"))
            asked = held.enter_context(asked_to_stop())
            return _train(settings, manifest, team, asked, accept_changes)
    finally:
        stop_ranks()


def _train(settings: Settings, manifest: Manifest, team: Team, asked: list[int], accept_changes: bool) -> Path:
    run, world = Path(settings.output), team.ranks.world
    _check_batch(settings, world)
    corpus = Corpus(manifest, settings)
    values = {"settings": settings.as_dict(), "corpus": manifest.digest, "tokenizer": manifest.tokenizer_sha256}
    checkpoints = Checkpoints(run, settings.checkpoint, team)
    at, guard, saved, start = Progressed(), Guard(settings), None, settings
    if checkpoints.newest:
        saved = read_training(Path(checkpoints.describe_newest()))
        _check_same(saved, values, run, accept_changes)
        at = Progressed(**saved["progress"])
        at.resumed += 1
        guard = Guard.from_json(saved["guard"], settings)
        start = dataclasses.replace(settings, model=dataclasses.replace(settings.model, start_from=""))
    checkpoints.tidy()  # not before it is clear that this run is meant
    model = spread(build_model(start, manifest.vocab_size, manifest.tokenizer_sha256), settings.parallel, team.ranks)
    with team.together():
        if team.first:
            for marker in (PREEMPTED, FINISHED):
                (run / marker).unlink(missing_ok=True)
            write_json(run / "settings.json", values)
        journal = Journal(run, at.step, settings.report.tensorboard, active=team.first)
    speed = _speed(settings, manifest, team)
    trainer = Trainer(settings, corpus, model, team, checkpoints, journal, guard, at, speed, values)
    if saved is not None:
        checkpoints.load_newest(model, trainer.optimizer)
    _announce(trainer, speed)
    try:
        trainer.run(asked, lambda step: _look(trainer, step, asked))
    except Interrupted:
        if team.first:
            write_text(run / PREEMPTED, f"step {at.step}\n")
        raise
    finally:
        journal.close()
    provenance = {**values, "progress": dataclasses.asdict(at)}
    target = run / MODEL / run.resolve().name  # the folder's name is the model's name in results
    export_model(
        model, encoder_config(settings, manifest.vocab_size), manifest.tokenizer_file, target, provenance, team
    )
    if team.first:
        write_text(run / FINISHED, f"step {at.step}\n")
        print(f"finished: {target}", flush=True)
    team.wait()
    return target


def _look(trainer: Trainer, step: int, asked: list[int]) -> None:
    """Validate and probe after a step, as far as the settings want it there."""
    r, last = trainer.settings.report, step == trainer.settings.training.steps
    if r.validate_every and (last or step % r.validate_every == 0):
        _validate(trainer, step)
    if r.probe_every and (last or step % r.probe_every == 0):
        _probe(trainer, step, asked)


def _validate(trainer: Trainer, step: int) -> None:
    corpus = trainer.corpus
    found = validate(trainer.model, corpus, trainer.team)
    drawn = corpus.sampler.drawn(step * trainer.settings.training.batch_size)
    epochs = {c: int(n) / b for c, n, b in zip(corpus.languages, drawn, corpus.blocks, strict=True)}
    mean = sum(v["loss"] for v in found.values()) / len(found) if found else math.nan
    trainer.journal.write("validation", step, mean_loss=mean, languages=found, epochs=epochs)
    if trainer.team.first and found:
        worst = max(found, key=lambda c: found[c]["loss"])
        print(
            f"step {step:,}: validation loss {mean:.3f}, perplexity {perplexity(mean):.2f}; "
            f"worst {worst} {found[worst]['loss']:.3f}",
            flush=True,
        )


def _probe(trainer: Trainer, step: int, asked: list[int]) -> None:
    """Fine-tune and test the model as it is; a probe that fails is reported, and training goes on."""
    settings, corpus, team = trainer.settings, trainer.corpus, trainer.team
    folder = Path(settings.output) / "probes" / f"step-{step:08}"
    config = encoder_config(settings, corpus.manifest.vocab_size)
    export_model(trainer.model, config, corpus.manifest.tokenizer_file, folder / MODEL, {"step": step}, team)
    if team.first:
        try:
            device = team.ranks.device.type
            scores = run_probe(folder / MODEL, settings.report.probe, folder / "runs", device, lambda: bool(asked))
            trainer.journal.write("probe", step, scores=scores)
            for name, by_language in scores.items():
                dev = ", ".join(f"{code} {100 * score:.1f}" for code, score in by_language.items())
                print(f"step {step:,}: {name}, dev: {dev}", flush=True)
        except Interrupted:
            pass  # the next step notices, saves and stops
        except XlmrBenchError as e:
            print(f"pretrain: the probe of step {step:,} failed, training goes on: {e}", file=sys.stderr)
            trainer.journal.write("probe", step, error=str(e))
        shutil.rmtree(folder / MODEL, ignore_errors=True)  # the scores stay; `export` gives the model of a checkpoint
    team.wait()


def _check_vocabulary(settings: Settings, manifest: Manifest) -> None:
    expected = settings.model.vocab_size
    if expected and expected != manifest.vocab_size:
        raise UsageError(
            f"model.vocab_size is {expected:,}, but the shards in {manifest.folder} were made with a tokenizer of "
            f"{manifest.vocab_size:,} ids. Shard the text with the right tokenizer, or correct model.vocab_size."
        )


def _check_batch(settings: Settings, world: int) -> None:
    batch, micro = settings.training.batch_size, settings.parallel.micro_batch
    if batch % world:
        raise UsageError(
            f"training.batch_size {batch:,} does not divide by {world} processes. Take a multiple of {world}, e.g. "
            f"training.batch_size={-(-batch // world) * world}."
        )
    if settings.parallel.compile and (batch // world) % micro and batch // world > micro:
        raise UsageError(
            f"parallel.compile wants equal micro-batches: {batch // world} blocks a process do not divide by "
            f"parallel.micro_batch {micro}."
        )


def _check_same(saved: Mapping[str, Any], now: Mapping[str, Any], run: Path, accept_changes: bool) -> None:
    """Refuse to continue what was begun with other settings or data."""
    changes = []
    for section, values in now["settings"].items():
        if section not in RESUMABLE:
            before = saved["settings"].get(section, {})
            changes += [
                f"{section}.{key} was {before.get(key)!r}, is {value!r}"
                for key, value in values.items()
                if before.get(key) != _plain(value) and (section, key) != ("data", "shards")
            ]
    if saved["corpus"] != now["corpus"]:
        changes.append("the shards have another content")
    if not changes:
        return
    shape = any(c.startswith(tuple(f"model.{key} was" for key in _SHAPE)) for c in changes)
    remedy = "Give the settings it was begun with, or another output=FOLDER"
    if shape or saved["tokenizer"] != now["tokenizer"]:
        raise UsageError(f"{run} holds checkpoints of another model: {'; '.join(changes)}. {remedy}.")
    if not accept_changes:
        raise UsageError(
            f"{run} holds checkpoints of another configuration: {'; '.join(changes)}. {remedy}, or --accept-changes."
        )


def _plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value


def _speed(settings: Settings, manifest: Manifest, team: Team) -> Speed:
    config = encoder_config(settings, manifest.vocab_size)
    flops = flops_per_token(config, settings.data.block_tokens, settings.masked_per_block)
    precision = resolve_precision(settings.parallel.precision, team.ranks.device)
    peak = matmul_tflops(team.ranks.device, precision)
    return Speed(flops, team.sums([peak])[0] / team.ranks.world)


def _announce(trainer: Trainer, speed: Speed) -> None:
    """Say on stdout what is about to run, before hours pass."""
    if not trainer.team.first:
        return
    s, ranks, corpus = trainer.settings, trainer.team.ranks, trainer.corpus
    parameters = sum(p.numel() for p in trainer.model.parameters())
    precision = resolve_precision(s.parallel.precision, ranks.device)
    start = f"continues after step {trainer.at.step:,}" if trainer.at.step else "starts"
    print(
        f"{s.output} {start}: {parameters:,} parameters, {len(corpus.languages)} languages, "
        f"{sum(corpus.train_tokens):,} tokens, alpha {s.data.alpha} by {s.data.sampling_unit}; "
        f"{s.training.steps:,} steps of {s.training.batch_size:,} x {s.data.block_tokens}; "
        f"{ranks.world} x {describe_device(ranks.device)}, {s.parallel.mode}, {precision}, "
        f"{speed.peak_tflops:.3g} TFLOP/s measured; torch {torch.__version__}, {platform.node()}",
        flush=True,
    )
