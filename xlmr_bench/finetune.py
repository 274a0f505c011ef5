"""The one fine-tuning loop: steps, evaluations on dev, selection, early stopping, and exact continuation.

A step depends only on (seed, step): its batch is a pure function of them, and so are its dropout masks. What is
saved is therefore small and complete, and a run that was killed ends with the weights of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .batches import collate, micro_batches, schedule
from .device import Ranks, token_budget
from .encode import Encoded
from .errors import Interrupted, XlmrBenchError
from .losses import loss_sum
from .modeling.dropout import ExampleDropout, example_keys
from .modeling.model import Model
from .optim import Master
from .predict import Outputs, is_out_of_memory, predict_all
from .progress import Progress
from .selection import Monitor
from .settings import Settings
from .signals import asked_to_stop
from .state import Candidates, load_state, save_state

# Every this many steps all processes agree on whether to stop, and the loss is checked for NaN.
_CHECK_EVERY = 10
# A state is written at each evaluation and, in between, this often or less.
_SAVE_EVERY_S = 30.0


@dataclass(frozen=True)
class Plan:
    """What one fine-tuning does, resolved to steps."""

    steps: int
    evaluate_every: int
    warmup_steps: int

    @classmethod
    def of(cls, settings: Settings, examples: int) -> Plan:
        """Resolve epochs into steps for a training set of `examples` inputs."""
        per_epoch = math.ceil(examples / settings.batch_size)
        steps = settings.steps or settings.epochs * per_epoch
        warmup = settings.warmup * steps if settings.warmup < 1 else min(settings.warmup, steps)
        return cls(steps, min(steps, settings.evaluate_every or per_epoch), round(warmup))

    def evaluates_after(self, step: int) -> bool:
        """Whether dev is scored after this step (counted from 1)."""
        return step == self.steps or step % self.evaluate_every == 0

    def rate(self, step: int, settings: Settings) -> float:
        """Learning rate of step `step`, counted from 1."""
        if step <= self.warmup_steps:
            return settings.learning_rate * step / self.warmup_steps
        if settings.schedule == "constant":
            return settings.learning_rate
        return settings.learning_rate * (self.steps - step + 1) / max(1, self.steps - self.warmup_steps)


@dataclass
class Progressed:
    """Where a fine-tuning stands: everything besides tensors that its continuation needs."""

    step: int = 0
    monitors: list[Monitor] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    frozen_scale: float = 1.0
    train_s: float = 0.0
    resumed: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Progressed:
        """From the state file."""
        return cls(
            **{**values, "monitors": [Monitor(**{**m, "languages": tuple(m["languages"])}) for m in values["monitors"]]}
        )

    @property
    def finished(self) -> bool:
        """Whether every rule has used up its patience."""
        return all(m.stopped for m in self.monitors)


@dataclass(frozen=True)
class DevSet:
    """What dev is judged on: its inputs, and the score (higher is better) of a model's outputs for them."""

    encoded: Encoded
    score: Callable[[Outputs], float]


