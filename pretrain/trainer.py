"""The training loop: steps, reports, validations, probes and checkpoints of one run, from wherever it stands.

A step depends on (settings, corpus, step number) and the weights before it, and on nothing else. What a checkpoint
holds is therefore small, and a run that was killed ends with the weights of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, get_total_norm

from xlmr_bench.errors import Interrupted
from xlmr_bench.modeling.dropout import ExampleDropout
from xlmr_bench.progress import Progress

from .batches import Ahead, Corpus, StepBatch
from .checkpoints import Checkpoints
from .guard import Guard
from .journal import Journal
from .model import MaskedLM
from .parallel import Team, peak_memory_gb, sync_gradients
from .schedule import learning_rate
from .settings import Settings


@dataclass
class Progressed:
    """Where a run stands besides its tensors."""

    step: int = 0
    tokens: int = 0
    train_s: float = 0.0
    resumed: int = 0


@dataclass
class Window:
    """What happened since the last report."""

    losses: list[Tensor] = field(default_factory=list)
    tokens: int = 0
    step_s: float = 0.0
    waited_s: float = 0.0


@dataclass(frozen=True)
class Speed:
    """What MFU needs: FLOPs of a token, and what all processes could do in a second."""

    flops_per_token: float
    peak_tflops: float


class Trainer:
    """One run. `look` is called with the step after which the model is to be validated or probed."""

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        model: MaskedLM,
        team: Team,
        checkpoints: Checkpoints,
        journal: Journal,
        guard: Guard,
        at: Progressed,
        speed: Speed,
        values: dict[str, Any],
    ) -> None:
        self.settings, self.corpus, self.model, self.team = settings, corpus, model, team
        self.checkpoints, self.journal, self.guard, self.at, self.speed = checkpoints, journal, guard, at, speed
        self.optimizer = make_optimizer(model, settings)
        self._values = values
        self._window = Window()
        self._norm = math.nan
        p = settings.model
        self._drops = p.hidden_dropout_prob > 0 or p.attention_probs_dropout_prob > 0

    def run(self, asked: list[int], look: Callable[[int], None]) -> None:
        """Train to the last step. Raises Interrupted after saving when `asked` to stop."""
        t, ranks = self.settings.training, self.team.ranks
        steps = range(self.at.step + 1, t.steps + 1)
        with (
            Progress(t.steps, "steps", "training", start=self.at.step, quiet=not ranks.first) as progress,
            Ahead(self.corpus, steps, ranks.rank, ranks.world) as ahead,
        ):
            for step in steps:
                started = time.perf_counter()
                batch = ahead.next()
                waited = time.perf_counter() - started
                stop = self._step(batch, asked)
                self._count(step, time.perf_counter() - started, waited)
                progress.update(1)
                self._after(step, stop, look)
                if stop and step < t.steps:
                    raise Interrupted(
                        f"stopped at step {step:,}; the same command continues after step {self.checkpoints.newest:,}."
                    )

    def save(self, step: int) -> None:
        """Start writing a checkpoint, unless the guard has doubts about the weights."""
        if self.guard.may_save:
            at = {"step": step, "tokens": self.at.tokens, "train_s": self.at.train_s, "resumed": self.at.resumed}
            values = {**self._values, "progress": at, "guard": self.guard.as_json()}
            self.checkpoints.start_saving(step, self.model, self.optimizer, values)

    def _step(self, batch: StepBatch, asked: list[int]) -> bool:
        """One update; returns whether any process was asked to stop."""
        device, world = self.team.ranks.device, self.team.ranks.world
        masked, stop = self.team.sums([batch.masked, len(asked)])
        # Gradients are averaged over processes: this makes them those of the mean over all masked tokens of the step.
        scale = world / max(1.0, masked)
        total = torch.zeros((), device=device)
        self.model.train()
        self._seed_fused_attention(batch.step)
        for i, micro in enumerate(batch.micro_batches):
            sync_gradients(self.model, i == len(batch.micro_batches) - 1)
            m = micro.to(device)
            loss = self.model(m.ids, m.positions, m.targets, self._dropout(m.keys), scale)
            loss.backward()
            total += loss.detach()
        rate = learning_rate(batch.step, self.settings.training)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.settings.training.clip_norm > 0:
            clip_grad_norm_(self.model.parameters(), self.settings.training.clip_norm)
        self._norm = self._gradient_norm() if self._reports(batch.step) or stop else math.nan
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._window.losses.append(total / world)
        return stop > 0

    def _dropout(self, keys: Tensor) -> ExampleDropout | None:
        """The dropout masks of a micro-batch."""
        return ExampleDropout(keys, fused_attention=keys.is_cuda) if self._drops else None

    def _seed_fused_attention(self, step: int) -> None:
        """On a GPU attention draws its dropout from the device's generator; seeded here, a continued run repeats it."""
        ranks = self.team.ranks
        if ranks.device.type == "cuda":
            torch.cuda.manual_seed((self.settings.training.seed << 40) + step * ranks.world + ranks.rank)

    def _gradient_norm(self) -> float:
        norm: Any = get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None])
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)

    def _reports(self, step: int) -> bool:
        """Whether the loss is looked at after this step. Before anything is saved or shown it has to be."""
        s = self.settings
        return (
            step == s.training.steps
            or step % s.report.every == 0
            or step % s.checkpoint.every == 0
            or self._looks(step)
        )

    def _looks(self, step: int) -> bool:
        r = self.settings.report
        last = step == self.settings.training.steps
        return last or any(n and step % n == 0 for n in (r.validate_every, r.probe_every))

    def _count(self, step: int, seconds: float, waited: float) -> None:
        tokens = self.settings.training.batch_size * self.settings.data.block_tokens
        self.at.step, self.at.tokens = step, self.at.tokens + tokens
        self.at.train_s += seconds
        self._window.tokens += tokens
        self._window.step_s += seconds
        self._window.waited_s += waited

    def _after(self, step: int, stop: bool, look: Callable[[int], None]) -> None:
        """What follows a step: report, validation and probe, checkpoint, in this order."""
        s = self.settings
        last = step == s.training.steps
        if self._reports(step) or stop:
            self._report(step)
        if self._looks(step):
            look(step)
        if last or stop or step % s.checkpoint.every == 0:
            self.save(step)
        if last or stop:
            self.checkpoints.finish(required=True)
        self.checkpoints.poll()

    def _report(self, step: int) -> None:
        """Collect the losses of all processes, let the guard see them, write the metrics."""
        window, self._window = self._window, Window()
        losses = self.team.sums(torch.stack(window.losses).double().tolist())
        for i, loss in enumerate(losses, step - len(losses) + 1):
            healed = self.guard.update(i, loss, self.checkpoints.describe_newest())
            if healed and self.team.first:
                print(f"pretrain: {healed}", flush=True)
        if not math.isfinite(self._norm):  # the loss is that of the weights before this step; those after it are lost
            what = f"the gradient of step {step:,} is {self._norm}"
            raise self.guard.diverged(what, step, self.checkpoints.describe_newest())
        rate = window.tokens / max(window.step_s, 1e-9)
        device = self.team.ranks.device
        self.journal.write(
            "train",
            step,
            loss=sum(losses) / len(losses),
            learning_rate=learning_rate(step, self.settings.training),
            gradient_norm=self._norm,
            tokens=self.at.tokens,
            tokens_per_s=rate,
            mfu=rate * self.speed.flops_per_token / (self.speed.peak_tflops * 1e12 * self.team.ranks.world),
            data_wait=window.waited_s / max(window.step_s, 1e-9),
            memory_gb=peak_memory_gb(device),
        )


def make_optimizer(model: MaskedLM, settings: Settings) -> torch.optim.AdamW:
    """Adam with decoupled weight decay on every parameter, norms and biases included, as fairseq's."""
    t = settings.training
    return torch.optim.AdamW(
        model.parameters(),
        lr=t.learning_rate,
        betas=(t.adam_beta1, t.adam_beta2),
        eps=t.adam_eps,
        weight_decay=t.weight_decay,
        fused=True,
    )
