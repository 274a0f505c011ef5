"""The languages of CC-100 (paper, Table 6) and the sets that the paper trains on.

The paper names the 7 languages of XLM-7 (section 3) and the 100 of XLM-R (Table 6). It does not list its sets of 15,
30 and 60. Here 15 are the languages of XNLI, and 30 and 60 are those and the largest of the others by their size in
Table 6 (corrected where the printed size cannot be right), so that each set holds the smaller ones.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xlmr_bench.errors import DataError, unknown_name
from xlmr_bench.languages import XNLI_LANGUAGES

TABLE = Path(__file__).parent / "cc100.tsv"
XLM7 = ("en", "fr", "de", "ru", "zh", "sw", "ur")
# `zh` is Chinese in either script. CC-100 keeps the scripts apart; Wikipedia and XNLI do not.
CHINESE = ("zh-Hans", "zh-Hant")


@dataclass(frozen=True)
class CorpusLanguage:
    """A row of Table 6: millions of tokens and GiB as printed, and the GiB that must be meant."""

    code: str
    name: str
    printed_tokens_m: float
    printed_size_gib: float
    size_gib: float
    correction: str  # why `size_gib` or the tokens differ from what is printed; empty for nearly all


@cache
def cc100() -> Mapping[str, CorpusLanguage]:
    """Table 6 by code, in the paper's order."""
    with TABLE.open(encoding="utf-8", newline="") as f:
        rows = csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t", restval="")
        return {
            row["code"]: CorpusLanguage(
                code=row["code"],
                name=row["language"],
                printed_tokens_m=float(row["tokens_m"]),
                printed_size_gib=float(row["size_gib"]),
                size_gib=float(row["true_size_gib"] or row["size_gib"]),
                correction=row["why"],
            )
            for row in rows
        }


@cache
def language_sets() -> Mapping[str, tuple[str, ...]]:
    """The sets by name; each begins with the languages of the smaller one, `xlm100` is in Table 6's order."""
    largest = sorted(cc100().values(), key=lambda row: -row.size_gib)
    others = [row.code for row in largest if row.code not in (*XNLI_LANGUAGES, *CHINESE)]
    xlm15 = XLM7 + tuple(code for code in XNLI_LANGUAGES if code not in XLM7)
    return {
        "xlm7": XLM7,
        "xlm15": xlm15,
        "xlm30": (*xlm15, *others[:15]),
        "xlm60": (*xlm15, *others[:45]),
        "xlm100": tuple(cc100()),
    }


def resolve_languages(requested: tuple[str, ...], available: Iterable[str]) -> tuple[str, ...]:
    """The available languages that are meant by codes, set names and `all`, mixed; sorted, each once.

    The order is that of the codes whatever the order of the request, so that equal requests train equal models.
    `zh` is met by `zh-Hans` and `zh-Hant` where there is no `zh`, and each of these by `zh` where neither is there.

    Raises DataError naming the languages that are not available, UsageError for a name that means nothing.
    """
    there = frozenset(available)
    if not there:
        raise DataError("no languages there: the shards hold none. Write some with `python -m pretrain shard`.")
    wanted: dict[str, None] = {}
    for name in requested:
        if name == "all":
            wanted.update(dict.fromkeys(there))
        elif name in language_sets():
            wanted.update(dict.fromkeys(language_sets()[name]))
        elif name in there or name in cc100() or name == "zh":
            wanted[name] = None
        else:
            raise unknown_name("language", name, ("all", *language_sets(), *sorted(there | {"zh", *cc100()})))
    found = {code: _written_as(code, there) for code in wanted}
    missing = sorted(code for code, codes in found.items() if not codes)
    if missing:
        raise DataError(
            f"{len(missing)} of {len(wanted)} languages asked for have no shards: {', '.join(missing)}. There are: "
            f"{', '.join(sorted(there))}. Write the missing ones with `python -m pretrain shard`, or change "
            "data.languages (`all`: what is there)."
        )
    return tuple(sorted({code for codes in found.values() for code in codes}))


def _written_as(code: str, there: frozenset[str]) -> tuple[str, ...]:
    """The available codes that stand for `code`."""
    if code in there:
        return (code,)
    scripts = tuple(script for script in CHINESE if script in there)
    if code == "zh":
        return scripts
    return ("zh",) if code in CHINESE and not scripts and "zh" in there else ()