class FineTuner:
    """One model being fine-tuned; `run` carries it to its end from wherever `work` says it stopped.

    `loss` is that of the task (`losses.py`). `settings.precision` is resolved (`fp32` or `bf16`), not `auto`.
    """

    def __init__(
        self,
        model: Model,
        loss: str,
        train: Encoded,
        dev: Mapping[str, DevSet],
        monitors: list[Monitor],
        settings: Settings,
        pad_id: int,
        seed: int,
        ranks: Ranks,
        work: Path,
        name: str,
    ) -> None:
        self.loss, self.train, self.dev, self.settings, self.pad_id = loss, train, dev, settings, pad_id
        self.seed, self.ranks, self.work, self.name = seed, ranks, work, name
        self.plan = Plan.of(settings, len(train))
        self.model = model.to(ranks.device)
        occurring = np.unique(np.append(np.unique(train.tokens), pad_id)).astype(np.int64)
        self.master = Master(self.model, occurring, settings)
        self.candidates = Candidates(work / "candidates")
        self.at = Progressed(monitors=monitors)
        self.budget = token_budget(ranks.device, training=True)

    def run(self) -> Progressed:
        """Fine-tune to the end. Raises Interrupted after saving when the process is asked to stop."""
        saved = load_state(self.work / "state.safetensors")
        if saved is not None:
            values, flat, optimizer = saved
            self.at = Progressed.from_json(values)
            self.at.resumed += 1
            self.master.load_weights(flat, self.at.frozen_scale)
            self.master.load_optimizer_state(optimizer)
        if self.at.step < self.plan.steps and not self.at.finished:
            with asked_to_stop() as asked:
                self._steps(asked)
        self.ranks.barrier()  # the checkpoints that rank 0 wrote are now there for all
        return self.at

    def _steps(self, asked: list[int]) -> None:
        last_save, save_cost, seen = time.monotonic(), 0.0, torch.zeros((), device=self.ranks.device)
        batches = schedule(
            self.train.lengths, self.settings.batch_size, self.settings.length_window, self.seed, self.at.step
        )
        with Progress(
            self.plan.steps, "steps", f"fine-tuning {self.name}", start=self.at.step, quiet=not self.ranks.first
        ) as progress:
            for indices in batches:
                started = time.monotonic()
                step = self.at.step + 1
                seen += self._step(step, indices)
                self.at.step = step
                self.at.train_s += time.monotonic() - started
                progress.update(1)
                evaluates = self.plan.evaluates_after(step)
                if evaluates or step % _CHECK_EVERY == 0:
                    self._check_loss(seen, step)
                    seen.zero_()
                if evaluates:
                    self._evaluate(step)
                stop = (evaluates or step % _CHECK_EVERY == 0) and self.ranks.any(bool(asked))
                # Saving may cost 2 % of the time, whatever the size of the model and the speed of the disk.
                if evaluates or stop or time.monotonic() - last_save > max(_SAVE_EVERY_S, 50 * save_cost):
                    before = time.monotonic()
                    self._save()
                    last_save = time.monotonic()
                    save_cost = last_save - before
                if step >= self.plan.steps or self.at.finished:
                    return
                if stop:
                    raise Interrupted(
                        f"stopped at step {step:,} of {self.name}; the same command continues from there."
                    )

    def _step(self, step: int, indices: npt.NDArray[np.int64]) -> torch.Tensor:
        """One optimizer step on the examples `indices`; returns this process's share of the mean loss."""
        lengths = self.train.lengths[indices]
        share = np.argsort(lengths, kind="stable")[self.ranks.rank :: self.ranks.world]
        keys = example_keys(self.seed, step, 0, len(indices), self.ranks.device)
        self.model.train()
        while True:
            try:
                loss = self._accumulate(indices, share, lengths, keys)
                break
            except (RuntimeError, MemoryError) as e:
                self.master.discard()
                longest = int(lengths[share].max())
                if not is_out_of_memory(e) or self.budget <= longest:
                    raise
            # Masks belong to examples and the loss to the whole batch, so a smaller micro-batch changes nothing.
            self.budget = max(self.budget // 2, longest)
            if self.ranks.device.type == "cuda":
                torch.cuda.empty_cache()
        self.ranks.sum_(self.master.summed())
        self.master.step(self.plan.rate(step, self.settings), self.settings.clip_norm)
        return loss

    def _accumulate(
        self,
        indices: npt.NDArray[np.int64],
        share: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        keys: torch.Tensor,
    ) -> torch.Tensor:
        """Gradients of the mean loss over the whole batch's targets, of this process's inputs, in micro-batches."""
        device, total = self.ranks.device, torch.zeros((), device=self.ranks.device)
        targets = self.train.targets_of(indices)
        for group in micro_batches(lengths[share], self.budget):
            places = share[group]
            batch = collate(self.train, indices[places], self.pad_id, self.master.row_of)
            drop = ExampleDropout(keys[torch.from_numpy(places).to(device)])
            outputs = self.model(batch.ids_BT.to(device), batch.lengths_B.to(device), drop, batch.reads_BK.to(device))
            loss = loss_sum(self.loss, outputs, batch) / targets
            loss.backward()  # type: ignore[no-untyped-call]
            self.master.collect()
            total += loss.detach()
        return total

    def _check_loss(self, loss: torch.Tensor, step: int) -> None:
        if self.ranks.any(not math.isfinite(float(loss))):
            raise XlmrBenchError(
                f"{self.name}: the loss became NaN or infinite before step {step:,}. No result was written; try a "
                f"lower rate (--set learning_rate={self.settings.learning_rate / 3:.1g}), warm-up "
                "(--set warmup=0.1) or --set precision=fp32."
            )

    def _evaluate(self, step: int) -> None:
        """Score dev, let every rule look, keep the checkpoint if any of them wants it."""
        inputs = {code: dev.encoded for code, dev in self.dev.items()}
        with self.master.whole_vocabulary():
            outputs = predict_all(self.model, inputs, self.pad_id, self.ranks, f"dev at step {step:,}")
        scores = {code: self.dev[code].score(values) for code, values in outputs.items()}
        wanted = [m.update(step, scores, self.settings.patience) for m in self.at.monitors]
        self.at.history.append({"step": step, "dev": scores})
        if any(wanted) and self.ranks.first:
            self.candidates.add(step, self.master.flat, self.master.frozen_scale, outputs)

    def _save(self) -> None:
        """Write the state, on rank 0. Processes do not meet here: their clocks call for it at different steps."""
        self.at.frozen_scale = self.master.frozen_scale
        if self.ranks.first:
            save_state(
                self.work / "state.safetensors", self.at.as_json(), self.master.flat, self.master.optimizer_state()
            )
            self.candidates.keep({m.best_step for m in self.at.monitors})
