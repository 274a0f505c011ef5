"""Checkpoints of a run: sharded, written in the background, complete or absent.

RUN/checkpoints/step-00001000/ holds what torch.distributed.checkpoint writes (each process its own part; `.metadata`
comes last and makes it complete) and `training.json` with everything that is not a tensor. `latest` points at the
newest complete one. Another number of processes, or another way of sharding, reads the same files.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import shutil
import sys
import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.optim import Optimizer

from xlmr_bench.errors import DataError, XlmrBenchError
from xlmr_bench.files import write_json

from .model import MaskedLM
from .parallel import Team
from .settings import CheckpointSettings

TRAINING = "training.json"
_COMPLETE = ".metadata"
_FAILURES = (CheckpointException, OSError, RuntimeError, XlmrBenchError)

logging.getLogger("torch.distributed.checkpoint").setLevel(logging.ERROR)


def complete_checkpoints(run: Path) -> dict[int, Path]:
    """The complete checkpoints of a run's folder by step, ascending."""
    found = {}
    for folder in (run / "checkpoints").glob("step-*"):
        match = re.fullmatch(r"step-(\d+)", folder.name)
        if match and (folder / _COMPLETE).is_file() and (folder / TRAINING).is_file():
            found[int(match[1])] = folder
    return dict(sorted(found.items()))


def read_training(folder: Path) -> dict[str, Any]:
    """What a checkpoint holds besides tensors."""
    try:
        values: dict[str, Any] = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(
            f"{folder / TRAINING} cannot be read ({e}). Delete {folder} and repeat: the one before it is taken."
        ) from e
    return values


def read_tensors(folder: Path, state: dict[str, Any], **how: Any) -> None:
    """Fill the tensors of `state`, which have their shapes already, from a checkpoint; `how` goes to torch."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks that a single process is single
            load(state, checkpoint_id=folder, **how)
    except (*_FAILURES, ValueError, EOFError, LookupError, pickle.UnpicklingError) as e:
        raise DataError(
            f"{folder} cannot be read ({_reason(e)}). Delete that folder and repeat the command: it takes the "
            "checkpoint before it."
        ) from e


class Checkpoints:
    """Writes and reads the checkpoints of one run; every process calls the same methods at the same steps."""

    def __init__(self, run: Path, settings: CheckpointSettings, team: Team) -> None:
        self._run, self._settings, self._team = run, settings, team
        self._folder = run / "checkpoints"
        self._writing: tuple[int, Future[Any]] | None = None
        seen = max(complete_checkpoints(run), default=0) if team.first else 0
        self.newest = int(team.sums([seen])[0])  # file systems of clusters may show each node something else

    def describe_newest(self) -> str:
        """The path of the newest complete checkpoint; empty where there is none."""
        return str(self._path(self.newest)) if self.newest else ""

    def tidy(self) -> None:
        """Finish what a killed process left half done, and remove what is no longer to be kept."""
        if self._team.first:
            complete = complete_checkpoints(self._run)
            for folder in self._folder.glob("step-*"):
                if folder not in complete.values():
                    shutil.rmtree(folder, ignore_errors=True)
            if self.newest:
                self._point(self._path(self.newest))
            self._retain()
        self._team.wait()

    def start_saving(self, step: int, model: MaskedLM, optimizer: Optimizer, values: dict[str, Any]) -> None:
        """Copy the state and write it in the background; a write that is still going on is waited for."""
        self.finish(required=False)
        if step == self.newest:
            return
        path = self._path(step)
        failure: XlmrBenchError | None = None
        if self._team.first:
            try:
                shutil.rmtree(path, ignore_errors=True)
                write_json(path / TRAINING, values)
            except XlmrBenchError as e:
                failure = e
        if self._team.sums([failure is not None])[0]:
            failed: Future[Any] = Future()
            failed.set_exception(failure or XlmrBenchError("the first process could not write"))
            self._writing = (step, failed)
            return
        state = {"model": get_model_state_dict(model), "optimizer": get_optimizer_state_dict(model, optimizer)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            written = async_save(state, checkpoint_id=path, process_group=self._team.saving)
        assert isinstance(written, Future)
        self._writing = (step, written)

    def poll(self) -> None:
        """Take note of a write that has ended; costs nothing while there is none."""
        if self._writing is not None and self._writing[1].done():
            self.finish(required=False)

    def finish(self, *, required: bool) -> None:
        """Wait for the write that is going on. A failed one is said; with `required` it is an error."""
        if self._writing is None:
            return
        (step, written), self._writing = self._writing, None
        try:
            written.result()
        except _FAILURES as e:
            if self._team.first:
                shutil.rmtree(self._path(step), ignore_errors=True)
                self._say_failed(step, e)
            if required:
                raise XlmrBenchError(
                    f"the state at step {step:,} could not be saved; newest complete checkpoint: "
                    f"{self.describe_newest() or 'none'}. Free space, then repeat the command: it continues from there."
                ) from e
            return
        self.newest = step
        if self._team.first:
            self._point(self._path(step))
            self._retain()

    def load_newest(self, model: MaskedLM, optimizer: Optimizer) -> None:
        """Give model and optimizer the state of the newest complete checkpoint."""
        state: dict[str, Any] = {
            "model": get_model_state_dict(model),
            "optimizer": get_optimizer_state_dict(model, optimizer),
        }
        read_tensors(self._path(self.newest), state, process_group=self._team.saving)
        set_model_state_dict(model, state["model"])
        set_optimizer_state_dict(model, optimizer, state["optimizer"])

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08}"

    def _say_failed(self, step: int, error: BaseException) -> None:
        print(
            f"pretrain: the checkpoint of step {step:,} was not written: {_reason(error)}. Newest complete one: "
            f"{self.describe_newest() or 'none'}. Free space; the next one is tried as usual.",
            file=sys.stderr,
        )

    def _point(self, path: Path) -> None:
        """Let `latest` name a checkpoint, in one step."""
        scratch = self._folder / f".latest.{os.getpid()}"
        try:
            scratch.unlink(missing_ok=True)
            scratch.symlink_to(path.name)
            os.replace(scratch, self._folder / "latest")
        except OSError as e:  # a link is for people; what is newest is read from the folders themselves
            print(f"pretrain: `latest` does not point to {path.name}: {e.strerror}.", file=sys.stderr)

    def _retain(self) -> None:
        """Delete all but the newest `keep` and every `keep_every`th step."""
        complete = complete_checkpoints(self._run)
        every = self._settings.keep_every
        for step in list(complete)[: -self._settings.keep]:
            if not every or step % every:
                # Without its `.metadata` it no longer counts, should we be killed half-way.
                (complete[step] / _COMPLETE).unlink()
                shutil.rmtree(complete[step], ignore_errors=True)


def full_state(model: MaskedLM) -> dict[str, Any]:
    """All weights in fp32 on the CPU of the first process; empty on the others. Every process must call it."""
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def _reason(error: BaseException) -> str:
    """The innermost cause in one line: torch wraps what the operating system said."""
    if isinstance(error, CheckpointException) and error.failures:
        error = next(iter(error.failures.values()))[0]
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
