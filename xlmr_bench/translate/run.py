"""Making translated data: what was asked for becomes files, one after the other, and every check comes before work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..benchmarks.base import Where
from ..errors import Interrupted, UsageError, unknown_name
from ..files import digest_of, locked
from ..signals import asked_to_stop
from .codes import known_language
from .direction import Direction
from .engine import Engine
from .glue import glue_jobs
from .job import Job
from .journal import Journal
from .model import Decoding, TranslationModel, choose_device
from .ner import ner_jobs
from .output import check_free, is_complete, job_key, make_record, write_output
from .quality import doubt
from .questions import question_jobs
from .xnli import xnli_jobs

BENCHMARKS = ("xnli", "ner", "mlqa", "squad", "xquad", "glue")
# Below --out: journals and locks. Deleting it costs only time.
WORK = ".translations"


@dataclass(frozen=True)
class TranslateRequest:
    """What to translate, with which model, to where.

    role: `train` and `dev` go from English into each language, `test` from each language into English; XNLI's dev
    set, which exists in every language, goes into English like its test set.
    where: the originals. out: a folder to give as --data beside theirs (for GLUE: `out/<language>` instead).
    model: a folder or a Hub name. batch_tokens and device change speed alone. limit: examples, for a trial.
    """

    benchmark: str
    role: str
    languages: tuple[str, ...]
    where: Where
    model: str
    out: Path
    beams: int = 4
    max_new_tokens: int = 256
    batch_tokens: int = 4096
    device: str = "auto"
    limit: int | None = None
    tasks: tuple[str, ...] = field(default=())


def translate(request: TranslateRequest) -> list[Path]:
    """Make the files that are not complete yet and return those that were written.

    Raises UsageError or DataError before any work for what cannot be done, Interrupted when asked to stop; the same
    command continues from the last batch, however it ended.
    """
    _check(request)
    try:
        with asked_to_stop() as asked:
            jobs = _jobs(request)
            model = TranslationModel(request.model, choose_device(request.device))
            directions = {(j.source, j.target): model.direction(j.source, j.target) for j in jobs}
            decoding = Decoding(request.beams, request.max_new_tokens)
            identities = {pair: _identity(model, d, decoding) for pair, d in directions.items()}
            for job in jobs:
                check_free(job, identities[job.source, job.target])
            task = _Task(request, model, decoding, asked)
            return [
                j.file for j in jobs if task.make(j, directions[j.source, j.target], identities[j.source, j.target])
            ]
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was translated is kept, the same command continues.") from None


@dataclass(frozen=True)
class _Task:
    """What all files of one command share."""

    request: TranslateRequest
    model: TranslationModel
    decoding: Decoding
    asked: Sequence[int]

    def make(self, job: Job, direction: Direction, identity: dict[str, Any]) -> bool:
        """Write one file unless it is complete; whether it was written."""
        key = job_key(job, identity)
        label = f"{job.path} ({job.source} to {job.target})"
        work = self.request.out / WORK
        with locked(work / f"{job.source}-{job.target}.lock", f"{job.source} to {job.target} in {self.request.out}"):
            if is_complete(job, key):
                print(f"{job.file}: already complete", file=sys.stderr)
                return False
            name = f"{job.source}-{job.target}-{digest_of(identity)[:16]}.jsonl"
            with Journal(work / name) as journal:
                engine = Engine(self.model, direction, self.decoding, journal, self.request.batch_tokens, self.asked)
                made = engine.translate(job.texts(), label)
            composed = job.compose(made.by_text)
            record = make_record(job, key, identity, self.model.identity, made, composed, self.model.device)
            write_output(job, composed, record)
        warning = doubt(record["quality"])
        if warning is not None:
            print(f"{job.file}: {warning}", file=sys.stderr)
        return True


def _identity(model: TranslationModel, direction: Direction, decoding: Decoding) -> dict[str, Any]:
    """What the translation of a text follows from; neither the device nor the batches are part of it."""
    digests = {k: v for k, v in model.identity.items() if k.endswith("_sha256")}
    languages = {"source_code": direction.source_code, "first_token": direction.first_token, "prefix": direction.prefix}
    return {
        "source": direction.source,
        "target": direction.target,
        **digests,
        **languages,
        **model.generation_settings(decoding),
    }


def _check(request: TranslateRequest) -> None:
    """Refuse what is wrong whatever the data and the model are."""
    if request.benchmark not in BENCHMARKS:
        raise unknown_name("benchmark", request.benchmark, BENCHMARKS)
    if not request.languages:
        raise UsageError("no language to translate. Name some: --languages de,sw.")
    for code in request.languages:
        if known_language(code) == "en":
            raise UsageError("English is translated into or from, never by itself. Leave 'en' out of --languages.")
    if request.tasks and request.benchmark != "glue":
        raise UsageError(f"tasks are GLUE's; {request.benchmark} has none. Leave them out.")
    numbers = ("beams", "max_new_tokens", "batch_tokens", "limit")
    for name in numbers:
        value = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1.")


def _jobs(request: TranslateRequest) -> list[Job]:
    """The files asked for; reads all originals."""
    where, role, out, limit = request.where, request.role, request.out, request.limit
    languages = tuple(dict.fromkeys(request.languages))
    if request.benchmark == "xnli":
        return xnli_jobs(where, role, languages, out, limit)
    if request.benchmark == "ner":
        return ner_jobs(where, role, languages, out, limit)
    if request.benchmark == "glue":
        return glue_jobs(where, role, languages, out, limit, request.tasks)
    return question_jobs(request.benchmark, where, role, languages, out, limit)
