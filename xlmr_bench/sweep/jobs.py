"""The jobs of a sweep: the command of each, where its records will lie, and whether they are there."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files import digest_of
from ..request import HUB_PREFIX, MINIATURE, TRANSFORMERS_PREFIX, Request, model_name
from ..results import existing, read_record, record_path

# Signals that torchrun hands on to its processes, which stop where they can continue.
_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--signals-to-handle", "SIGTERM,SIGINT,SIGUSR1")


@dataclass(frozen=True)
class Job:
    """One seed of one benchmark under one protocol with one model: what `run` does with one --seed.

    `words` are its command without the interpreter; `records` are relative to the output folder; `about` is all that
    decides its result, as far as that was typed.
    """

    benchmark: str
    model: str
    name: str
    protocol: str
    seed: int
    words: tuple[str, ...]
    records: tuple[str, ...]
    about: Mapping[str, Any]

    @property
    def place(self) -> str:
        """`<name>/<benchmark>/<protocol>/seed<k>`: no two jobs of one output folder share it."""
        return f"{self.name}/{self.benchmark}/{self.protocol}/seed{self.seed}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name} {self.benchmark} {self.protocol} seed {self.seed}"

    @property
    def digest(self) -> str:
        """A short name for `about`."""
        return digest_of(dict(self.about))[:16]

    def command(self, processes: int) -> list[str]:
        """The whole command; more than one process are started by torchrun."""
        torchrun = [*_TORCHRUN, "--nproc-per-node", str(processes)] if processes > 1 else []
        return [sys.executable, *torchrun, "-m", "xlmr_bench", *self.words]


def jobs_of(requests: Iterable[Request], args: argparse.Namespace) -> list[Job]:
    """A job for each seed of each request; `args` is the command line that they were resolved from.

    Raises DataError for a model folder that is not there: a job would find that out only when it starts.
    """
    jobs = []
    for request in requests:
        model = _absolute_model(request.model)
        name = request.name or model_name(request.model)
        common = [*_common_words(args), "--model", model, "--protocol", request.protocol.name]
        for seed in request.seeds:
            paths = [
                record_path(Path(), name, request.benchmark.name, request.protocol.name, rule, seed)
                for rule in request.selections
            ]
            jobs.append(
                Job(
                    benchmark=request.benchmark.name,
                    model=model,
                    name=name,
                    protocol=request.protocol.name,
                    seed=seed,
                    words=("run", request.benchmark.name, *common, "--seed", str(seed)),
                    records=tuple(map(str, paths)),
                    about=_about(request, model, args),
                )
            )
    return jobs


def is_done(job: Job, output: Path) -> bool:
    """Whether all records of a job are there, of the settings that it has.

    Raises UsageError for a record of other settings, as `run` does. Weights and data are not read here, so records of
    others under the same names count; the same command without --launcher finds those.
    """
    there = [_is_there(output / path, job) for path in job.records]  # each is looked at
    return all(there)


def _is_there(path: Path, job: Job) -> bool:
    if not path.is_file():
        return False
    record = read_record(path)
    config = dict(job.about["config"])
    if config["precision"] == "auto":  # what that was is known where the job ran
        config["precision"] = record["config"].get("precision")
    return existing(path, {**record, "config": config, "limited": job.about["limited"]}) is not None


def _about(request: Request, model: str, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "model": model,
        "config": request.config,
        "limited": request.limit,
        "data": [_absolute_data(d) for d in args.data],
        "files": [_absolute_pattern(f) for f in args.files],
    }


def _common_words(args: argparse.Namespace) -> list[str]:
    """What all jobs of a command share; files and folders are absolute."""
    words: list[str] = []
    for option, values in (
        ("--data", map(_absolute_data, args.data)),
        ("--files", map(_absolute_pattern, args.files)),
        ("--plugin", (os.path.abspath(p) for p in args.plugin)),
        ("--set", args.assignments),
    ):
        words += [word for value in values for word in (option, value)]
    for option, value in (
        ("--languages", args.languages),
        ("--preset", args.preset),
        ("--limit", args.limit),
        ("--device", args.device),
        ("--name", args.name),
        ("--output", os.path.abspath(args.output)),
    ):
        words += [] if value is None else [option, str(value)]
    return words + (["--save-models"] if args.save_models else [])


def _absolute_model(spec: str) -> str:
    prefix = TRANSFORMERS_PREFIX if spec.startswith(TRANSFORMERS_PREFIX) else ""
    folder = spec.removeprefix(prefix)
    if os.path.isdir(folder):
        return prefix + os.path.abspath(folder)
    if prefix:
        return spec  # a name on the Hub
    raise DataError(f"there is no model folder {spec}. Nothing was started; `python -m xlmr_bench init` makes one.")


def _absolute_data(name: str) -> str:
    prefix = HUB_PREFIX if name.startswith(HUB_PREFIX) else ""
    folder = name.removeprefix(prefix)
    if name == MINIATURE or (prefix and not os.path.isdir(folder)):
        return name
    return prefix + os.path.abspath(folder)


def _absolute_pattern(assignment: str) -> str:
    role, _, pattern = assignment.partition("=")
    return f"{role}={os.path.abspath(pattern)}"
