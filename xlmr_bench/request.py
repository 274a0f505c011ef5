"""A run as the user asked for it, resolved: nothing here loads weights or imports torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark, Where
from .errors import UsageError, XlmrBenchError
from .languages import choose_languages
from .protocols import ENGLISH, FineTuning, Protocol, find_protocol
from .selection import Monitor, monitors_for
from .settings import Preset, Settings, find_preset, override

MINIATURE = "miniature"
HUB_PREFIX = "hub:"
TRANSFORMERS_PREFIX = "hf:"
ROLES = ("train", "dev", "test", "translate-train", "translate-dev", "translate-test", "dev-mismatched")


@dataclass(frozen=True)
class Request:
    """Everything that the command line decides."""

    benchmark: Benchmark
    protocol: Protocol
    languages: tuple[str, ...]
    model: str
    name: str | None
    where: Where
    preset: Preset
    settings: Settings
    seeds: tuple[int, ...]
    output: Path
    limit: int | None = None
    device: str = "auto"
    save_models: bool = False

    assignments: tuple[str, ...] = ()

    @property
    def fine_tunings(self) -> tuple[FineTuning, ...]:
        """The models to fine-tune for each seed."""
        return self.protocol.fine_tunings(self.languages, self.benchmark.model_of)

    @property
    def selections(self) -> tuple[str, ...]:
        """The rules that choose checkpoints, which protocol and benchmark must both admit."""
        return tuple(rule for rule in self.protocol.selections if rule in self.benchmark.selections)

    def monitors(self, tuning: FineTuning) -> list[Monitor]:
        """What a fine-tuning watches on dev."""
        return monitors_for(tuning, self.selections, self.benchmark.model_of)

    def settings_of(self, fine_tuning: str) -> Settings:
        """The settings of one fine-tuning: those of all, the preset's exceptions, then what the user changed."""
        own = override(self.preset.settings_of(fine_tuning), list(self.assignments))
        return replace(own, precision=self.settings.precision)

    @property
    def config(self) -> dict[str, Any]:
        """All settings as a record has them; those in which single fine-tunings differ stand beside them, by name."""
        common = asdict(self.settings)
        own = {t.name: asdict(self.settings_of(t.name)) for t in self.fine_tunings}
        differ = {name: {k: v for k, v in values.items() if v != common[k]} for name, values in own.items()}
        differ = {name: changed for name, changed in differ.items() if changed}
        exceptions = {"exceptions": differ} if differ else {}
        return {"preset": self.preset.name, "languages": list(self.languages), **common, **exceptions}

    def train_role(self, language: str) -> str:
        """Which split is trained on in a language."""
        translated = self.protocol.trains_translated and language != ENGLISH
        return self.benchmark.train_translated if translated else "train"

    def test_role(self, language: str) -> str:
        """Which split is tested: English needs no translation into English."""
        translated = self.protocol.tests_translated and language != ENGLISH
        return "translate-test" if translated else self.benchmark.tested


def resolve_each(
    *,
    benchmarks: Sequence[str],
    models: Sequence[str],
    protocols: str | None,
    name: str | None,
    data: list[str],
    files: list[str],
    **typed: Any,
) -> list[Request]:
    """A request for each benchmark, model and protocol (separated by commas), in this order; as typed otherwise.

    Nothing is returned where any of them is wrong: a sweep must not find that out after hours.
    """
    wanted = list(dict.fromkeys(benchmarks))
    asked = list(dict.fromkeys(part.strip() for part in protocols.split(","))) if protocols else [None]
    each = list(dict.fromkeys(models))
    _refuse_same_names(each, name)
    found = []
    for benchmark in wanted:
        try:
            found += [
                _checked(benchmark=benchmark, model=model, protocol=protocol, name=name, data=data, **typed)
                for model in each
                for protocol in asked
            ]
        except XlmrBenchError as e:
            raise e if len(wanted) == 1 else type(e)(f"{benchmark}: {e}") from None
    # Last: it may make the miniature, and a mistyped word must not wait for that.
    where = locate(data, files)
    return [replace(request, where=where) for request in found]


def _refuse_same_names(models: Sequence[str], name: str | None) -> None:
    if name is not None and len(models) > 1:
        raise UsageError(f"--name {name} is for one --model; there are {len(models)}: {', '.join(models)}.")
    by_name: dict[str, str] = {}
    for model in models:
        other = by_name.setdefault(model_name(model), model)
        if other != model:
            raise UsageError(
                f"{other} and {model} are both called {model_name(model)!r}: their results would lie in one place. "
                "Name one of them, and give the other in a command of its own with --name."
            )


def model_name(spec: str) -> str:
    """What a model is called in the results unless --name says otherwise: its folder's name, or that on the Hub."""
    folder = Path(spec.removeprefix(TRANSFORMERS_PREFIX))
    if spec.startswith(TRANSFORMERS_PREFIX):
        return folder.resolve().name if folder.is_dir() else str(folder)
    return Path(os.path.abspath(folder)).name


