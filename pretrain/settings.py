"""A pretraining run as a TOML file: sections of plain values, `key=value` overrides, and named variants.

Every default is the published XLM-R recipe where one is known: Adam's constants, dropout and clipping are fairseq's
`roberta_base`; batch, length, alpha and updates are the paper's (section 3); the peak rate of Base is XLM-V's, which
says that it follows XLM-R.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from xlmr_bench.errors import UsageError, unknown_name


@dataclass(frozen=True)
class ModelSettings:
    """The encoder. `size` names one of `xlmr_bench init`'s; any number above 0 beside it replaces the size's own."""

    size: str = "base"
    vocab_size: int = 0  # what the shards must have, special tokens included (0: whatever they have)
    hidden_size: int = 0
    num_hidden_layers: int = 0
    num_attention_heads: int = 0
    intermediate_size: int = 0
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    start_from: str = ""  # a checkpoint folder to continue from, instead of random weights


@dataclass(frozen=True)
class DataSettings:
    """What is drawn, and how. `languages`: codes, or the name of a set (`xlm7`), or `all` of the shards."""

    shards: str = "shards"
    languages: tuple[str, ...] = ("all",)
    alpha: float = 0.3
    sampling_unit: str = "sentences"
    block_tokens: int = 512
    mask_fraction: float = 0.15
    validation_blocks: int = 64  # kept out of training at the end of each language, at most 5 % of it


@dataclass(frozen=True)
class TrainingSettings:
    """Steps and the optimizer. `batch_size` counts blocks of the whole step, over all processes and micro-batches."""

    steps: int = 1_500_000
    batch_size: int = 8192
    learning_rate: float = 6e-4
    warmup_steps: int = 24_000
    schedule: str = "polynomial"
    decay_steps: int = 0  # `wsd`: length of the final decay
    adam_beta1: float = 0.9
    adam_beta2: float = 0.98
    adam_eps: float = 1e-6
    weight_decay: float = 0.01
    clip_norm: float = 0.0  # 0: no clipping
    seed: int = 1


@dataclass(frozen=True)
class ParallelSettings:
    """How a step is spread over processes and memory. None of it changes what is learned beyond rounding."""

    mode: str = "ddp"
    micro_batch: int = 32
    precision: str = "auto"
    device: str = "auto"
    activation_checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True)
class CheckpointSettings:
    """A checkpoint every so many steps; the newest `keep` stay, and every `keep_every`th step for good (0: none)."""

    every: int = 1000
    keep: int = 2
    keep_every: int = 0


@dataclass(frozen=True)
class ReportSettings:
    """Steps between lines of `metrics.jsonl`, between validations, and between probes (0: none).

    `probe` is what follows `python -m xlmr_bench run` on the exported model: perplexity is no stopping rule (paper,
    section 5.1), a downstream task is.
    """

    every: int = 100
    validate_every: int = 5000
    probe_every: int = 0
    probe: str = "xnli --protocol transfer"
    tensorboard: bool = False


@dataclass(frozen=True)
class GuardSettings:
    """Stop when the loss exceeds `spike_ratio` x the recent median for `spike_steps` steps (0: only at NaN)."""

    spike_ratio: float = 1.5
    spike_steps: int = 100


@dataclass(frozen=True)
class Settings:
    """One run. `output` is its folder: checkpoints, metrics, the exported model."""

    output: str = ""
    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    parallel: ParallelSettings = field(default_factory=ParallelSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)

    def as_dict(self) -> dict[str, Any]:
        """Plain values by section, for JSON."""
        return asdict(self)

    @property
    def masked_per_block(self) -> int:
        """Masked tokens of a block; `<s>` and `</s>` at its ends do not count."""
        return max(1, round(self.data.mask_fraction * (self.data.block_tokens - 2)))


SECTIONS = {f.name: type(getattr(Settings(), f.name)) for f in fields(Settings) if f.name != "output"}
CHOICES = {
    "data.sampling_unit": ("sentences", "tokens"),
    "training.schedule": ("polynomial", "wsd", "constant"),
    "parallel.mode": ("ddp", "fsdp", "hsdp"),
    "parallel.precision": ("auto", "fp32", "bf16"),
    "parallel.device": ("auto", "cpu", "cuda"),
}
# What may differ when a run continues: where and how it computes and reports, not what it learns.
RESUMABLE = ("output", "parallel", "checkpoint", "report", "guard")


def load_settings(path: Path, overrides: Sequence[str] = (), variant: str | None = None) -> Settings:
    """Read a configuration, then its `variant`, then `key=value` overrides; each wins over the one before.

    Raises UsageError for a missing or malformed file, unknown names and values of the wrong kind or out of range.
    """
    values, variants = _read(path)
    if variant is None and variants:
        raise UsageError(f"{path} describes {len(variants)} runs; choose one with --variant: {', '.join(variants)}.")
    settings = _merged(Settings(), values, str(path))
    if variant is not None:
        if variant not in variants:
            raise unknown_name("variant", variant, variants) if variants else UsageError(f"{path} has no variants.")
        settings = _merged(settings, variants[variant], f"{path}, variant {variant}")
    settings = _merged(settings, _overrides(overrides), "the command line")
    if not settings.output:
        settings = replace(settings, output=f"runs/{path.stem}" + (f"-{variant}" if variant else ""))
    check(settings)
    return settings


def variants_of(path: Path) -> dict[str, dict[str, Any]]:
    """The variants a configuration names, with their raw values."""
    return _read(path)[1]


def check(settings: Settings) -> None:
    """Raise UsageError for values that cannot be meant."""
    for name, allowed in CHOICES.items():
        section, key = name.split(".")
        value = getattr(getattr(settings, section), key)
        if value not in allowed:
            raise unknown_name(name, str(value), allowed)
    t, d, p = settings.training, settings.data, settings.parallel
    positive = {
        "training.steps": t.steps, "training.batch_size": t.batch_size, "training.learning_rate": t.learning_rate,
        "parallel.micro_batch": p.micro_batch, "checkpoint.every": settings.checkpoint.every,
        "checkpoint.keep": settings.checkpoint.keep, "report.every": settings.report.every,
    }  # fmt: skip
    for name, number in positive.items():
        if number <= 0:
            raise UsageError(f"{name} is {number}; it must be above 0.")
    if not 0.0 <= d.alpha <= 1.0:
        raise UsageError(f"data.alpha is {d.alpha}; it lies between 0 (all languages alike) and 1 (as in the corpus).")
    if not 0.0 < d.mask_fraction < 1.0:
        raise UsageError(f"data.mask_fraction is {d.mask_fraction}; it lies between 0 and 1, usually 0.15.")
    if d.block_tokens < 8:
        raise UsageError(f"data.block_tokens is {d.block_tokens}; a block needs at least 8 tokens.")
    if t.warmup_steps + (t.decay_steps if t.schedule == "wsd" else 0) > t.steps:
        raise UsageError(
            f"training.steps is {t.steps:,}, less than warmup_steps {t.warmup_steps:,}"
            + (f" + decay_steps {t.decay_steps:,}." if t.schedule == "wsd" else ".")
        )
    for section in ("model", "data", "training", "report", "checkpoint", "guard"):
        for name, number in vars(getattr(settings, section)).items():
            if isinstance(number, int | float) and number < 0:
                raise UsageError(f"{section}.{name} is {number}; it cannot be below 0.")
            if name.endswith(("dropout_prob", "beta1", "beta2")) and number >= 1:
                raise UsageError(f"{section}.{name} is {number}; it lies between 0 and 1.")


def settings_from_dict(values: Mapping[str, Any]) -> Settings:
    """The inverse of `as_dict`, as read from JSON."""
    return _merged(Settings(), values, "the saved settings")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The sections of a file, and its variants by name."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        known = ", ".join(sorted(p.stem for p in (Path(__file__).parent / "configs").glob("*.toml")))
        raise UsageError(f"cannot read {path}: {e.strerror}. Configurations in pretrain/configs/: {known}.") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise UsageError(f"{path} is not TOML: {e}.") from e
    variants = values.pop("variants", {})
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        raise UsageError(f"{path}: variants is a table of tables, e.g. [variants.NAME.model], not a value.")
    return values, variants


def _overrides(words: Sequence[str]) -> dict[str, Any]:
    """`section.key=value`, or `key=value` where only one section has that key."""
    known = [f"{section}.{f.name}" for section, kind in SECTIONS.items() for f in fields(kind)]
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is not key=value, e.g. training.steps=1000.")
        if name == "output":
            values["output"] = text
            continue
        meant = [k for k in known if name in (k, k.partition(".")[2])]
        if len(meant) > 1:
            raise UsageError(f"{name} may be {' or '.join(meant)}; give the section too.")
        if not meant:
            raise unknown_name("setting", name, known)
        section, _, key = meant[0].partition(".")
        values.setdefault(section, {})[key] = _parsed(text)
    return values


def _parsed(text: str) -> Any:
    """A TOML value, or the text itself where it is none, so that paths and codes need no quotes."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # such as .7, which TOML wants as 0.7
    except ValueError:
        return text


