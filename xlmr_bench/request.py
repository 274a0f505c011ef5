"""A run as the user asked for it, resolved: nothing here loads weights or imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark, Where
from .errors import UsageError
from .languages import choose_languages
from .protocols import FineTuning, Protocol, find_protocol
from .settings import Preset, Settings, find_preset, override

MINIATURE = "miniature"
HUB_PREFIX = "hub:"


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

    @property
    def fine_tunings(self) -> tuple[FineTuning, ...]:
        """The models to fine-tune for each seed."""
        return self.protocol.fine_tunings(self.languages)


def resolve(
    *,
    benchmark: str,
    model: str,
    protocol: str,
    languages: str | None,
    data: list[str],
    files: list[str],
    preset: str | None,
    assignments: list[str],
    seeds: str | None,
    output: Path,
    name: str | None,
    limit: int | None,
    device: str,
    save_models: bool,
) -> Request:
    """Check every name against what exists and fill in what was not said."""
    chosen = find_benchmark(benchmark)
    ready = find_preset(preset or ("quick" if is_miniature(data) else "paper"), chosen.presets)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: at least 1 example is needed.")
    if name is not None and (not name or "/" in name or name.startswith(".")):
        raise UsageError(f"--name {name!r} cannot be a folder name.")
    return Request(
        benchmark=chosen,
        protocol=find_protocol(protocol, chosen.protocols, chosen.name),
        languages=choose_languages(languages, chosen.languages),
        model=model,
        name=name,
        preset=ready,
        settings=override(ready.settings, assignments),
        seeds=ready.seeds if seeds is None else parse_seeds(seeds),
        output=output,
        limit=limit,
        device=device,
        save_models=save_models,
        # Last: it may make the miniature, and a mistyped word must not wait for that.
        where=locate(data, files),
    )


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
    known = ("train", "dev", "test", "translate-dev", "translate-test")
    for role, _ in patterns:
        if role not in known:
            raise UsageError(f"--files {role}=...: roles are {', '.join(known)}.")
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
