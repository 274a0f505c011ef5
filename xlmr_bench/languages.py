"""The languages of the benchmarks: ISO 639-1 codes in the order in which the paper's tables print them."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import UsageError, unknown_name

NAMES = {
    "en": "English",
    "fr": "French",
    "es": "Spanish",
    "de": "German",
    "el": "Greek",
    "bg": "Bulgarian",
    "ru": "Russian",
    "tr": "Turkish",
    "ar": "Arabic",
    "vi": "Vietnamese",
    "th": "Thai",
    "zh": "Chinese",
    "hi": "Hindi",
    "sw": "Swahili",
    "ur": "Urdu",
    "nl": "Dutch",
}

# Table 1's columns.
XNLI_LANGUAGES = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")


def choose_languages(requested: str | None, available: Iterable[str]) -> tuple[str, ...]:
    """The languages of `--languages en,sw` in table order; all of them for None or `all`."""
    known = tuple(available)
    if requested is None or requested == "all":
        return known
    wanted = [code.strip().lower() for code in requested.split(",") if code.strip()]
    if not wanted:
        raise UsageError(f"no language named in {requested!r}. Known: {', '.join(known)}.")
    for code in wanted:
        if code not in known:
            raise unknown_name("language", code, known)
    return tuple(code for code in known if code in wanted)
