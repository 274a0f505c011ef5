"""Fine-tuning settings: presets with their sources, and `--set key=value` overrides checked against them."""

from __future__ import annotations

import difflib
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from .errors import UsageError, unknown_name


@dataclass(frozen=True)
class Settings:
    """Everything that decides the result of a fine-tuning, besides model, data and seed.

    Either `steps` optimizer steps, or, where it is 0, `epochs` passes. Dev is scored every `evaluate_every` steps
    (0: once an epoch) and at the end; `patience` evaluations without improvement end the run (0: never). `warmup` is
    a fraction of the steps or, from 1 on, their number. `head` is that of classification; tags and answers have a
    linear one.
    """

    learning_rate: float
    batch_size: int
    max_length: int
    epochs: int = 0
    steps: int = 0
    evaluate_every: int = 0
    patience: int = 0
    schedule: str = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_eps: float = 1e-8
    dropout: float = 0.1
    attention_dropout: float = 0.1
    head: str = "dense"
    head_dropout: float = 0.1
    precision: str = "auto"
    length_window: int = 32

    def __post_init__(self) -> None:
        for key, fine, rule in self._limits():
            if not fine:
                raise UsageError(f"setting {key}={getattr(self, key)} is not {rule}.")

    def _limits(self) -> list[tuple[str, bool, str]]:
        """(setting, whether it is fine, what it must be)."""
        return [
            ("learning_rate", self.learning_rate >= 0, "at least 0"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("max_length", self.max_length >= 8, "at least 8 tokens"),
            ("epochs", self.epochs >= 0 and self.epochs + self.steps > 0, "positive where steps is 0"),
            ("steps", self.steps >= 0, "at least 0"),
            ("evaluate_every", self.evaluate_every >= 0, "at least 0"),
            ("patience", self.patience >= 0, "at least 0"),
            ("warmup", self.warmup >= 0, "a fraction of the steps in [0, 1) or a number of steps"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("clip_norm", self.clip_norm >= 0, "at least 0 (0: no clipping)"),
            ("adam_beta1", 0 <= self.adam_beta1 < 1, "in [0, 1)"),
            ("adam_beta2", 0 <= self.adam_beta2 < 1, "in [0, 1)"),
            ("adam_eps", self.adam_eps > 0, "positive"),
            ("length_window", self.length_window >= 1, "at least 1 batch"),
            *((k, 0 <= getattr(self, k) < 1, "in [0, 1)") for k in ("dropout", "attention_dropout", "head_dropout")),
            *((k, math.isfinite(v), "finite") for k, v in asdict(self).items() if isinstance(v, float)),
            *((k, getattr(self, k) in v, f"one of {', '.join(v)}") for k, v in CHOICES.items()),
        ]


@dataclass(frozen=True)
class ExtractionSettings(Settings):
    """What extractive question answering needs besides: windows of a context start `doc_stride` pieces apart.

    Answers are sought among the `n_best` likeliest starts and ends of each window, at most `max_answer_length` pieces
    long. Questions are cut to `max_question_length` pieces.
    """

    doc_stride: int = 128
    max_question_length: int = 64
    n_best: int = 20
    max_answer_length: int = 30

    def _limits(self) -> list[tuple[str, bool, str]]:
        own = ("doc_stride", "max_question_length", "n_best", "max_answer_length")
        return [*super()._limits(), *((key, getattr(self, key) >= 1, "at least 1") for key in own)]


CHOICES = {
    "schedule": ("constant", "linear"),
    "head": ("dense", "linear"),
    "precision": ("auto", "fp32", "bf16"),
}

# For the miniature world and smoke tests of tiny models: minutes on a laptop, not for reporting.
QUICK = Settings(
    learning_rate=5e-4,
    batch_size=32,
    max_length=128,
    epochs=4,
    schedule="linear",
    warmup=0.1,
    clip_norm=1.0,
)


@dataclass(frozen=True)
class Preset:
    """Settings, the seeds that go with them, and where they come from.

    `exceptions` are settings of single tasks: (fine-tuning, setting, value).
    """

    name: str
    settings: Settings
    seeds: tuple[int, ...]
    source: str
    exceptions: tuple[tuple[str, str, Any], ...] = ()

    def settings_of(self, fine_tuning: str) -> Settings:
        """The settings of one fine-tuning."""
        return replace(self.settings, **{key: value for name, key, value in self.exceptions if name == fine_tuning})


def find_preset(name: str, presets: tuple[Preset, ...]) -> Preset:
    """The preset of that name, or an error with the nearest one."""
    by_name = {p.name: p for p in presets}
    if name not in by_name:
        raise unknown_name("preset", name, by_name)
    return by_name[name]


def override(settings: Settings, assignments: list[str]) -> Settings:
    """`settings` with each `key=value` applied; values are read as the type that the setting has."""
    types = {f.name: type(getattr(settings, f.name)) for f in fields(settings)}
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UsageError(f"--set takes key=value, not {assignment!r}.")
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            raise UsageError(
                f"unknown setting {key!r}."
                + (f" Did you mean {near[0]!r}?" if near else "")
                + f" Known: {', '.join(types)}."
            )
        try:
            changes[key] = types[key](text)
        except ValueError:
            raise UsageError(f"setting {key}={text!r} is not of type {types[key].__name__}.") from None
    # A number of epochs asked for replaces the preset's number of steps, and the other way round.
    if changes.get("epochs") and "steps" not in changes:
        changes = {"evaluate_every": 0, **changes, "steps": 0}
    elif changes.get("steps", 0) > 0 and "epochs" not in changes:
        changes["epochs"] = 0
    return replace(settings, **changes)


def describe(settings: Settings) -> str:
    """All settings on one line, for people."""
    return ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in asdict(settings).items())