def _merged(base: Settings, values: Mapping[str, Any], where: str) -> Settings:
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if name == "output":
            changed["output"] = _typed("", value, "output", where)
        elif name not in SECTIONS:
            raise unknown_name(f"section of {where}", name, SECTIONS)
        elif not isinstance(value, dict):
            raise UsageError(f"{where}: {name} is a section ([{name}]), not a value.")
        else:
            section = getattr(base, name)
            known = {f.name for f in fields(section)}
            for key in value:
                if key not in known:
                    raise unknown_name(f"setting in [{name}] of {where}", key, sorted(known))
            typed = {k: _typed(getattr(section, k), v, f"{name}.{k}", where) for k, v in value.items()}
            changed[name] = replace(section, **typed)
    return replace(base, **changed)


def _typed(example: Any, value: Any, name: str, where: str) -> Any:
    """The value with the type of the default; whole numbers may be written 1e6."""
    if isinstance(example, tuple):
        items = value.split(",") if isinstance(value, str) else value
        if isinstance(items, list) and items and all(isinstance(i, str) and i.strip() for i in items):
            return tuple(i.strip() for i in items)
    elif isinstance(example, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(example, int):
        if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
            return int(value)
    elif isinstance(example, float):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif isinstance(value, str):
        return value
    kind = {tuple: "a list of words", bool: "true or false", int: "a whole number", float: "a number"}
    raise UsageError(f"{where}: {name} = {value!r}, but it must be {kind.get(type(example), 'text')}.")