def resolve(*, data: list[str], files: list[str], **typed: Any) -> Request:
    """Check every name against what exists and fill in what was not said."""
    return replace(_checked(data=data, **typed), where=locate(data, files))


def _checked(
    *,
    benchmark: str,
    model: str,
    protocol: str | None,
    languages: str | None,
    data: list[str],
    preset: str | None,
    assignments: list[str],
    seeds: str | None,
    output: Path,
    name: str | None,
    limit: int | None,
    device: str,
    save_models: bool,
) -> Request:
    """A request whose data have not been looked for."""
    chosen = find_benchmark(benchmark)
    ready = find_preset(preset or _usual_preset(chosen, is_miniature(data)), chosen.presets)
    by = find_protocol(chosen.protocols[0] if protocol is None else protocol, chosen.protocols, chosen.name)
    columns = choose_languages(languages, chosen.languages, chosen.chosen, chosen.column)
    settings = override(ready.settings, assignments)
    _refuse_columns(chosen, by, columns)
    _refuse_head(chosen, columns, settings)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: at least 1 example is needed.")
    if name is not None and (not name or "/" in name or name.startswith(".")):
        raise UsageError(f"--name {name!r} cannot be a folder name.")
    return Request(
        benchmark=chosen,
        protocol=by,
        languages=columns,
        model=model,
        name=name,
        preset=ready,
        settings=settings,
        seeds=ready.seeds if seeds is None else parse_seeds(seeds),
        output=output,
        limit=limit,
        device=device,
        save_models=save_models,
        assignments=tuple(assignments),
        where=Where((), None),
    )


def _usual_preset(benchmark: Benchmark, miniature: bool) -> str:
    """`quick` for the miniature, `paper` for real data, the first one where a benchmark has no such."""
    names = [p.name for p in benchmark.presets]
    usual = "quick" if miniature else "paper"
    return usual if usual in names else names[0]


def _refuse_columns(benchmark: Benchmark, protocol: Protocol, languages: tuple[str, ...]) -> None:
    for code in languages:
        reason = benchmark.refuses(protocol.name, code)
        if reason is not None:
            raise UsageError(f"{benchmark.name} {protocol.name} cannot take {code}: {reason}. Name other --languages.")


def _refuse_head(benchmark: Benchmark, languages: tuple[str, ...], settings: Settings) -> None:
    """Only classification has a choice of heads."""
    if settings.head == "dense" and any(benchmark.task_of(code).head != "sequence" for code in languages):
        raise UsageError(f"head=dense is for classification; {benchmark.name} has a linear head. Leave it out.")


def is_miniature(data: list[str]) -> bool:
    """Whether the data asked for are the miniature, which is the default."""
    return not data or MINIATURE in data


def locate(data: list[str], files: list[str]) -> Where:
    """Where the data are; makes the miniature where it is asked for and not there yet."""
    patterns: list[tuple[str, str]] = []
    for assignment in files:
        role, separator, pattern = assignment.partition("=")
        if not separator or not pattern:
            raise UsageError(f"--files takes ROLE=PATTERN such as train='mt/{{language}}.tsv', not {assignment!r}.")
        patterns.append((role, pattern))
    for role, _ in patterns:
        if role not in ROLES:
            raise UsageError(f"--files {role}=...: roles are {', '.join(ROLES)}.")
    if len(dict(patterns)) < len(patterns):
        raise UsageError("--files names a role twice; one pattern serves all languages of a role.")
    hubs = [d.removeprefix(HUB_PREFIX) for d in data if d.startswith(HUB_PREFIX)]
    if len(hubs) > 1 or (hubs and len(data) > 1):
        raise UsageError("--data hub:NAME stands alone; add single files with --files ROLE=PATTERN.")
    folders = [_folder(d) for d in data or [MINIATURE] if not d.startswith(HUB_PREFIX)]
    return Where(tuple(folders), hubs[0] if hubs else None, tuple(patterns))


def parse_seeds(text: str) -> tuple[int, ...]:
    """`3`, `1,2,5` or `1-5`."""
    ranges: list[range] = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            ranges.append(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        raise UsageError(f"--seed {text!r} is not a number, a list (1,2,5) or a range (1-5).") from None
    if max(r.stop - r.start for r in ranges) > 1000:
        raise UsageError(f"--seed {text!r} names more than 1,000 seeds.")
    seeds = [seed for r in ranges for seed in r]
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0 or max(seeds) >= 2**31:
        raise UsageError(f"--seed {text!r}: seeds must be distinct numbers from 0 to 2147483647.")
    return tuple(seeds)


def _folder(name: str) -> Path:
    if name == MINIATURE:
        from .miniature import miniature_folder

        return miniature_folder()
    return Path(name)
