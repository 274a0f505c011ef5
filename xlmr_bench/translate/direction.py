"""How a translation model is told from which language into which, and what its files tell of those it knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import DataError, UsageError
from .codes import FLORES, M2M, MBART50, language_name, language_of, opus_names

SUITABLE = "OPUS-MT (Helsinki-NLP/opus-mt-en-de), NLLB (facebook/nllb-200-distilled-600M), M2M-100 or mBART-50"
_OPUS_NAME = re.compile(r"opus-mt(?:-tc\w*|-big|-base)*-([A-Za-z_]+)-([A-Za-z_]+)$")
_TABLES = (FLORES, MBART50, M2M)


@dataclass(frozen=True)
class Direction:
    """From one language to another in the model's own terms.

    `source_code` is what the tokenizer calls the source, `first_token` the id that every output must begin with;
    `prefix` stands before every text. A model of one direction has none of them.
    """

    source: str
    target: str
    source_code: str | None = None
    first_token: int | None = None
    prefix: str = ""


def find_direction(tokenizer: Any, model_type: str, model: str, source: str, target: str) -> Direction:
    """The direction in a model's terms; raises UsageError where its files tell that it does not have it."""
    if model_type == "marian":
        _check_opus_languages(tokenizer, model, source, target)
        return Direction(source, target, prefix=_opus_prefix(tokenizer, model, target))
    table = next((t for t in _TABLES if _token(tokenizer, t, "en") is not None), None)
    if table is None:
        raise DataError(f"{model}: its tokenizer has no token for English in any known form. Take {SUITABLE}.")
    for code in (source, target):
        if _token(tokenizer, table, code) is None:
            known = [c for c in table if _token(tokenizer, table, c) is not None]
            raise UsageError(
                f"{model} does not know {language_name(code)} ({code!r}). Of the benchmarks' languages it knows "
                f"{', '.join(known)}. Take another model for this one."
            )
    return Direction(source, target, table[source], _token(tokenizer, table, target))


def _token(tokenizer: Any, table: dict[str, str], code: str) -> int | None:
    """The id of a language's token; None where the vocabulary lacks it."""
    if code not in table:
        return None
    found = tokenizer.convert_tokens_to_ids(f"__{table[code]}__" if table is M2M else table[code])
    return None if found is None or found == tokenizer.unk_token_id else int(found)


def _check_opus_languages(tokenizer: Any, model: str, source: str, target: str) -> None:
    """Marian models have one direction or a group of targets; tokenizer or name tell which, or nothing does."""
    named = _OPUS_NAME.search(model)
    told = tuple(getattr(tokenizer, side, None) for side in ("source_lang", "target_lang"))
    for index, (what, wanted) in enumerate((("from", source), ("into", target))):
        name = told[index] or (named.group(index + 1) if named else None)
        language = language_of(name) if name else None
        if language is not None and language != wanted:
            raise UsageError(
                f"{model} translates {what} {language_name(language)}, not {what} {language_name(wanted)}. "
                f"Take a model for {source} to {target}, such as Helsinki-NLP/opus-mt-{source}-{target}."
            )


def _opus_prefix(tokenizer: Any, model: str, target: str) -> str:
    """The token that chooses among several targets, such as `>>fra<< `; empty where there is one."""
    choices = list(getattr(tokenizer, "supported_language_codes", ()))
    prefix = next((p for name in opus_names(target) if (p := f">>{name}<<") in choices), None)
    if choices and prefix is None:
        shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
        raise UsageError(f"{model} translates into {shown}, not into {language_name(target)}. Take a model that does.")
    return f"{prefix} " if prefix else ""
