"""Downstream probe: fine-tune and evaluate a checkpoint with the harness, as a process of its own.

The harness runs as a user would start it, so a probe's records are ordinary results, and its memory is free again
when it ends.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import IO

from xlmr_bench.errors import Interrupted, UsageError, XlmrBenchError, unknown_name

LOG = "probe.log"
# What torchrun sets, besides TORCHELASTIC_*. With these the probe would take itself for a process of the training.
_TORCHRUN = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
    "ROLE_RANK", "ROLE_WORLD_SIZE", "ROLE_NAME", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip
_OURS = ("--model", "--output", "--dry-run")  # dry runs write no records
_POLL_S = 0.2
_GRACE_S = 10.0
_TAIL = 5  # lines of the log in an error

Scores = dict[str, dict[str, float]]


def check_probe(words: str) -> None:
    """Raise UsageError if `words` cannot follow `python -m xlmr_bench run`."""
    try:
        split = shlex.split(words)
    except ValueError as e:
        raise UsageError(f"report.probe = {words!r} cannot be split into words: {e}.") from e
    if not split or split[0].startswith("-"):
        raise UsageError(f"report.probe = {words!r} must start with a benchmark, e.g. 'xnli --protocol transfer'.")
    for word in split:
        option = word.partition("=")[0]
        # Options may be abbreviated.
        if len(option) > 2 and any(ours.startswith(option) for ours in _OURS):
            raise UsageError(
                f"report.probe = {words!r}: leave out {option}; the trainer says what is evaluated and where."
            )
    if split[0] not in (known := _benchmarks()):
        raise unknown_name("benchmark in report.probe", split[0], known)


def _benchmarks() -> list[str]:
    """What the harness can run; asked now, for the first probe of a long run may be days away."""
    listed = subprocess.run(
        [sys.executable, "-m", "xlmr_bench", "list", "--json"], capture_output=True, text=True, check=True
    )
    return [benchmark["name"] for benchmark in json.loads(listed.stdout)["benchmarks"]]


def run_probe(model: Path, words: str, output: Path, device: str, should_stop: Callable[[], bool]) -> Scores:
    """Evaluate the checkpoint folder `model`; returns dev scores (fractions) by language, and their mean as `avg`.

    device: cpu, cuda (the first one) or auto.

    The keys are BENCHMARK/PROTOCOL/SELECTION; the values are means over seeds. Dev, because a probe may decide when
    to stop and test must not; the records under `output` hold both. All that the harness prints goes to
    `output/probe.log`. Repeating an interrupted probe continues it, and a finished one is only read.

    `should_stop` is asked five times a second. Raises Interrupted when it says yes, and XlmrBenchError when the probe
    fails or its files cannot be written or read: no reason to stop training.
    """
    check_probe(words)
    command = [sys.executable, "-m", "xlmr_bench", "run", "--device", device, *shlex.split(words)]
    command += ["--model", str(model), "--output", str(output)]
    log = output / LOG
    try:
        output.mkdir(parents=True, exist_ok=True)
        _drop_other_weights(model, output)
        code = _finished(command, log, should_stop)
        if code != 0:
            raise XlmrBenchError(f"the probe failed with exit code {code}; the end of {log}:\n{_tail(log)}")
    except OSError as e:
        raise XlmrBenchError(f"the probe could not run: {e}.") from e
    scores = _means(_records(output))
    if not scores:
        raise XlmrBenchError(f"the probe wrote no dev scores under {output}; see {log}.")
    return scores


def _finished(command: list[str], log: Path, should_stop: Callable[[], bool]) -> int:
    """Run the command to its end; returns its exit code, negative for a signal."""
    kept = {k: v for k, v in os.environ.items() if k not in _TORCHRUN and not k.startswith("TORCHELASTIC_")}
    # The same process group: what a terminal, torchrun or Slurm sends to the trainer's reaches the probe too.
    with log.open("wb") as out, _child(command, kept, out) as child:
        while True:
            try:
                code = child.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                code = None
            # The probe may have met the same signal and ended before we look.
            if code != 0 and should_stop():
                raise Interrupted("stopped during a probe; the same command continues.")
            if code is not None:
                return code


@contextmanager
def _child(command: list[str], environment: dict[str, str], out: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block; it gets some time to save what it has."""
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line for line in lines if line.strip()][-_TAIL:])


@dataclass(frozen=True)
class _Record:
    path: Path
    key: str
    weights: str
    dev: dict[str, float]


def _records(output: Path) -> list[_Record]:
    """What the harness recorded below `output`; hidden folders hold its work in progress."""
    found = []
    for path in sorted(output.rglob("seed*.json")):
        if any(part.startswith(".") for part in path.relative_to(output).parts):
            continue
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            key = "/".join(raw[part] for part in ("benchmark", "protocol", "selection"))
            dev = {score["language"]: float(score["value"]) for score in raw["scores"] if score["split"] == "dev"}
            found.append(_Record(path, key, raw["model"]["weights_sha256"], dev))
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise XlmrBenchError(f"cannot read the probe's record {path} ({e!r}). Delete it.") from e
    return found


def _drop_other_weights(model: Path, output: Path) -> None:
    """Delete records of other weights: a run that went back and took another way comes by the same step again."""
    from xlmr_bench.modeling.checkpoint import open_checkpoint

    digest = open_checkpoint(model).weights_digest
    for record in _records(output):
        if record.weights != digest:
            record.path.unlink()


def _means(records: list[_Record]) -> Scores:
    """Mean over seeds by key and language, and over the languages."""
    seeds: dict[str, dict[str, list[float]]] = {}
    for record in records:
        for language, value in record.dev.items():
            seeds.setdefault(record.key, {}).setdefault(language, []).append(value)
    means = {key: {language: fmean(v) for language, v in of.items()} for key, of in seeds.items()}
    return {key: {**of, "avg": fmean(of.values())} for key, of in means.items()}
