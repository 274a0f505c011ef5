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

# Columns of Tables 1 and 2.
XNLI_LANGUAGES = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")
CONLL_LANGUAGES = ("en", "nl", "es", "de")


def choose_languages(
    requested: str | None, available: Iterable[str], default: Iterable[str] = (), kind: str = "language"
) -> tuple[str, ...]:
    """The languages of `--languages en,sw` in table order, whatever their case; all of them for `all`.

    None gives the `default`, or all where that is empty. `kind` is what they are called in errors.
    """
    known = tuple(available)
    if requested is None:
        return tuple(default) or known
    if requested == "all":
        return known
    folded = {code.casefold(): code for code in known}
    wanted = [code.strip() for code in requested.split(",") if code.strip()]
    if not wanted:
        raise UsageError(f"no {kind} named in {requested!r}. Known: {', '.join(known)}.")
    for code in wanted:
        if code.casefold() not in folded:
            raise unknown_name(kind, code, known)
    return tuple(code for code in known if code in {folded[w.casefold()] for w in wanted})
