"""A pretraining run as a TOML file: sections, `key=value` overrides on the command line, and named variants."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from xlmr_bench.errors import UsageError, unknown_name

from .settings import Settings, check

SECTIONS = {f.name: type(getattr(Settings(), f.name)) for f in fields(Settings) if f.name != "output"}


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
